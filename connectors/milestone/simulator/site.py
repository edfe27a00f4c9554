"""The simulated site: one management server, one recorder, its hardware and cameras, and what an administrator made.

Ids are derived from names, so that a site file written against one run still fits the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import UUID, uuid4, uuid5

from connectors.protocols.live import LiveFeed
from core.types import Json, UtcSeconds

VERSION = "25.2.0.1"
"""XProtect 2025 R2, the newest release whose behaviour the notes describe."""

_NAMESPACE = UUID("5e0a1c64-3f0e-5d7c-9c55-1f2a9b3f7d10")
_TICKS = 10_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stable_id(kind: str, name: str) -> str:
    """The same id for the same thing in every run."""
    return str(uuid5(_NAMESPACE, f"{kind}|{name}"))


def fresh_id() -> str:
    """An id for something made at run time."""
    return str(uuid4())


def is_guid(text: str) -> bool:
    """Whether it is a GUID as XProtect writes them: hyphens, no braces, any case."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def rest_time(moment: UtcSeconds) -> str:
    """As live systems answer: ISO 8601, UTC, seven fractional digits (notes §2.1)."""
    ticks = round(moment * _TICKS)
    whole = datetime.fromtimestamp(ticks // _TICKS, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{ticks % _TICKS:07d}Z"


def milliseconds(moment: UtcSeconds) -> int:
    """As recorders stamp: whole milliseconds since the epoch, UTC."""
    return round(moment * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A camera and the hardware it sits in (one each, as with network cameras)."""

    camera_id: str
    name: str
    hardware_id: str
    address: str
    """Of the hardware: ``http://host/``. A camera itself has none."""
    stream_id: str
    feed: LiveFeed | None
    """None for a disabled camera, which delivers nothing."""

    @property
    def is_enabled(self) -> bool:
        """Disabled cameras are left out of lists unless asked for with ``?disabled``."""
        return self.feed is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedEvent:
    """An analytics event or user-defined event: what other systems may trigger by name or id."""

    event_type_id: str
    name: str
    description: str
    modified_at: UtcSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmDefinition:
    """Turns an event from some cameras into an alarm. ``properties`` is the object as posted."""

    definition_id: str
    name: str
    event_type_id: str
    sources: frozenset[str]
    is_enabled: bool
    priority_id: str
    modified_at: UtcSeconds
    properties: Mapping[str, Json]


@dataclass(slots=True, kw_only=True)
class Site:
    """Everything the simulator's servers know of the site. Used on one event loop only."""

    host: str
    created_at: UtcSeconds
    cameras: tuple[Camera, ...]
    gateway_url: str = ""
    """Base address of gateway, IDP and management server, with a final slash; known once it listens."""
    recorder_url: str = ""
    """The recorder's ``webServerUri``; known once it listens."""
    analytics_events: dict[str, NamedEvent] = field(default_factory=dict)
    user_defined_events: dict[str, NamedEvent] = field(default_factory=dict)
    alarm_definitions: dict[str, AlarmDefinition] = field(default_factory=dict)

    @property
    def site_id(self) -> str:
        """Of the management server."""
        return stable_id("site", "site")

    @property
    def recorder_id(self) -> str:
        """Of the one recording server."""
        return stable_id("recorder", "recorder")

    @property
    def storage_id(self) -> str:
        """Of the recorder's one storage."""
        return stable_id("storage", "storage")

    @property
    def recorder_port(self) -> int:
        """TCP port of ImageServer and recorder SOAP."""
        return urlsplit(self.recorder_url).port or 0

    def camera(self, camera_id: str) -> Camera | None:
        """The camera of that id, any case."""
        return next((camera for camera in self.cameras if camera.camera_id == camera_id.lower()), None)

    def camera_at(self, source_name: str) -> Camera | None:
        """The camera whose hardware address is named, as ``host`` or URI, with ``,channel`` or without."""
        wanted = _host(source_name.partition(",")[0])
        return next((camera for camera in self.cameras if wanted and _host(camera.address) == wanted), None)

    def analytics_event(self, name: str) -> NamedEvent | None:
        """The analytics event of exactly that name."""
        return next((event for event in self.analytics_events.values() if event.name == name), None)

    def event_type(self, event_type_id: str) -> NamedEvent | None:
        """The user-defined or analytics event of that id."""
        key = event_type_id.lower()
        return self.user_defined_events.get(key) or self.analytics_events.get(key)

    def add_events(self, known: dict[str, NamedEvent], kind: str, names: Iterable[str], moment: UtcSeconds) -> None:
        """Creates events in ``known``, one of this site's two collections, with stable ids."""
        for name in names:
            event_type_id = stable_id(kind, name)
            known[event_type_id] = NamedEvent(
                event_type_id=event_type_id, name=name, description="", modified_at=moment
            )

    def definitions_for(self, event_type_id: str, camera_id: str) -> list[AlarmDefinition]:
        """The enabled alarm definitions that this event from this camera matches."""
        return [
            definition
            for definition in self.alarm_definitions.values()
            if definition.is_enabled and definition.event_type_id == event_type_id and camera_id in definition.sources
        ]


def _host(address: str) -> str:
    text = address.strip()
    try:
        return (urlsplit(text if "//" in text else f"//{text}").hostname or "").lower()
    except ValueError:
        return ""
