"""User-defined events: triggered so that XProtect's own rules act (start a recording, call a preset, notify)."""

from __future__ import annotations

from typing import ClassVar

from config.model import CameraSettings
from connectors.milestone.access.rest import without_effect
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.inventory import Inventory
from connectors.milestone.publish.action import ActionPublisher
from connectors.milestone.publish.events import post_event
from connectors.milestone.settings import MilestoneSettings
from core.errors import NotFoundInVms
from core.types import Alert, Delivery, Receipt


class TriggerPublisher(ActionPublisher):
    """Triggers ``trigger_event`` for every alert: by Events REST (2023 R2 and later), else by SOAP ``EventTrigger``.

    Nothing of ours travels with it, so XProtect cannot be asked for it. By REST the camera is its source; by SOAP it
    has none, as the keys of ``EventTriggerWithMetadata`` are unverified.
    """

    is_askable: ClassVar[bool] = False

    def __init__(self, session: XProtectSession, settings: MilestoneSettings, inventory: Inventory) -> None:
        self._session = session
        self._settings = settings
        self._inventory = inventory

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:  # noqa: ARG002 - nothing of them travels
        with without_effect():
            event_id = self._event_id()
            by_rest = self._session.routes.has_events_rest()
        if by_rest:
            return Receipt(remote_id=post_event(self._session, event_id, camera))
        self._session.with_corporate_token(lambda commands, token: commands.trigger_event(token, event_id))
        return Receipt()

    def _event_id(self) -> str:
        wanted = self._settings.trigger_event
        for event_id, name in self._inventory.user_defined_events().items():
            if name == wanted:
                return event_id
        raise NotFoundInVms(
            f"XProtect has no user-defined event {wanted!r}",
            remedy="Run 'vigie milestone setup', which makes it; or add it in Management Client → User-defined Events.",
        )
