"""Whether pictures come but nothing lives in them any more."""

from __future__ import annotations

from typing import Final

from core.types import UtcSeconds

_LONG_S: Final = 60.0
"""At night cameras code a quiet scene as "no change", so that pictures are the same for as long as no key frame comes …"""
_SHORT_S: Final = 3.0
_KEYS: Final = 2
"""… but a key frame holds the noise of its own moment: two of them that are the same to the last tone are one picture, sent
again. In 29 clips no key frame is the same as what was before it, but one of a scene that was edited in."""


class Sameness:
    """Follows for how long, and over how many key frames, not one tone has changed. In capture time."""

    def __init__(self) -> None:
        self._since: UtcSeconds | None = None
        self._keys = 0
        """Key frames of the stream up to the first of the pictures that are the same."""

    def update(self, now: UtcSeconds, keys: int, *, is_same: bool) -> bool:
        """Takes the next picture; whether it is frozen.

        Args:
            now: capture time.
            keys: key frames that the stream has had so far; stays 0 where nobody counts them.
            is_same: whether the picture is that before, to the last tone.
        """
        if not is_same or self._since is None:
            self._since, self._keys = now, keys
            return False
        same_s = now - self._since
        return same_s >= _LONG_S or (same_s >= _SHORT_S and keys - self._keys >= _KEYS)

    def interrupt(self) -> None:
        """Pictures stopped coming for a while."""
        self._since = None
