"""Hardware and metadata devices of the simulated site (notes §2.3, §6.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from core.types import UtcSeconds

_NAMESPACE = UUID("0e1f4c5a-6a35-54a7-8f43-70a3d5a1c7f2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A hardware driver of the recorder's device pack. Only the number of ``VPS`` is known; the others are *unverified*."""

    name: str
    group: str
    number: int

    @property
    def driver_id(self) -> str:
        """The same in every run."""
        return str(uuid5(_NAMESPACE, str(self.number)))


UNIVERSAL = Driver(name="Universal 1 channel", group="Universal", number=421)
ONVIF = Driver(name="ONVIF Conformant Device (1 channel)", group="ONVIF", number=627)
VPS = Driver(name="Video Processing Service", group="Milestone", number=20002)
"""The driver that pushes a camera's video to a video processing service; its name is *unverified* (notes §6.4)."""

DRIVERS: Mapping[str, Driver] = {driver.driver_id: driver for driver in (UNIVERSAL, ONVIF, VPS)}
"""By id."""

VPS_SETTINGS = ("SourceCamera", "ServiceParameters", "DriverParameters")
"""What a person fills in on hardware of the VPS driver (notes §6.4, step 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """A network device, or what stands for one."""

    hardware_id: str
    name: str
    address: str
    """A URL with a final slash."""
    driver: Driver
    user: str
    modified_at: UtcSeconds
    is_enabled: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    """Driver settings by key: ``VPS_SETTINGS`` for the VPS driver, else none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataDevice:
    """Takes the metadata that its hardware delivers, such as boxes."""

    metadata_id: str
    name: str
    hardware_id: str
    modified_at: UtcSeconds
    is_enabled: bool = True
