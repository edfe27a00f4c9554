"""Milestone XProtect: its video, what alerts become in it, the boxes it shows, and what its operators answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from config.model import CameraSettings, VmsSettings
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.check import Check
from connectors.milestone.control.channels import EVENTS, VERDICTS, open_control
from connectors.milestone.control.ess_memory import EssMemory
from connectors.milestone.inventory.inventory import Inventory
from connectors.milestone.publish.publisher import Publisher
from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.video.bridge import open_bridge_video
from connectors.milestone.video.live import ImageServerSource
from connectors.milestone.video.recorder import PLAYBACK_SILENCE_S, RecorderDialer
from connectors.milestone.video.recording import RecordingSource
from connectors.milestone.vps.front import VpsFront
from connectors.milestone.vps.source import VpsSource
from core.contracts import Capability, ConnectorServices, ControlSource, VideoSource, VmsConnector
from core.types import Alert, Delivery, Finding, FrameBoxes, Receipt, UtcSeconds, VmsCamera

_BOXES = "metadata"
"""Not a delivery: boxes are sent with every frame, and once."""
_MAKE_ALARMS = frozenset({"event", "alarm"})


class MilestoneConnector(VmsConnector):
    """One XProtect system. See ``docs/xprotect.md``."""

    settings_model: ClassVar[type[VmsSettings]] = MilestoneSettings
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability)

    def __init__(self, settings: VmsSettings, services: ConnectorServices) -> None:
        if not isinstance(settings, MilestoneSettings):
            raise TypeError(f"MilestoneConnector needs MilestoneSettings, not {type(settings).__name__}")
        self._settings = settings
        self._services = services
        self._session = XProtectSession(settings, services)
        self._inventory = Inventory(self._session, services.clock)
        self._publisher = Publisher(settings, self._session, self._inventory)
        self._dialer = RecorderDialer(settings, self._inventory, settings.ca_file(services.site_dir))
        self._front = VpsFront(settings, services)
        self._memory = EssMemory()
        self._watched: tuple[str, ...] = ()

    def list_cameras(self) -> Sequence[VmsCamera]:
        return self._inventory.cameras()

    def open_video(self, camera: CameraSettings) -> VideoSource:
        match self._settings.video:
            case "vps":
                return VpsSource(camera, self._services.front, self._services.clock)
            case "rtsp":
                return open_bridge_video(self._settings, self._services, camera, self._session.password())
            case "imageserver":
                return ImageServerSource(
                    camera.name or camera.id,
                    lambda: self._dialer.dial(camera),
                    self._session.corporate,
                    self._services.clock,
                )

    def open_recording(self, camera: CameraSettings, begin: UtcSeconds, end: UtcSeconds) -> VideoSource:
        return RecordingSource(
            camera.name or camera.id,
            lambda: self._dialer.dial(camera, silence_s=PLAYBACK_SILENCE_S),
            self._session.corporate,
            self._services.clock,
            begin=begin,
            end=end,
        )

    def actions(self) -> tuple[str, ...]:
        return tuple(action for action in self._settings.publish if action != _BOXES)

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        return self._publisher.publish(delivery, alert, camera)

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:
        return self._publisher.find(delivery, alert, camera)

    @property
    def askable(self) -> frozenset[str]:
        return self._publisher.askable().intersection(self._settings.publish)

    def publish_boxes(self, boxes: FrameBoxes, camera: CameraSettings) -> None:
        self._front.show(boxes, camera)

    def control_channels(self) -> tuple[str, ...]:
        return (EVENTS, VERDICTS) if _MAKE_ALARMS.intersection(self._settings.publish) else (EVENTS,)

    def open_control(self, channel: str, since: UtcSeconds) -> ControlSource:
        return open_control(
            channel,
            since,
            self._settings,
            self._session,
            self._inventory,
            self._publisher.alarm_service,
            self._services.clock,
            memory=self._memory,
            ca=self._settings.ca_file(self._services.site_dir),
            cameras=self._watched,
        )

    def start_front(self, cameras: Sequence[CameraSettings]) -> Mapping[str, str]:
        self._watched = tuple(camera.device for camera in cameras)
        return self._front.start(cameras) if self._settings.video == "vps" else {}

    def check(self, cameras: Sequence[CameraSettings]) -> Sequence[Finding]:
        return Check(self._settings, self._services, self._session, self._inventory, self._dialer).run(cameras)

    def close(self) -> None:
        self._front.close()
        self._publisher.close()
        self._session.close()
