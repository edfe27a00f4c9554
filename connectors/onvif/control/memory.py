"""What survives a dropped connection to a bridge's events, so that the next one misses nothing and repeats nothing."""

from __future__ import annotations

from connectors.onvif.client.events import Subscription
from connectors.protocols.told import Told


class PullPointMemory(Told):
    """The pull point, and what was told of each subject. Thread-safe; one per VMS, held by its connector."""

    def __init__(self) -> None:
        super().__init__()
        self._subscription: Subscription | None = None
        self._asked_for: object = None

    def keep(self, subscription: Subscription, asked_for: object) -> None:
        """It exists in the bridge, for these topics."""
        with self._lock:
            self._subscription, self._asked_for = subscription, asked_for

    def resumable(self, asked_for: object) -> Subscription | None:
        """The one that a broken connection left, if it is for the same topics: what waits in it is still to be told."""
        with self._lock:
            return self._subscription if asked_for == self._asked_for else None

    def release(self, subscription: Subscription) -> bool:
        """Forgets it; False where another one has taken its place, or somebody else has forgotten it."""
        with self._lock:
            if self._subscription is not subscription:
                return False
            self._subscription = None
            return True

    @property
    def held(self) -> Subscription | None:
        """The one that exists now."""
        return self._subscription
