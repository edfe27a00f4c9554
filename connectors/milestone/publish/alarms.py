"""Alarms: through the gateway's Alarms REST API (2023 R2 and later), or the event server's SOAP alarm service.

The REST API takes a name, a message and a source; Smart Client shows the source camera's own picture of that time. The
SOAP service takes in one call also boxes, the rule's zone, the snapshot, related cameras and the alarm's priority.
"""

from __future__ import annotations

import json
from typing import Any

from config.model import CameraSettings
from connectors.milestone.access.rest import created_id, single, succeeded, without_effect
from connectors.milestone.access.routes import Route
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.inventory import Inventory, canonical_id
from connectors.milestone.publish import wording
from connectors.milestone.publish.action import ActionPublisher, known_or_none
from connectors.milestone.publish.alarm_service import AlarmService, Condition, Operator, Target
from connectors.milestone.publish.alert_document import AlarmContent
from connectors.milestone.publish.paging import PagedList
from connectors.milestone.settings import MilestoneSettings
from core.errors import NotFoundInVms, RequestInvalid
from core.types import Alert, Delivery, Receipt

REST_REMEDY = "The Alarms REST API needs XProtect 2023 R2 or later, and a role with rights under Alarms; or set alarm_route: soap."


class AlarmPublisher(ActionPublisher):
    """Makes alarms that carry the delivery's token, and looks for that token.

    It ends the message of an alarm made by REST; it is ``CustomTag``, and ends the description, of one made by SOAP.
    """

    def __init__(
        self,
        session: XProtectSession,
        settings: MilestoneSettings,
        inventory: Inventory,
        alarm_service: AlarmService,
    ) -> None:
        self._session = session
        self._settings = settings
        self._inventory = inventory
        self.alarm_service = alarm_service
        self._list = PagedList(session, "alarms", remedy=REST_REMEDY)

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        if self.route() == "soap":
            known = known_or_none(self._inventory, camera)
            content = AlarmContent(delivery=delivery, alert=alert, camera=camera, known=known)
            return Receipt(remote_id=self.alarm_service.add(content))
        return Receipt(remote_id=self._make_by_rest(delivery, alert, camera))

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:  # noqa: ARG002 - found by token
        """Asks for the alarm by its id where that is known, else for the token.

        Either route also finds what the other one made before the settings or the VMS changed: an alarm made by SOAP has
        the delivery's key as its id.
        """
        if self.route() == "soap":
            return self._find_by_soap(delivery)
        if delivery.remote_id and self._has_by_rest(delivery.remote_id):
            return Receipt(remote_id=delivery.remote_id)

        def is_ours(alarm: dict[str, Any]) -> bool:
            return str(alarm.get("id") or "").lower() == str(delivery.key) or delivery.token in json.dumps(alarm)

        alarm = self._list.search(is_ours, words=delivery.token, since=alert.captured_at)
        return Receipt(remote_id=str(alarm.get("id") or "")) if alarm else None

    def look(self) -> None:
        """Asks for one alarm. Raises ``VmsError`` where ``find`` could not ask either."""
        if self.route() == "soap":
            self.alarm_service.lines((), 1)
        else:
            self._list.page(0, size=1)

    def route(self) -> Route:
        """As the settings say, else as the release allows."""
        if self._settings.alarm_route != "auto":
            return self._settings.alarm_route
        with without_effect():
            return self._session.routes.alarms()

    def _make_by_rest(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> str:
        """The source is the bare camera id, as in Milestone's sample.

        The snapshot is not attached: the body that this API takes for it is unverified, and an alarm whose source is a
        camera needs none.
        """
        what = "alarm in XProtect"
        body = {
            "name": wording.title(alert),
            "message": wording.description(delivery, alert, camera),
            "source": canonical_id(camera.device),
        }
        response = self._session.rest("POST", "/alarms", what=what, json=body)
        return created_id(succeeded(response, what, remedy=REST_REMEDY))

    def _has_by_rest(self, alarm_id: str) -> bool:
        what = f"alarm {alarm_id} of XProtect"
        with without_effect():
            response = self._session.rest("GET", f"/alarms/{alarm_id}", what=what)
            try:
                single(succeeded(response, what), what)
            except (NotFoundInVms, RequestInvalid):
                return False
        return True

    def _find_by_soap(self, delivery: Delivery) -> Receipt | None:
        """Also looks into messages, where alarms made by REST have the token."""
        for condition in (
            Condition(Target.CUSTOM_TAG, Operator.EQUALS, delivery.token),
            Condition(Target.MESSAGE, Operator.CONTAINS, delivery.token),
        ):
            for found in self.alarm_service.lines((condition,), 1):
                if delivery.token in f"{found.custom_tag} {found.message}":
                    return Receipt(remote_id=found.alarm_id)
        return None
