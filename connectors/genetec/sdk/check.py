"""Looks at a Security Center through the SDK, and says what is wrong and where to mend it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from functools import partial

from config.model import CameraSettings
from connectors.genetec.inventory.inventory import camera_guid
from connectors.genetec.sdk.bridge import Bridge
from connectors.genetec.sdk.overlay import STREAM
from connectors.genetec.sdk.publisher import Publisher
from connectors.genetec.sdk.settings import GenetecSdkSettings
from connectors.protocols.capture_time import TimeSource
from connectors.protocols.findings import Findings
from connectors.protocols.rtsp_source import RtspSource
from core.contracts import Clock
from core.errors import NotFoundInVms, RequestInvalid, VmsRefused, VmsUnavailable
from core.types import Finding

_REPORT_S = 60.0


class Check:
    """One look. Codes are ``<step>_<outcome>``, listed in ``docs/security-center-sdk.md``."""

    def __init__(
        self,
        settings: GenetecSdkSettings,
        clock: Clock,
        bridge: Bridge,
        publisher: Publisher,
        open_video: Callable[[CameraSettings], RtspSource],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._bridge = bridge
        self._publisher = publisher
        self._open_video = open_video
        self._findings = Findings(remedy="Try again; if it stays, look at the service's log for what the SDK printed.")

    def run(self, cameras: Sequence[CameraSettings]) -> list[Finding]:
        """Every finding, in the order of looking; a step that needs one that failed is left out."""
        if self._findings.step("sdk_logon", self._settings.url, self._log_on):
            self._entities(cameras)
            if cameras:
                for action in sorted(self._publisher.askable):
                    self._findings.step(f"ask_{action}", action, partial(self._report, action, cameras[0]))
        if self._findings.step("media_gateway", self._gateway_name(), self._media_gateway) and cameras:
            self._findings.step("video", cameras[0].id, partial(self._video, cameras[0]))
        return self._findings.found

    def _log_on(self) -> None:
        self._bridge.ask("list custom events")
        message = f"{self._settings.username} is logged on by {self._settings.runtime}"
        self._findings.ok(self._settings.url, "sdk_logon_ok", message)

    def _entities(self, cameras: Sequence[CameraSettings]) -> None:
        for camera in cameras:
            self._findings.step("camera", camera.id, partial(self._camera, camera))
        if {"event", "analytics"}.intersection(self._settings.publish):
            self._findings.step("custom_event", self._settings.event_name, self._custom_event)
        if "alarm" in self._settings.publish:
            self._findings.step("alarm", str(self._settings.alarm), self._alarm)

    def _camera(self, camera: CameraSettings) -> None:
        entity = self._bridge.ask("look up an entity", guid=camera_guid(camera))
        if entity is None or entity["type"] != "Camera":
            raise NotFoundInVms(
                f"Security Center shows no camera {camera.device} to this account",
                remedy="Compare with the GUIDs listed as docs/security-center.md says; give the user access to the camera's partition.",
            )
        if not entity["runs"]:
            remedy = "Look at the camera's unit in Config Tool."
            self._findings.warn(camera.id, "camera_offline", "this camera does not run", remedy)
        else:
            self._findings.ok(camera.id, "camera_ok", f"this camera is {entity['name']!r}")
        if "metadata" in self._settings.publish:
            self._findings.step("overlay", camera.id, partial(self._overlay, camera, supported=entity["overlays"]))

    def _overlay(self, camera: CameraSettings, *, supported: bool) -> None:
        if not supported:
            raise RequestInvalid(
                "this camera takes no overlays",
                remedy="Its Archiver or driver must support metadata streams; else remove 'metadata' from 'publish'.",
            )
        wanted = self._settings.overlay_of(camera.id)
        self._bridge.ask(
            "open an overlay",
            camera=camera_guid(camera),
            name=STREAM,
            width=wanted.width,
            height=wanted.height,
        )
        self._findings.ok(camera.id, "overlay_ok", "boxes can be drawn over this camera")

    def _custom_event(self) -> None:
        number, name = self._settings.event_id, self._settings.event_name
        known = self._bridge.ask("list custom events").get(str(number))
        if known is None:
            raise NotFoundInVms(
                f"Security Center has no custom event with the value {number}",
                remedy=f"In Config Tool add a custom event named {name!r}, entity type Camera, value {number}.",
            )
        if known != name:
            remedy = "Set 'event_name' to what operators read, or 'event_id' to the event that is meant."
            self._findings.warn(name, "custom_event_name", f"custom event {number} is named {known!r}", remedy)
        else:
            self._findings.ok(name, "custom_event_ok", f"custom event {name!r} has the value {number}")

    def _alarm(self) -> None:
        alarm = str(self._settings.alarm)
        entity = self._bridge.ask("look up an entity", guid=alarm)
        if entity is None or entity["type"] != "Alarm":
            raise NotFoundInVms(
                f"Security Center has no alarm {alarm}", remedy="Set 'alarm' to the alarm entity's GUID."
            )
        self._findings.ok(alarm, "alarm_ok", f"the alarm is {entity['name']!r}")

    def _report(self, action: str, camera: CameraSettings) -> None:
        now = self._clock.utc()
        try:
            self._publisher.report(action, camera, now - _REPORT_S, now)
        except VmsRefused as error:
            remedy = "Nothing is lost, but after a broken connection an alert may come twice. Allow this report."
            message = f"cannot be asked whether an {action} arrived: {error}"
            self._findings.warn(action, f"ask_{action}_not_allowed", message, remedy)
        else:
            self._findings.ok(action, f"ask_{action}_ok", f"the report that shows an {action} is available")

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
        try:
            packet = next(source.packets())
        finally:
            source.close()
        self._findings.ok(camera.id, "video_ok", f"{packet.codec} video arrives")
        if source.time_source is not TimeSource.RECORDER:
            remedy = "Alerts carry the arrival time: expect bookmarks late by the video's delay."
            self._findings.warn(
                camera.id, "video_time_unknown", "the Media Gateway does not tell the capture time", remedy
            )
