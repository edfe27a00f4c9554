"""How evenly pictures are analysed: the longest wait between two of them, lately."""

from __future__ import annotations

from collections import deque

from core.contracts import Clock

WINDOW_S = 10.0
"""Long enough that whoever reads every second or so misses no gap."""


class Gaps:
    """One thread notes, any may read."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: float | None = None
        self._gaps: deque[tuple[float, float]] = deque()
        """Ends and lengths; each shorter than the one before it, for only those can still become the longest."""

    def note(self) -> None:
        """A picture was analysed."""
        now = self._clock.monotonic()
        last, self._last = self._last, now
        if last is None:
            return
        gaps = deque(gap for gap in self._gaps if gap[0] > now - WINDOW_S and gap[1] > now - last)
        gaps.append((now, now - last))
        self._gaps = gaps

    def longest_s(self) -> float:
        """Longest wait that ended within the last ``WINDOW_S``, or lasts; 0 before the first picture."""
        now = self._clock.monotonic()
        if self._last is None:
            return 0.0
        return max(now - self._last, *(length for end, length in self._gaps if end > now - WINDOW_S), 0.0)
