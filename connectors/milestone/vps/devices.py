"""Hardware of the VPS driver as Config REST shows it: which camera it is for, its devices, and what still lacks.

Under which keys ``hardwareDriverSettings`` shows the driver's settings is unverified (2022 R3's description has none of
them), therefore they are looked for at any depth. Whether it and ``clientSettings`` can be written is unverified, too.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from config.model import CameraSettings
from connectors.milestone.inventory.config_client import ConfigClient, is_enabled, object_id, path_id
from connectors.milestone.inventory.inventory import canonical_id
from connectors.milestone.settings import MilestoneSettings
from connectors.milestone.vps.front import PATH, driver_url
from core.errors import NotFoundInVms, RequestInvalid

DRIVER_NUMBER = 20002
"""Of the VPS driver; 20001 is obsolete."""
SETTINGS = "hardwareDriverSettings"
SOURCE_CAMERA, DRIVER_PARAMETERS = "SourceCamera", "DriverParameters"


@dataclass(frozen=True, slots=True, kw_only=True)
class VpsHardware:
    """``document`` are its settings as shown; ``settings`` those of them that are the driver's, empty where not shown."""

    hardware_id: str
    name: str
    is_enabled: bool
    document: Mapping[str, Any]
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class VpsWanted:
    """What the hardware of one camera must be."""

    name: str
    settings: Mapping[str, str]
    path: str

    @classmethod
    def of(cls, camera: CameraSettings, settings: MilestoneSettings) -> VpsWanted:
        """Raises ``NotFoundInVms`` where the camera's device is no id."""
        url = driver_url(settings, camera.id)
        device = canonical_id(camera.device)
        return cls(
            name=f"Vigie {camera.id}",
            settings={SOURCE_CAMERA: device, DRIVER_PARAMETERS: f"VPSNODES,{url}"},
            path=urlsplit(url).path,
        )

    def is_meant_by(self, hardware: VpsHardware) -> bool:
        """By the address that its driver dials, else by the name that ``vigie milestone setup`` gives."""
        dialled = [urlsplit(url).path for url in _nodes(hardware.settings.get(DRIVER_PARAMETERS, ""))]
        ours = [path for path in dialled if path.startswith(PATH)]
        return self.path in ours if ours else hardware.name == self.name

    def differing(self, hardware: VpsHardware) -> Mapping[str, str]:
        """The settings that are shown and are not as they must be."""
        return {name: value for name, value in self.settings.items() if not self._is_right(name, hardware)}

    def _is_right(self, name: str, hardware: VpsHardware) -> bool:
        shown, wanted = hardware.settings.get(name), self.settings[name]
        if shown is None:
            return True
        if name == SOURCE_CAMERA:
            return path_id(shown).strip("{}") == wanted
        return wanted.partition(",")[2] in _nodes(shown)


class VpsDevices:
    """Reads, drivers and hardware once only; raises ``VmsError``."""

    def __init__(self, client: ConfigClient) -> None:
        self._client = client
        self._drivers: dict[str, str] = {}
        self._hardware: dict[str, list[VpsHardware]] = {}

    def driver(self, recorder_id: str) -> str:
        """The id of the recording server's VPS driver. Raises ``NotFoundInVms``."""
        if recorder_id not in self._drivers:
            listed = self._client.listed(f"recordingServers/{recorder_id}/hardwareDrivers")
            found = next((item for item in listed if str(item.get("number")) == str(DRIVER_NUMBER)), None)
            if found is None:
                raise NotFoundInVms(
                    f"the recording server {recorder_id} has no VPS driver (number {DRIVER_NUMBER})",
                    remedy="Install the current XProtect Device Pack on it; the driver exists since 2020 R1.",
                )
            self._drivers[recorder_id] = object_id(found)
        return self._drivers[recorder_id]

    def hardware_for(self, wanted: VpsWanted, driver_id: str) -> VpsHardware | None:
        """The hardware that is for a camera."""
        if driver_id not in self._hardware:
            listed = self._client.listed("hardware")
            ours = [item for item in listed if path_id(item.get("hardwareDriverPath")) == driver_id]
            self._hardware[driver_id] = [self._read(item) for item in ours]
        return next((item for item in self._hardware[driver_id] if wanted.is_meant_by(item)), None)

    def read(self, hardware_id: str) -> VpsHardware:
        """One hardware as it is now."""
        return self._read(self._client.one(f"hardware/{hardware_id}"))

    def metadata(self, hardware_id: str) -> list[dict[str, Any]]:
        """Its metadata devices."""
        return self._client.listed(f"hardware/{hardware_id}/metadata")

    def cameras(self, hardware_id: str) -> list[dict[str, Any]]:
        """Its cameras."""
        return self._client.listed(f"hardware/{hardware_id}/cameras")

    def related(self, device: str) -> list[dict[str, Any]]:
        """What the client settings of a camera relate, as ``{type, id}``."""
        below = self._client.listed(f"cameras/{device}/clientSettings")
        listed = below[0].get("related") if below else None
        return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []

    def _read(self, item: dict[str, Any]) -> VpsHardware:
        hardware_id = object_id(item)
        try:
            below = self._client.listed(f"hardware/{hardware_id}/{SETTINGS}")
        except (NotFoundInVms, RequestInvalid):
            below = []
        document = below[0] if below else {}
        return VpsHardware(
            hardware_id=hardware_id,
            name=str(item.get("name") or ""),
            is_enabled=is_enabled(item),
            document=document,
            settings={
                name: str(holder[name] or "")
                for name in (SOURCE_CAMERA, DRIVER_PARAMETERS)
                for holder in _holders(document, name)
            },
        )


def with_settings(hardware: VpsHardware, wanted: Mapping[str, str]) -> dict[str, Any]:
    """The members of the shown document that hold these settings, changed; empty where none is shown."""
    document = copy.deepcopy(dict(hardware.document))
    for name, value in wanted.items():
        for holder in _holders(document, name):
            holder[name] = value
    return {key: _writable(member) for key, member in document.items() if any(_holds(member, name) for name in wanted)}


def _writable(member: Any) -> Any:
    """Without ``displayName``, which can only be read."""
    if isinstance(member, dict):
        return {key: _writable(value) for key, value in member.items() if key != "displayName"}
    return [_writable(item) for item in member] if isinstance(member, list) else member


def _holds(member: Any, name: str) -> bool:
    return next(_holders(member, name), None) is not None


def _holders(value: Any, name: str) -> Iterator[dict[str, Any]]:
    """The JSON objects, at any depth, that have a member of that name."""
    if isinstance(value, dict):
        if name in value:
            yield value
        for inner in value.values():
            yield from _holders(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _holders(inner, name)


def _nodes(parameters: str) -> list[str]:
    """The addresses in ``VPSNODES,<url>[,<url>…]``, one of the fields that semicolons part."""
    for field in parameters.split(";"):
        kind, _, urls = field.strip().partition(",")
        if kind.upper() == "VPSNODES":
            return [url.strip() for url in urls.split(",") if url.strip()]
    return []
