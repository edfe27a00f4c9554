"""Who the device is, the same after every restart and on no other machine."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Final
from uuid import uuid5

from connectors.onvif.device.model import Identity
from connectors.onvif.settings import OnvifSettings
from core.types import VIGIE_NAMESPACE

_MANUFACTURER: Final = "Vigie"
_MODEL: Final = "Vigie video analytics"
_HARDWARE: Final = "Software"
_LOCAL: Final = 0x02
"""Second-lowest bit of a MAC's first byte: administered locally, so no manufacturer's (IEEE 802)."""
_GROUP: Final = 0x01


def identity_of(settings: OnvifSettings, *, host: str = "", name: str = "") -> Identity:
    """The identity of one VMS's device on one machine.

    Serial and MAC come from the VMS's id and the machine's name by UUIDv5: stable, unlike on two machines, and without
    telling a real hardware address. ``host``: another name than this machine's own. ``name``: what people call the site.
    """
    machine = (host or platform.node()).lower()
    unique = uuid5(VIGIE_NAMESPACE, f"onvif-device|{settings.id}|{machine}")
    return Identity(
        manufacturer=_MANUFACTURER,
        model=_MODEL,
        firmware=_version(),
        serial=unique.hex[:16].upper(),
        hardware_id=_HARDWARE,
        mac=_mac(unique.bytes[-6:]),
        name=name or f"Vigie {settings.id}",
    )


def _mac(six: bytes) -> str:
    first = (six[0] | _LOCAL) & ~_GROUP
    return ":".join(f"{byte:02x}" for byte in (first, *six[1:]))


def _version() -> str:
    try:
        return version("vigie")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0"
