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
from connectors.genetec.inventory.inventory import Inventory, camera_guid
from connectors.genetec.publish.ask import Asker
from connectors.genetec.publish.publisher import Publisher, actions_of
from connectors.genetec.settings import GenetecSettings
from connectors.protocols.http import HttpSession
from connectors.protocols.rtsp_source import RtspSource, RtspTarget
from core.contracts import Capability, ConnectorServices, ControlSource, VmsConnector
from core.types import Alert, Delivery, Finding, Receipt, UtcSeconds, VmsCamera


class GenetecConnector(VmsConnector):
    """One Security Center. See ``docs/security-center.md``."""

    settings_model: ClassVar[type[VmsSettings]] = GenetecSettings
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.LIST_CAMERAS, Capability.VIDEO, Capability.PUBLISH, Capability.ASK, Capability.COMMANDS}
    )

    def __init__(self, settings: VmsSettings, services: ConnectorServices) -> None:
        if not isinstance(settings, GenetecSettings):
            raise TypeError(f"GenetecConnector needs GenetecSettings, not {type(settings).__name__}")
        self._settings = settings
        self._services = services
        self._ca = settings.ca_file(services.site_dir)
        self._session = HttpSession(ca=self._ca, timeout_s=settings.timeout_s)
        self._credentials = credentials_of(settings, services)
        self._sdk = WebSdk(settings.url, self._session, self._credentials)
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
        host, port = self._settings.gateway()
        address = f"[{host}]" if ":" in host else host
        target = RtspTarget(
            url=f"rtsp://{address}:{port}/{camera_guid(camera)}/{self._settings.stream}",
            username=self._settings.username,
            password=self._services.secrets(self._settings.password),
            transport=self._settings.rtsp_transport,
            ca=self._ca,
        )
        return RtspSource(target, self._services.clock)

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
