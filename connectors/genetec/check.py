"""Looks at a Security Center with the account given, and says what is wrong and where to mend it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from config.model import CameraSettings
from connectors.genetec.ask import REPORTS, Asker
from connectors.genetec.inventory import Inventory, camera_guid
from connectors.genetec.publish import actions_of
from connectors.genetec.settings import GenetecSettings
from connectors.genetec.watched_events import REMEDY, SYSTEM_CONFIGURATION, known_events
from connectors.genetec.websdk import WebSdk
from connectors.protocols.capture_time import TimeSource
from connectors.protocols.findings import HTTP_DATE_STEP_S, Findings
from connectors.protocols.rtsp_source import RtspSource
from core.contracts import Clock
from core.errors import NotFoundInVms, VmsRefused, VmsUnavailable
from core.types import Finding

ADMINISTRATOR = "00000000-0000-0000-0000-000000000003"
"""GUID of the admin user, the same in every Security Center: something that surely exists."""

_LOOK_THERE = "Try again; if it stays, look at the state of this role and of its server in Config Tool."


class Check:
    """One look. Codes are ``<step>_<outcome>``, listed in ``docs/security-center.md``."""

    def __init__(
        self,
        settings: GenetecSettings,
        clock: Clock,
        sdk: WebSdk,
        asker: Asker,
        open_video: Callable[[CameraSettings], RtspSource],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sdk = sdk
        self._asker = asker
        self._open_video = open_video
        self._findings = Findings(remedy=_LOOK_THERE)

    def run(self, cameras: Sequence[CameraSettings]) -> list[Finding]:
        """Every finding, in the order of looking; a step that needs one that failed is left out."""
        if self._findings.step("web_sdk", self._settings.url, self._web_sdk) and self._findings.step(
            "account", self._settings.url, self._account
        ):
            self._findings.step("cameras", self._settings.url, partial(self._cameras, cameras))
            self._publishing(cameras)
            if self._settings.control:
                self._findings.step("control_events", self._settings.url, self._control_events)
        if self._findings.step("media_gateway", self._gateway_name(), self._media_gateway) and cameras:
            self._findings.step("video", cameras[0].id, partial(self._video, cameras[0]))
        return self._findings.found

    def _publishing(self, cameras: Sequence[CameraSettings]) -> None:
        actions = actions_of(self._settings)
        if "event" in actions:
            self._findings.step("custom_event", self._settings.event_name, self._custom_event)
        if "alarm" in actions:
            self._findings.step("alarm", str(self._settings.alarm), self._alarm)
        elif "alarm" in self._settings.publish:
            for camera in cameras:
                self._findings.step("event_to_action", camera.id, partial(self._event_to_action, camera))
        for action in actions if cameras else ():
            if action in REPORTS:
                self._findings.step(f"ask_{action}", REPORTS[action], partial(self._report, action, cameras[0]))

    def _web_sdk(self) -> None:
        before = self._clock.utc()
        answer = self._sdk.ping()
        now = (before + self._clock.utc()) / 2
        self._findings.ok(self._settings.url, "web_sdk_ok", "the Web-based SDK role answers")
        if self._settings.url.startswith("http:"):
            remedy = "Enable 'Use SSL connection' on the role's Properties page, write https:// and remove allow_http."
            self._findings.warn(self._settings.url, "web_sdk_not_encrypted", "the password travels in clear", remedy)
        if answer.date:
            self._drift(answer.date, now)

    def _drift(self, date: str, now: float) -> None:
        try:
            drift_s = parsedate_to_datetime(date).timestamp() + HTTP_DATE_STEP_S / 2 - now
        except ValueError:
            return  # a proxy's nonsense in a header that nothing else reads
        self._findings.clock(self._settings.url, "the role's server", drift_s)

    def _account(self) -> None:
        self._sdk.ask(f"/entity/exists/{ADMINISTRATOR}", what="use the account")
        self._findings.ok(self._settings.url, "account_ok", f"{self._settings.username} may use the SDK")

    def _cameras(self, cameras: Sequence[CameraSettings]) -> None:
        guids: dict[str, CameraSettings] = {}
        for camera in cameras:
            self._findings.step("camera", camera.id, partial(_note_guid, camera, guids))
        rows = Inventory(self._sdk).described(list(guids), ("Guid", "Name", "EntityType", "IsOnline"))
        for guid, camera in guids.items():
            self._camera(camera, rows.get(guid))

    def _camera(self, camera: CameraSettings, row: Mapping[str, Any] | None) -> None:
        if row is None:
            message = f"Security Center shows no entity {camera.device} to this account"
            remedy = "Compare with 'vigie probe'; give the user access to the camera's partition."
            self._findings.fail(camera.id, "camera_not_found", message, remedy)
        elif str(row.get("EntityType", "Camera")).lower() != "camera":
            message = f"{row.get('Name')} is a {row['EntityType']}, not a camera"
            self._findings.fail(camera.id, "camera_wrong_type", message, "Compare with 'vigie probe'.")
        elif str(row.get("IsOnline", True)).lower() == "false":
            self._findings.warn(
                camera.id, "camera_offline", f"{row.get('Name')} is off line", "Look at its unit and Archiver."
            )
        else:
            self._findings.ok(camera.id, "camera_ok", f"{row.get('Name')} is known")

    def _custom_event(self) -> None:
        """The property's shape is not documented, so the number is looked for anywhere in it."""
        name, number = self._settings.event_name, self._settings.event_id
        try:
            events = self._property_of(SYSTEM_CONFIGURATION, "CustomEvents")
        except VmsRefused as error:
            remedy = f"See in Config Tool that custom event {name!r} has the value {number} and entity type Camera."
            self._findings.warn(
                name, "custom_event_unverified", f"this account may not list custom events: {error}", remedy
            )
            return
        scalars = set(_scalars(events))
        if str(number) not in scalars:
            raise NotFoundInVms(
                f"Security Center has no custom event with the value {number}",
                remedy=f"In Config Tool add a custom event named {name!r}, entity type Camera, value {number}; or set"
                " 'event_id' to the value of an existing one.",
            )
        if name not in scalars:
            remedy = "Set 'event_name' to what operators read, or 'event_id' to the event that is meant."
            self._findings.warn(name, "custom_event_name", f"custom event {number} is not named {name!r}", remedy)
            return
        self._findings.ok(name, "custom_event_ok", f"custom event {name!r} has the value {number}")

    def _control_events(self) -> None:
        known = {event.name for event in known_events(self._sdk)}
        for name in dict.fromkeys(control.event for control in self._settings.control):
            if name in known:
                self._findings.ok(name, "control_event_ok", f"custom event {name!r} switches rules")
            else:
                message = f"Security Center shows no custom event {name!r}, which 'control:' names"
                self._findings.fail(name, "control_event_not_found", message, REMEDY)

    def _alarm(self) -> None:
        alarm = str(self._settings.alarm)
        answer = self._sdk.ask(f"/entity/exists/{alarm}", what="look for the alarm")
        if "true" not in {value.lower() for value in _scalars(answer.result)}:
            raise NotFoundInVms(
                f"Security Center has no alarm {alarm}", remedy="Set 'alarm' to the alarm entity's GUID."
            )
        self._findings.ok(alarm, "alarm_ok", "the alarm entity exists")

    def _event_to_action(self, camera: CameraSettings) -> None:
        """Only a hint: the property's shape is not documented, and a rule may stand elsewhere than on the camera."""
        try:
            rules = self._property_of(camera_guid(camera), "EventToActions")
        except NotFoundInVms:
            return  # the camera's own finding says so
        except VmsRefused as error:
            remedy = f"See in Config Tool that {self._settings.event_name!r} on this camera triggers an alarm."
            self._findings.warn(camera.id, "event_to_action_unverified", f"cannot be read: {error}", remedy)
            return
        if rules in (None, "", [], {}):
            self._findings.warn(
                camera.id,
                "event_to_action_missing",
                "no event-to-action is seen on this camera: its alerts may raise no alarm",
                f"In Config Tool add one: custom event {self._settings.event_name!r} → Trigger alarm.",
            )
        else:
            self._findings.ok(camera.id, "event_to_action_ok", "this camera has event-to-actions")

    def _property_of(self, guid: str, name: str) -> Any:
        rows = self._sdk.entities([guid], ["Guid", name])
        return rows[0].get(name) if rows else None

    def _report(self, action: str, camera: CameraSettings) -> None:
        try:
            self._asker.try_report(action, camera)
        except VmsRefused as error:
            remedy = "Nothing is lost, but after a broken connection an alert may come twice. Allow this report."
            message = f"cannot be asked whether an {action} arrived: {error}"
            self._findings.warn(REPORTS[action], f"ask_{action}_not_allowed", message, remedy)
        else:
            self._findings.ok(REPORTS[action], f"ask_{action}_ok", f"the report that shows {action}s is available")

    def _gateway_name(self) -> str:
        host, port = self._settings.gateway()
        return f"{host}:{port}"

    def _media_gateway(self) -> None:
        try:
            socket.create_connection(self._settings.gateway(), self._settings.timeout_s).close()
        except (OSError, UnicodeError) as error:  # a host name that cannot be one is a UnicodeError
            raise VmsUnavailable(
                f"Media Gateway {self._gateway_name()}: {error}",
                remedy="Create the Media Gateway role, enable RTSP on its Properties page, and open the firewall.",
            ) from error
        self._findings.ok(self._gateway_name(), "media_gateway_ok", "the Media Gateway listens")

    def _video(self, camera: CameraSettings) -> None:
        source = self._open_video(camera)
        packets = source.packets()
        try:
            packet = next(packets)
        finally:
            source.close()
        self._findings.ok(camera.id, "video_ok", f"{packet.codec} video arrives")
        if source.time_source is not TimeSource.RECORDER:
            remedy = "Alerts carry the arrival time: expect bookmarks late by the video's delay."
            self._findings.warn(
                camera.id, "video_time_unknown", "the Media Gateway does not tell the capture time", remedy
            )


def _note_guid(camera: CameraSettings, guids: dict[str, CameraSettings]) -> None:
    guids[camera_guid(camera)] = camera


def _scalars(value: Any) -> Iterator[str]:
    """Every scalar in a JSON value, as text."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _scalars(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _scalars(inner)
    elif value is not None:
        yield str(value)
