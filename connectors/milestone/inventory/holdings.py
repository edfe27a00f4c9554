"""What an XProtect system holds, as plain values: recording servers, hardware, cameras and metadata devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from core.errors import ProtocolViolation
from core.types import UtcSeconds

_IMAGE_SERVER_PORT = 7563


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """A recording server, and where its ImageServer listens. ``url`` is the address as announced."""

    recorder_id: str
    name: str
    url: str
    host: str
    port: int
    has_tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCamera:
    """A camera, and the recording server that has it.

    ``rights`` are the names of what this account may do with it (``Live``, ``BookmarkAdd`` …); None where the release
    does not tell.
    """

    device: str
    name: str
    is_enabled: bool
    recorder: Recorder
    rights: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataDevice:
    """A channel of metadata, of the hardware ``hardware_id``."""

    device: str
    name: str
    is_enabled: bool
    hardware_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A recording server, hardware or camera; ``parent`` is the id of what it hangs on, ``url`` a recorder's address."""

    part_id: str
    name: str
    is_enabled: bool = True
    parent: str = ""
    url: str = ""
    rights: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """All of them at one moment; ids in lower case. ``as_of`` is by the VMS's own clock; None where it does not tell."""

    recorders: Mapping[str, Part] = field(default_factory=dict)
    hardware: Mapping[str, Part] = field(default_factory=dict)
    cameras: Mapping[str, Part] = field(default_factory=dict)
    as_of: UtcSeconds | None = None

    def is_enabled(self, camera: Part) -> bool:
        """A camera of disabled hardware is not enabled."""
        hardware = self.hardware.get(camera.parent)
        return camera.is_enabled and (hardware is None or hardware.is_enabled)

    def known_camera(self, camera: Part) -> KnownCamera:
        """The camera with its recorder. Raises ``ProtocolViolation`` where the VMS's own answers do not fit together."""
        hardware = _parent(camera, self.hardware)
        return KnownCamera(
            device=camera.part_id,
            name=camera.name,
            is_enabled=self.is_enabled(camera),
            recorder=recorder_of(_parent(hardware, self.recorders)),
            rights=camera.rights,
        )


def recorder_of(part: Part) -> Recorder:
    """With its address taken apart. Raises ``ProtocolViolation`` where it announces no usable one."""
    try:
        parts = urlsplit(part.url)
        port = parts.port or _IMAGE_SERVER_PORT
    except ValueError as error:
        raise _no_address(part) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise _no_address(part)
    return Recorder(
        recorder_id=part.part_id,
        name=part.name,
        url=part.url,
        host=parts.hostname,
        port=port,
        has_tls=parts.scheme == "https",
    )


def _no_address(part: Part) -> ProtocolViolation:
    return ProtocolViolation(f"recording server {part.name} announces no usable address: {part.url!r}")


def _parent(part: Part, parents: Mapping[str, Part]) -> Part:
    if not part.parent:
        raise ProtocolViolation(f"{part.name}: the answer names no parent")
    found = parents.get(part.parent)
    if found is None:
        raise ProtocolViolation(
            f"{part.name} hangs on {part.parent}, which XProtect does not list",
            remedy="Management Client → Security → Roles: let this account read hardware and recording servers.",
        )
    return found
