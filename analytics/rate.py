"""Which frames are analysed: so many per second of capture time, evenly."""

from __future__ import annotations

from core.types import UtcSeconds

_EARLY = 0.25
"""A frame may come by this share of the interval too early, or a jittery camera would lose every other frame."""
_STEP_BACK_S = 10.0
"""A frame that is so much older than expected means that the recorder's clock was set back. Less than that is what a
recorder sends again after a short interruption, from the last key frame on."""


class FrameRate:
    """Chooses frames by capture time. Not thread-safe."""

    def __init__(self, fps: float) -> None:
        self._interval_s = 1.0 / fps
        self._next: UtcSeconds | None = None

    def is_due(self, captured_at: UtcSeconds) -> bool:
        """Whether a frame of that time would be taken; one that is older than the last taken is not."""
        if self._next is None or captured_at >= self._next - _EARLY * self._interval_s:
            return True
        return captured_at < self._next - self._interval_s - _STEP_BACK_S

    def take(self, captured_at: UtcSeconds) -> bool:
        """Like ``is_due``; a frame that is due is taken, and the next one is due an interval later."""
        if not self.is_due(captured_at):
            return False
        if self._next is None or abs(captured_at - self._next) >= self._interval_s:
            self._next = captured_at
        self._next += self._interval_s
        return True
