"""Genetec Security Center: its video, what alerts become in it, and what its operators answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from config.model import CameraSettings, VmsSettings
from connectors.genetec.access.credentials import credentials_of
from connectors.genetec.access.websdk import WebSdk
from connectors.genetec.check import Look, findings_of
from connectors.genetec.control.channels import Control, channels_of
from connectors.genetec.control.event_stream import EventStreams
from connectors.genetec.inventory.inventory import Inventory
from connectors.genetec.media_gateway import MediaGateway
from connectors.genetec.publish.ask import Asker
from connectors.genetec.publish.publisher import Publisher, actions_of
from connectors.genetec.settings import GenetecSettings
from connectors.protocols.http import HttpSession
from connectors.protocols.playback.source import PlaybackSource
from connectors.protocols.rtsp_source import RtspSource
from core.contracts import Capability, ConnectorServices, ControlSource, VmsConnector
from core.types import Alert, Delivery, Finding, Receipt, UtcSeconds, VmsCamera


class GenetecConnector(VmsConnector):
    """One Security Center. See ``docs/security-center.md``."""

    settings_model: ClassVar[type[VmsSettings]] = GenetecSettings
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability) - {Capability.BOXES}

    def __init__(self, settings: VmsSettings, services: ConnectorServices) -> None:
        if not isinstance(settings, GenetecSettings):
            raise TypeError(f"GenetecConnector needs GenetecSettings, not {type(settings).__name__}")
        self._settings = settings
        self._services = services
        self._ca = settings.ca_file(services.site_dir)
        self._session = HttpSession(ca=self._ca, timeout_s=settings.timeout_s)
        self._credentials = credentials_of(settings, services)
        self._sdk = WebSdk(settings.url, self._session, self._credentials)
        self._gateway = MediaGateway(settings, services, self._ca)
        self._publisher = Publisher(settings, self._sdk)
        self._asker = Asker(settings.url, self._sdk, services.clock)
        self._control = Control(
            settings=settings,
            sdk=self._sdk,
            streams=EventStreams(settings, self._credentials, self._ca, services.clock),
            clock=services.clock,
        )

    def list_cameras(self) -> Sequence[VmsCamera]:
        return Inventory(self._sdk).cameras()

    def open_video(self, camera: CameraSettings) -> RtspSource:
        return self._gateway.open_video(camera)

    def open_recording(self, camera: CameraSettings, begin: UtcSeconds, end: UtcSeconds) -> PlaybackSource:
        return self._gateway.open_recording(camera, begin, end)

    def actions(self) -> tuple[str, ...]:
        return actions_of(self._settings)

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        return self._publisher.publish(delivery, alert, camera)

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:
        return self._asker.find(delivery, alert, camera)

    @property
    def askable(self) -> frozenset[str]:
        """Shrinks while Security Center refuses a report (see ``connectors.genetec.publish.ask``)."""
        return self._asker.askable

    def control_channels(self) -> tuple[str, ...]:
        return channels_of(self._settings)

    def open_control(self, channel: str, since: UtcSeconds) -> ControlSource:
        return self._control.open(channel, since)

    def start_front(self, cameras: Sequence[CameraSettings]) -> Mapping[str, str]:
        self._control.cameras = tuple(camera.device for camera in cameras)
        return {}

    def check(self, cameras: Sequence[CameraSettings]) -> Sequence[Finding]:
        look = Look(
            settings=self._settings,
            services=self._services,
            sdk=self._sdk,
            asker=self._asker,
            streams=EventStreams(
                self._settings,
                self._credentials,
                self._ca,
                self._services.clock,
                silence_s=self._settings.timeout_s,
            ),
            open_video=self.open_video,
            cameras=cameras,
        )
        return findings_of(look)

    def close(self) -> None:
        self._session.close()
