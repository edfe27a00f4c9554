"""The task ``AddHardware``: what it takes, and what it makes (notes §2.4, §6.4)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from connectors.milestone.simulator.config.task_book import TaskFailed
from connectors.milestone.simulator.devices import DRIVERS, VPS, VPS_SETTINGS, Driver, Hardware, MetadataDevice
from connectors.milestone.simulator.site import Camera, Site, fresh_id
from connectors.milestone.simulator.web.rest import JsonObject, RestRefused, required_text
from core.contracts import Clock
from core.types import Json

PARAMS: dict[str, Json] = {
    "hardwareAddress": "",
    "hardwareDriverPath": "",
    "userName": "",
    "password": "",
    "customData": "",
}
"""With their defaults."""

_UNREACHABLE, _TAKEN, _UNSUITABLE = 61002, 61003, 61004
"""Codes of task errors; *unverified*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareOrder:
    """What a caller wants to be added."""

    address: str
    driver: Driver
    user: str

    @classmethod
    def of(cls, body: JsonObject) -> HardwareOrder:
        """Reads a request. Raises ``RestRefused``, with what is missing as ``params``."""
        missing: JsonObject = {
            key: PARAMS[key] for key in ("hardwareAddress", "hardwareDriverPath") if not body.get(key)
        }
        if missing:
            refusal = RestRefused(400, f"Missing: {', '.join(missing)}", property_name=next(iter(missing)))
            refusal.beside = {"params": missing}
            raise refusal
        driver = DRIVERS.get(_driver_id(body["hardwareDriverPath"]))
        if driver is None:
            raise RestRefused(400, "Unknown hardware driver", property_name="hardwareDriverPath")
        return cls(address=_address(body), driver=driver, user=str(body.get("userName") or ""))

    def carry_out(self, site: Site, clock: Clock) -> tuple[str, str]:
        """Adds hardware, disabled, with its devices, disabled too. Raises ``TaskFailed``.

        VPS hardware shares the management server's address: Milestone's sample gives all of it the same (notes §6.4).
        """
        if self.driver != VPS:
            raise TaskFailed(_UNREACHABLE, f"No hardware answers at {self.address}")
        if self.address.startswith("https:"):
            raise TaskFailed(_UNSUITABLE, "The driver does not support https addresses")
        if any(item.address == self.address and item.driver != VPS for item in site.hardware.values()):
            raise TaskFailed(_TAKEN, f"The address {self.address} is used already")
        return "hardware", _add(self, site, clock)


def _add(order: HardwareOrder, site: Site, clock: Clock) -> str:
    now, hardware_id = clock.utc(), fresh_id()
    name = f"{order.driver.name} ({urlsplit(order.address).hostname})"
    site.hardware[hardware_id] = Hardware(
        hardware_id=hardware_id,
        name=name,
        address=order.address,
        driver=order.driver,
        user=order.user,
        modified_at=now,
        is_enabled=False,
        settings=dict.fromkeys(VPS_SETTINGS, ""),
    )
    camera = Camera(
        camera_id=fresh_id(),
        name=f"{name} - Camera 1",
        hardware_id=hardware_id,
        address=order.address,
        stream_id=fresh_id(),
        feed=None,
        is_enabled=False,
        added_at=now,
    )
    site.cameras = (*site.cameras, camera)
    metadata_id = fresh_id()
    site.metadata_devices[metadata_id] = MetadataDevice(
        metadata_id=metadata_id,
        name=f"{name} - Metadata 1",
        hardware_id=hardware_id,
        modified_at=now,
        is_enabled=False,
    )
    site.changed("hardware", hardware_id)
    return hardware_id


def _address(body: JsonObject) -> str:
    text = required_text(body, "hardwareAddress")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise RestRefused(400, "'hardwareAddress' is no URL", property_name="hardwareAddress") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise RestRefused(400, "'hardwareAddress' must be an http URL", property_name="hardwareAddress")
    return text if text.endswith("/") else f"{text}/"


def _driver_id(path: Json) -> str:
    """From ``{type, id}``, or from the text ``hardwareDrivers/<id>`` of the official description of 2022 R3."""
    if isinstance(path, dict):
        return str(path.get("id")).lower() if path.get("type") == "hardwareDrivers" else ""
    collection, _, driver_id = str(path).partition("/")
    return driver_id.lower() if collection == "hardwareDrivers" else ""
