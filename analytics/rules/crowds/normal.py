"""What is usual in a scene, and conditions that must last: what statistics are judged against."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from core.types import UtcSeconds

_PENDING_S: Final = 10.0
"""What is new becomes usual only after so long, and not at all when an event begins: it must not excuse itself."""
_FEWEST: Final = 200
_MOST: Final = 5000
_USUAL: Final = 95.0
_GAP_S: Final = 0.6
"""Interruptions that a condition bears: one picture at two a second, the fewest that are analysed."""


class Normal:
    """Learns what a figure usually is: the level that 19 of 20 stay below. Nothing until enough was seen."""

    def __init__(self) -> None:
        self._pending: deque[tuple[UtcSeconds, float]] = deque(maxlen=_MOST)
        self._known: deque[float] = deque(maxlen=_MOST)
        self._level = 0.0
        self._new = 0

    def see(self, values: list[float], now: UtcSeconds) -> None:
        """Takes what was measured in one frame."""
        self._pending.extend((now, value) for value in values)
        while self._pending and now - self._pending[0][0] > _PENDING_S:
            self._known.append(self._pending.popleft()[1])
            self._new += 1
        if self._new >= _FEWEST:
            self._level, self._new = float(np.percentile(self._known, _USUAL)), 0

    def at_least(self, least: float, times: float) -> float:
        """The threshold: ``times`` the usual level, and never below ``least``."""
        return max(least, times * self._level)

    def discard_recent(self) -> None:
        """Leaves out of account what was seen of an event and shortly before it."""
        self._pending.clear()


class Lasting:
    """A condition that counts once it has held for some time, and is reported once until it is over."""

    def __init__(self, for_s: float, *, gap_s: float = _GAP_S, over_s: float = 5.0) -> None:
        """``gap_s``: interruptions that it bears; ``over_s``: after so long without, it is over."""
        self._for_s = for_s
        self._gap_s = gap_s
        self._over_s = over_s
        self._held_at: UtcSeconds | None = None
        self._is_reported = False
        self.since: UtcSeconds = 0.0
        """When it began to hold."""

    def begins(self, holds: bool, now: UtcSeconds) -> bool:
        """Takes whether it holds in this frame; True once, in the frame in which it has held long enough."""
        away = None if self._held_at is None else now - self._held_at
        if away is not None and away > self._over_s:
            self._is_reported = False
        if not holds:
            return False
        if away is None or away > self._gap_s:
            self.since = now
        self._held_at = now
        if self._is_reported or now - self.since < self._for_s - 1e-6:
            return False
        self._is_reported = True
        return True
