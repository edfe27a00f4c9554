"""Nothing is said before it has lasted: neither that it is so, nor that it is over."""

from __future__ import annotations

from core.types import UtcSeconds


class Hold:
    """Whether something is so, once it has been for ``after_s``, and until it has not been for ``gone_s``."""

    def __init__(self, after_s: float, gone_s: float) -> None:
        self._after_s = after_s
        self._gone_s = gone_s
        self._turned_at: UtcSeconds | None = None
        """Since when what is seen contradicts ``is_held``, without a break."""
        self.is_held = False

    def update(self, now: UtcSeconds, is_seen: bool) -> bool:
        """Takes what is seen now; whether ``is_held`` turned."""
        if is_seen is self.is_held:
            self._turned_at = None
            return False
        if self._turned_at is None:
            self._turned_at = now
        if now - self._turned_at < (self._gone_s if self.is_held else self._after_s):
            return False
        self.is_held, self._turned_at = is_seen, None
        return True

    def interrupt(self) -> None:
        """Time in which nothing was seen counts for neither."""
        self._turned_at = None
