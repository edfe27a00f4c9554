"""In which order the frames of one channel may leave, and what the recorder's time is between two of them."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from core.contracts import Clock
from core.types import UtcSeconds

STEP_BACK_S: Final = 10.0
"""Frames older than the newest by more are not late: the recorder's clock was set back. Less is what a recorder sends
again after an interruption (the engine decides likewise)."""

CONFIRMATIONS: Final = 3
"""So many of them in a row, each newer than the one before: one alone is a straggler."""

SLACK_S: Final = 0.5
"""What is said between frames is dated so far back that the next frame, a little slower, is still newer."""

_MS: Final = 1000


class Place(Enum):
    """Where a frame stands."""

    IN_ORDER = auto()
    LATE = auto()
    """Not newer than what left already."""
    BEGINS_ANEW = auto()
    """The recorder's clock was set back: earlier documents and this one have no common time."""


class CaptureOrder:
    """Keeps to the millisecond, which is what documents tell."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._newest_ms: int | None = None
        self._anchor: tuple[UtcSeconds, float] | None = None
        self._back_ms: list[int] = []

    def place(self, captured_at: UtcSeconds) -> Place:
        """Takes the next frame's capture time."""
        now_ms = round(captured_at * _MS)
        place = self._placed(now_ms)
        # A late frame tells the recorder's time as well: counted on from an older one, the time between frames would run
        # ahead of all that follow after a recorder was set back, or fell behind, by a few seconds.
        self._anchor = captured_at, self._clock.monotonic()
        if place is not Place.LATE:
            self._newest_ms = now_ms
            self._back_ms.clear()
        return place

    def newest(self) -> UtcSeconds:
        """The time of what left last."""
        return self.between_frames() if self._newest_ms is None else self._newest_ms / _MS

    def between_frames(self) -> UtcSeconds:
        """The recorder's time now, as far as the last frame tells it; never before what left already."""
        if self._anchor is None:
            now = self._clock.utc()
        else:
            captured_at, heard_at = self._anchor
            now = captured_at + self._clock.monotonic() - heard_at
        now_ms = round((now - SLACK_S) * _MS)
        self._newest_ms = now_ms if self._newest_ms is None else max(now_ms, self._newest_ms)
        return self._newest_ms / _MS

    def _placed(self, now_ms: int) -> Place:
        if self._newest_ms is None or now_ms > self._newest_ms:
            return Place.IN_ORDER
        if now_ms >= self._newest_ms - STEP_BACK_S * _MS:
            return Place.LATE
        if self._back_ms and now_ms <= self._back_ms[-1]:
            self._back_ms.clear()
        self._back_ms.append(now_ms)
        return Place.BEGINS_ANEW if len(self._back_ms) >= CONFIRMATIONS else Place.LATE
