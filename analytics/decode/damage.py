"""How much of a stream comes damaged."""

from __future__ import annotations

from collections import deque

WINDOW_S = 2.5
"""Pictures of so long are looked at together."""

_LEAST = 3
_SHARE = 0.05
"""So many damaged pictures in a window, and this share of them, are more than a hiccup."""


class Damage:
    """The share of damaged pictures of late. It is bad from some on, and good again after a window without any."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int]] = deque()
        self._damaged = self._whole = 0
        self.is_bad = False

    @property
    def share(self) -> float:
        """Damaged pictures among those of the window."""
        return self._damaged / max(1, self._damaged + self._whole)

    def note(self, now: float, *, damaged: int, whole: int) -> None:
        """What came of a packet, or nothing while none comes; ``now`` on the monotonic clock."""
        if damaged or whole:
            self._seen.append((now, damaged, whole))
            self._damaged += damaged
            self._whole += whole
        while self._seen and self._seen[0][0] <= now - WINDOW_S:
            _, old_damaged, old_whole = self._seen.popleft()
            self._damaged -= old_damaged
            self._whole -= old_whole
        if self._damaged >= _LEAST and self.share >= _SHARE:
            self.is_bad = True
        elif not self._damaged:
            self.is_bad = False
