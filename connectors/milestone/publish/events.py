"""Analytics events: an XML document posted to the event server (TCP 9090), or a call of the gateway's Events REST API.

The port has neither authentication nor TLS and is off by default, but takes boxes, zones and the snapshot. The event
server cannot be asked for an event that it took there, so a lost reply cannot be settled; the delivery key travels as
the event's ``ID``.

The Events REST API authenticates, and can be asked as long as the event type has a retention. What it does with the
details of an analytics event is unverified: only the keys that are documented are sent.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

import requests
import structlog

from config.model import CameraSettings
from connectors.milestone.access.rest import created_id, succeeded, without_effect
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.inventory import Inventory, canonical_id
from connectors.milestone.publish import wording
from connectors.milestone.publish.action import ActionPublisher, known_or_none
from connectors.milestone.publish.alert_document import AlarmContent, analytics_event
from connectors.milestone.publish.paging import PagedList
from connectors.milestone.settings import MilestoneSettings
from connectors.protocols.http import HttpSession
from core.clock import iso_utc
from core.errors import NotFoundInVms, ReplyLost, RightMissing, VmsError, VmsRefused, VmsUnavailable
from core.redaction import redact
from core.types import Alert, Delivery, Receipt

OPTIONS_MENU = "Management Client → Tools → Options → Analytics Events"

_log = structlog.get_logger(component="milestone")

_EXCERPT = 200
_SCHEMA_REMEDY = "Report this as a fault of Vigie, with the event server's answer."
_RETENTION_REMEDY = "Management Client → Tools → Options → Alarms and Events: keep analytics events for a day or more."
REST_REMEDY = (
    "The Events REST API needs XProtect 2023 R2 or later, and an account that may trigger this event; "
    "or set event_route: xml."
)


class EventPublisher(ActionPublisher):
    """Posts alerts as analytics events to the event server.

    Every post has a connection of its own: a re-used one, which the server may have closed meanwhile, would leave open
    whether the event arrived.
    """

    is_askable: ClassVar[bool] = False

    def __init__(self, settings: MilestoneSettings, inventory: Inventory) -> None:
        self._settings = settings
        self._inventory = inventory
        self._http = HttpSession(ca=None, timeout_s=settings.timeout_s)

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        """Sends it; returns when the event server took it and knew its name."""
        known = known_or_none(self._inventory, camera)
        content = AlarmContent(delivery=delivery, alert=alert, camera=camera, known=known)
        body = analytics_event(content, self._settings.event_name)
        what = "analytics event to {}:{}".format(*self._settings.event_server_address)
        self._require_known(succeeded(self._post(body, what), what, remedy=_SCHEMA_REMEDY), what)
        return Receipt(remote_id=str(delivery.key))

    def look(self) -> None:
        """Posts an empty document, which is no event: raises ``RightMissing`` where this machine may not send any."""
        self._post(b"", "test of {}:{}".format(*self._settings.event_server_address))

    def close(self) -> None:
        self._http.close()

    def _post(self, body: bytes, what: str) -> requests.Response:
        host, port = self._settings.event_server_address
        host = f"[{host}]" if ":" in host else host
        try:
            response = self._http.request(
                "POST",
                f"http://{host}:{port}/",
                what=what,
                data=body,
                headers={"Content-Type": "text/xml", "Connection": "close"},
                allow_redirects=False,
            )
        except ReplyLost:
            raise
        except VmsUnavailable as error:
            raise VmsUnavailable(str(error), remedy=f"{OPTIONS_MENU}: tick Enabled; check the port.") from error
        if response.status_code == requests.codes.forbidden:
            raise RightMissing(
                f"{what}: HTTP 403, this machine's address is not allowed",
                remedy=f"{OPTIONS_MENU}: allow this machine's address.",
            )
        return response

    def _require_known(self, response: requests.Response, what: str) -> None:
        """The event server answers 200 with a warning to an event of a name that it does not know.

        That it does so for an unknown camera too ("source"), and in which words, is unverified.
        """
        if "not known" not in response.text.lower():
            return
        said = redact(response.text)[:_EXCERPT].strip()
        remedy = _missing_remedy(self._settings.event_name)
        if "source" in response.text.lower():
            remedy = "Run 'vigie check': it compares the site file with what XProtect knows."
        raise NotFoundInVms(f"{what}: {said} ({self._settings.event_name!r})", remedy=remedy)


class RestEventPublisher(ActionPublisher):
    """Triggers the analytics event through the gateway; its description ends with the delivery's token."""

    def __init__(self, session: XProtectSession, settings: MilestoneSettings, inventory: Inventory) -> None:
        self._session = session
        self._settings = settings
        self._inventory = inventory
        self._list = PagedList(session, "events", remedy=REST_REMEDY, include="data")
        self._is_retention_checked = False

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        event_type = self._event_type()
        data = {
            "Description": wording.description(delivery, alert, camera),
            "StartTime": iso_utc(alert.started_at),
            "EndTime": iso_utc(alert.captured_at),
            "Location": wording.camera_name(camera),
        }
        event_id = post_event(self._session, event_type, camera, data=data)
        self._check_retention(event_id)
        return Receipt(remote_id=event_id)

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:  # noqa: ARG002 - found by token
        """Asks for the event by its id where that is known, else pages through the stored events for the token.

        With a retention of 0 nothing is stored, hence nothing found: ``publish`` warns of that.
        """
        if delivery.remote_id and self._is_stored(delivery.remote_id):
            return Receipt(remote_id=delivery.remote_id)

        def is_ours(event: dict[str, Any]) -> bool:
            return delivery.token in json.dumps(event.get("data"))

        event = self._list.search(is_ours, words=delivery.token, since=alert.captured_at)
        return Receipt(remote_id=str(event.get("id") or "")) if event else None

    def _event_type(self) -> str:
        with without_effect():
            require_events_rest(self._session)
            known = self._inventory.analytics_event_ids()
        found = next((event_id for event_id, name in known.items() if name == self._settings.event_name), None)
        if found is None:
            raise NotFoundInVms(
                f"XProtect has no analytics event {self._settings.event_name!r}",
                remedy=_missing_remedy(self._settings.event_name),
            )
        return found

    def _check_retention(self, event_id: str) -> None:
        """Once: an event that was accepted and cannot be read back has a retention of 0."""
        if self._is_retention_checked or not event_id:
            return
        try:
            is_stored = self._is_stored(event_id)
        except VmsError:
            return  # the event was accepted; the next one tells
        self._is_retention_checked = True
        if not is_stored:
            _log.warning(
                "analytics_events_are_not_stored",
                consequence="after a lost answer an event may be sent twice",
                remedy=_RETENTION_REMEDY,
            )

    def _is_stored(self, event_id: str) -> bool:
        what = f"event {event_id} of XProtect"
        with without_effect():
            try:
                succeeded(self._session.rest("GET", f"/events/{event_id}", what=what), what)
            except NotFoundInVms:
                return False
        return True


def post_event(
    session: XProtectSession, event_type: str, camera: CameraSettings, *, data: dict[str, str] | None = None
) -> str:
    """Triggers an event of that type with the camera as its source; returns the event's id."""
    what = "event in XProtect"
    body = {"type": event_type, "source": f"cameras/{canonical_id(camera.device)}", **({"data": data} if data else {})}
    return created_id(succeeded(session.rest("POST", "/events", what=what, json=body), what, remedy=REST_REMEDY))


def require_events_rest(session: XProtectSession) -> None:
    """Refuses where the release has no Events REST API."""
    if not session.routes.has_events_rest():
        raise VmsRefused("this release of XProtect has no Events REST API", remedy=REST_REMEDY)


def _missing_remedy(name: str) -> str:
    return f"Management Client → Rules and Events → Analytics Events: add one named {name!r}, and save."
