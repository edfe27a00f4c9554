"""What an alert becomes in XProtect: one delivery per action of the settings."""

from __future__ import annotations

from config.model import CameraSettings
from connectors.milestone.alarms import AlarmPublisher
from connectors.milestone.bookmarks import BookmarkPublisher
from connectors.milestone.events import EventPublisher
from connectors.milestone.inventory import Inventory
from connectors.milestone.session import XProtectSession
from connectors.milestone.settings import MilestoneSettings
from core.errors import RequestInvalid
from core.types import Alert, Delivery, Receipt

ASKABLE = frozenset({"alarm", "bookmark"})
"""The event server has no way to look for an analytics event, so ``event`` is not among them."""


class Publisher:
    """Hands each delivery to the publisher of its action."""

    def __init__(self, settings: MilestoneSettings, session: XProtectSession, inventory: Inventory) -> None:
        self._events = EventPublisher(settings, inventory)
        self._alarms = AlarmPublisher(session)
        self._bookmarks = BookmarkPublisher(session, settings)

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        """Does it. Raises ``VmsError``, as the contract of connectors says."""
        match delivery.action:
            case "event":
                return self._events.publish(delivery, alert, camera)
            case "alarm":
                return self._alarms.publish(delivery, alert, camera)
            case "bookmark":
                return self._bookmarks.publish(delivery, alert, camera)
            case _:
                raise RequestInvalid(
                    f"XProtect has no action {delivery.action!r}", remedy="Known: event, alarm, bookmark."
                )

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:
        """Looks whether XProtect has it already."""
        if delivery.action == "alarm":
            return self._alarms.find(delivery, alert)
        if delivery.action == "bookmark":
            return self._bookmarks.find(delivery, alert, camera)
        raise RequestInvalid(f"XProtect cannot be asked for {delivery.action!r}")

    def close(self) -> None:
        """Lets go of its own connections."""
        self._events.close()
