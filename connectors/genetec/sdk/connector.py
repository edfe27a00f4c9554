"""Genetec Security Center by its .NET SDK: events, alarms, bookmarks and overlays; video from the Media Gateway."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from config.model import CameraSettings, VmsSettings
from connectors.genetec.media_gateway import MediaGateway
from connectors.genetec.sdk.bridge import Bridge
from connectors.genetec.sdk.check import Check
from connectors.genetec.sdk.control import EVENTS, VERDICTS, open_control
from connectors.genetec.sdk.launch import Launch, sdk_folder
from connectors.genetec.sdk.overlay import Overlay
from connectors.genetec.sdk.publisher import Publisher
from connectors.genetec.sdk.settings import GenetecSdkSettings
from connectors.protocols.playback.source import PlaybackSource
from connectors.protocols.rtsp_source import RtspSource
from core.contracts import Capability, ConnectorServices, ControlSource, VmsConnector
from core.types import Alert, Delivery, Finding, FrameBoxes, Receipt, UtcSeconds, VmsCamera

LOGON_S = 30.0
"""A log-on fetches what the account may see; on a large system that takes a while."""

_BOXES = "metadata"
"""Not a delivery: boxes are drawn with every frame, and once."""


class GenetecSdkConnector(VmsConnector):
    """One Security Center. See ``docs/security-center-sdk.md``. The SDK's process starts with the first question."""

    settings_model: ClassVar[type[VmsSettings]] = GenetecSdkSettings
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability)

    def __init__(self, settings: VmsSettings, services: ConnectorServices) -> None:
        if not isinstance(settings, GenetecSdkSettings):
            raise TypeError(f"GenetecSdkConnector needs GenetecSdkSettings, not {type(settings).__name__}")
        self._settings = settings
        self._services = services
        self.bridge = Bridge(self._launch, services.clock, timeout_s=settings.timeout_s)
        self._gateway = MediaGateway(settings, services)
        self._publisher = Publisher(settings, self.bridge, services.clock)
        self._overlay = Overlay(settings, self.bridge)

    def list_cameras(self) -> Sequence[VmsCamera]:
        found = self.bridge.ask("list cameras")
        cameras = [VmsCamera(device=camera["guid"], name=camera["name"]) for camera in found]
        return sorted(cameras, key=lambda camera: (camera.name.casefold(), camera.device))

    def open_video(self, camera: CameraSettings) -> RtspSource:
        return self._gateway.open_video(camera)

    def open_recording(self, camera: CameraSettings, begin: UtcSeconds, end: UtcSeconds) -> PlaybackSource:
        return self._gateway.open_recording(camera, begin, end)

    def actions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(action for action in self._settings.publish if action != _BOXES))

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        return self._publisher.publish(delivery, alert, camera)

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:
        return self._publisher.find(delivery, alert, camera)

    @property
    def askable(self) -> frozenset[str]:
        """Shrinks while Security Center refuses a report."""
        return self._publisher.askable

    def publish_boxes(self, boxes: FrameBoxes, camera: CameraSettings) -> None:
        self._overlay.show(boxes, camera)

    def control_channels(self) -> tuple[str, ...]:
        events = (EVENTS,) if self._settings.control else ()
        return events + ((VERDICTS,) if "alarm" in self._settings.publish else ())

    def open_control(self, channel: str, since: UtcSeconds) -> ControlSource:
        return open_control(channel, since, self._settings, self.bridge, self._services.clock)

    def check(self, cameras: Sequence[CameraSettings]) -> Sequence[Finding]:
        return Check(self._settings, self._services.clock, self.bridge, self._publisher, self.open_video).run(cameras)

    def close(self) -> None:
        self.bridge.close()

    def _launch(self) -> Launch:
        settings, secrets = self._settings, self._services.secrets
        return Launch(
            runtime=settings.runtime,
            folder=sdk_folder(self._placed(settings.sdk_folder), settings.runtime),
            server=settings.url,
            username=settings.username,
            password=secrets(settings.password),
            certificate=secrets(settings.application_id),
            hang_s=settings.timeout_s,
            logon_s=LOGON_S,
            runtime_config=str(self._placed(settings.runtime_config) or ""),
            dotnet_root=str(self._placed(settings.dotnet_root) or ""),
        )

    def _placed(self, path: Path | None) -> Path | None:
        """Relative paths start at the site file; absolute, as the child runs elsewhere."""
        return None if path is None else (self._services.site_dir / path).absolute()
