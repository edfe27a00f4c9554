"""Forgets what was not seen for long."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from core.types import UtcSeconds

Known = TypeVar("Known")


class Expiry:
    """Drops what is older than some time; looks for it only once there may be such a thing."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._all_since: UtcSeconds = -math.inf
        """Nothing known was last seen before."""

    def drop(self, known: dict[int, Known], seen_at: Callable[[Known], UtcSeconds], now: UtcSeconds) -> None:
        """Takes out of ``known`` whatever was last seen too long ago. Times of what is in it only grow."""
        if now - self._all_since <= self._after_s:
            return
        for key in [key for key, one in known.items() if now - seen_at(one) > self._after_s]:
            del known[key]
        self._all_since = min(map(seen_at, known.values()), default=now)
