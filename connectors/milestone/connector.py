"""Milestone XProtect: video from the recording servers; alerts as events, alarms and bookmarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from config.model import CameraSettings, VmsSettings
from connectors.milestone.check import Check
from connectors.milestone.inventory import Inventory
from connectors.milestone.publish import ASKABLE, Publisher
from connectors.milestone.recorder import RecorderDialer
from connectors.milestone.session import XProtectSession
from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.video import ImageServerSource
from core.contracts import Capability, ConnectorServices, VideoSource, VmsConnector
from core.types import Alert, Delivery, Finding, Receipt, VmsCamera


class MilestoneConnector(VmsConnector):
    """One XProtect system. See ``docs/xprotect.md``."""

    settings_model: ClassVar[type[VmsSettings]] = MilestoneSettings
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {Capability.LIST_CAMERAS, Capability.VIDEO, Capability.PUBLISH, Capability.ASK}
    )

    def __init__(self, settings: VmsSettings, services: ConnectorServices) -> None:
        if not isinstance(settings, MilestoneSettings):
            raise TypeError(f"MilestoneConnector needs MilestoneSettings, not {type(settings).__name__}")
        self._settings = settings
        self._services = services
        self._session = XProtectSession(settings, services)
        self._inventory = Inventory(self._session, services.clock)
        self._publisher = Publisher(settings, self._session, self._inventory)
        self._dialer = RecorderDialer(settings, self._inventory, settings.ca_file(services.site_dir))

    def list_cameras(self) -> Sequence[VmsCamera]:
        return self._inventory.cameras()

    def open_video(self, camera: CameraSettings) -> VideoSource:
        return ImageServerSource(
            camera.name or camera.id, lambda: self._dialer.dial(camera), self._session.corporate, self._services.clock
        )

    def actions(self) -> tuple[str, ...]:
        return self._settings.publish

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        return self._publisher.publish(delivery, alert, camera)

    def find(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt | None:
        return self._publisher.find(delivery, alert, camera)

    @property
    def askable(self) -> frozenset[str]:
        return ASKABLE.intersection(self._settings.publish)

    def check(self, cameras: Sequence[CameraSettings]) -> Sequence[Finding]:
        return Check(self._settings, self._services, self._session, self._inventory, self._dialer).run(cameras)

    def close(self) -> None:
        self._publisher.close()
        self._session.close()
