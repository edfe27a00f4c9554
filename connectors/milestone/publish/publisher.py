"""What an alert becomes in XProtect: one delivery per action of the settings."""

from __future__ import annotations

from collections.abc import Mapping

from config.model import CameraSettings
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.inventory import Inventory
from connectors.milestone.publish.action import ActionPublisher
from connectors.milestone.publish.alarm_service import AlarmService
from connectors.milestone.publish.alarms import AlarmPublisher
from connectors.milestone.publish.bookmarks import BookmarkPublisher
from connectors.milestone.publish.events import EventPublisher, RestEventPublisher
from connectors.milestone.publish.evidence_locks import EvidenceLockPublisher
from connectors.milestone.publish.trigger import TriggerPublisher
from connectors.milestone.settings import MilestoneSettings
from core.errors import RequestInvalid
from core.types import Alert, Delivery, Receipt


class Publisher:
    """Hands each delivery to the publisher of its action. Constructing does no I/O."""

    def __init__(self, settings: MilestoneSettings, session: XProtectSession, inventory: Inventory) -> None:
        self.alarm_service = AlarmService(session, settings)
        """The SOAP alarm service, which the verdict channel uses too."""
        self.alarms = AlarmPublisher(session, settings, inventory, self.alarm_service)
        """The publisher of alarms, by whose route alarms are changed too."""
        by_rest = settings.event_route == "rest"
        self._publishers: Mapping[str, ActionPublisher] = {
            "event": RestEventPublisher(session, settings, inventory)
            if by_rest
            else EventPublisher(settings, inventory),
            "alarm": self.alarms,
            "bookmark": BookmarkPublisher(session, settings, inventory),
            "evidence_lock": EvidenceLockPublisher(session, settings, inventory),
            "trigger": TriggerPublisher(session, settings, inventory),
        }

    def askable(self) -> frozenset[str]:
        """The actions whose presence XProtect can be asked for, as the settings make them. Without I/O."""
        return frozenset(action for action, publisher in self._publishers.items() if publisher.is_askable)

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        """Does it. Raises ``VmsError``, as the contract of connectors says."""
        return self._of(delivery.action).publish(delivery, alert, camera)

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:
        """Looks whether XProtect has it already. Raises ``RequestInvalid`` for what is not ``askable``."""
        return self._of(delivery.action).find(delivery, alert, camera)

    def close(self) -> None:
        """Lets go of its own connections."""
        for publisher in self._publishers.values():
            publisher.close()

    def _of(self, action: str) -> ActionPublisher:
        publisher = self._publishers.get(action)
        if publisher is None:
            raise RequestInvalid(
                f"XProtect has no action {action!r}", remedy=f"Known: {', '.join(sorted(self._publishers))}."
            )
        return publisher
