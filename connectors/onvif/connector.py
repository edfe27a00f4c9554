"""Any VMS that speaks ONVIF: video and commands from its bridge, events and boxes through a device that it adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from config.model import CameraSettings, VmsSettings
from connectors.onvif.check.check import Check
from connectors.onvif.client.client import OnvifClient
from connectors.onvif.control.channels import CHANNELS, open_control
from connectors.onvif.control.memory import PullPointMemory
from connectors.onvif.device.front import DeviceFront
from connectors.onvif.mqtt.events import MqttEvents
from connectors.onvif.settings import OnvifSettings
from connectors.onvif.video.live import open_live
from connectors.onvif.video.tee import TeeSource
from core.contracts import Capability, ConnectorServices, ControlSource, VideoSource, VmsConnector
from core.types import Alert, Delivery, Finding, FrameBoxes, Receipt, UtcSeconds, VmsCamera

_EVENT = "event"
_MQTT = "mqtt"
_BOXES = "metadata"
"""Not a delivery: boxes are sent with every frame, and once."""


class OnvifConnector(VmsConnector):
    """One VMS. See ``docs/onvif.md``."""

    settings_model: ClassVar[type[VmsSettings]] = OnvifSettings
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability) - {Capability.RECORDINGS}

    def __init__(self, settings: VmsSettings, services: ConnectorServices) -> None:
        if not isinstance(settings, OnvifSettings):
            raise TypeError(f"OnvifConnector needs OnvifSettings, not {type(settings).__name__}")
        self._settings = settings
        self._services = services
        self._client = OnvifClient(settings, services)
        self._front = DeviceFront(settings, services)
        self._mqtt = MqttEvents(settings, services)
        self._memory = PullPointMemory()
        self._watched: tuple[str, ...] = ()

    @property
    def device_url(self) -> str:
        """What the VMS is given to add the device; empty where it does not run."""
        return self._front.url

    def device_statistics(self) -> Mapping[str, float]:
        """Counters of the device since its start; none where it does not run."""
        return self._front.statistics()

    def list_cameras(self) -> Sequence[VmsCamera]:
        return self._client.cameras()

    def open_video(self, camera: CameraSettings) -> VideoSource:
        source = open_live(self._settings, self._services, self._client, camera)
        return TeeSource(source, self._services.front, camera.id, self._services.clock)

    def actions(self) -> tuple[str, ...]:
        return tuple(action for action in self._settings.publish if action != _BOXES)

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        if delivery.action == _MQTT:
            return self._mqtt.publish(delivery, alert, camera)
        self._front.publish(alert, delivery.key)
        return Receipt(remote_id=delivery.token)

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:  # noqa: ARG002 - by key alone
        return Receipt(remote_id=delivery.token) if self._front.has(delivery.key) else None

    @property
    def askable(self) -> frozenset[str]:
        """The device is asked, not the VMS: it knows what was fetched since Vigie was started."""
        return frozenset({_EVENT}.intersection(self._settings.publish))

    def publish_boxes(self, boxes: FrameBoxes, camera: CameraSettings) -> None:  # noqa: ARG002 - the boxes name it
        self._front.show(boxes)

    def control_channels(self) -> tuple[str, ...]:
        return CHANNELS

    def open_control(self, channel: str, since: UtcSeconds) -> ControlSource:
        return open_control(
            channel, since, self._settings, self._services, self._client, memory=self._memory, cameras=self._watched
        )

    def start_front(self, cameras: Sequence[CameraSettings]) -> Mapping[str, str]:
        self._watched = tuple(camera.device for camera in cameras)
        return self._front.start(cameras) if self._settings.device else {}

    def check(self, cameras: Sequence[CameraSettings]) -> Sequence[Finding]:
        return Check(self._settings, self._services, self._client).run(cameras)

    def close(self) -> None:
        self._front.close()
        self._mqtt.close()
        self._client.close()
