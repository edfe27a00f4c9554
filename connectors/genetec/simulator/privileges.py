"""What the account of a simulated site may be denied.

From public sources: a command without its privilege is a 404; ``UnsufficientPrivilege`` is a name of ``SdkError``.
Unverified: that reading and changing entities, which is one command, is refused by that name, and that an account that
may not see users is shown none.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from core.errors import RightMissing

CONFIGURE: Final = "configure"
USERS: Final = "users"
PROPERTIES: Final = ("CustomEvents", "EventToActions", "Recipients")
REPORTS: Final = ("AlarmActivity", "Bookmark", "CameraEvent")
DENIABLE: Final = (CONFIGURE, USERS, *PROPERTIES, *REPORTS)


class Privileges:
    """One account's; everything that is not denied is granted."""

    def __init__(self, denied: Collection[str] = ()) -> None:
        self._denied = frozenset(denied)

    def allows(self, what: str) -> bool:
        """Whether the account may."""
        return what not in self._denied

    def require(self, what: str) -> None:
        """Raises ``RightMissing``."""
        if not self.allows(what):
            raise RightMissing(f"this user lacks the privilege for {what}")
