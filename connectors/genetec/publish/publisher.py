"""What an alert becomes in Security Center: one request per action."""

from __future__ import annotations

from urllib.parse import quote

from config.model import CameraSettings
from connectors.genetec.access.query import call, escaped
from connectors.genetec.access.websdk import WebSdk
from connectors.genetec.inventory.inventory import camera_guid
from connectors.genetec.publish.wording import payload, text
from connectors.genetec.settings import GenetecSettings
from core.clock import iso_utc
from core.errors import RequestInvalid
from core.types import Alert, Delivery, Receipt

_PAYLOAD_TYPE = "payload/txt"


def actions_of(settings: GenetecSettings) -> tuple[str, ...]:
    """The deliveries of an alert. An alarm by event-to-action needs the event, once, and nothing more."""
    by_event = settings.alarm_route == "event_to_action"
    wanted = ("event" if name == "alarm" and by_event else name for name in settings.publish)
    return tuple(dict.fromkeys(wanted))


class Publisher:
    """Raises events, triggers alarms, adds bookmarks. Security Center gives none of them an id in its answer."""

    def __init__(self, settings: GenetecSettings, sdk: WebSdk) -> None:
        self._settings = settings
        self._sdk = sdk

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        """Does it. Raises ``VmsError``, as the contract of connectors says."""
        match delivery.action:
            case "event":
                self._raise_event(delivery, alert, camera)
            case "alarm":
                self._trigger_alarm()
            case "bookmark":
                self._add_bookmark(delivery, alert, camera)
            case _:
                raise RequestInvalid(
                    f"Security Center has no action {delivery.action!r}", remedy="Known: event, alarm, bookmark."
                )
        return Receipt()

    def _raise_event(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> None:
        number = self._settings.event_id
        self._sdk.do(
            "POST",
            f"/events/RaiseCustomEvent/{number}/{camera_guid(camera)}",
            params=f"msg={quote(text(delivery, alert), safe='')}",
            files={"payload": (None, payload(delivery, alert, camera), _PAYLOAD_TYPE)},
            what=f"raise custom event {number} on {camera.id}",
        )

    def _trigger_alarm(self) -> None:
        """A GET that has an effect; its documented form takes the alarm alone: no camera, no text, no key."""
        alarm = self._settings.alarm
        if alarm is None:
            raise RequestInvalid("no alarm entity is set", remedy="Set 'alarm' to the GUID of the alarm entity.")
        self._sdk.do("GET", "/alarm", call("TriggerAlarm", alarm), what=f"trigger alarm {alarm}")

    def _add_bookmark(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> None:
        arguments = camera_guid(camera), iso_utc(alert.captured_at), escaped(text(delivery, alert))
        self._sdk.do("POST", "/action", call("AddCameraBookmark", *arguments), what=f"bookmark {camera.id}")
