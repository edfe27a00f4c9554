"""The simulated site: one management server, one recorder, its hardware and cameras, and what an administrator made.

Ids are derived from names, so that a site file written against one run still fits the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit
from uuid import UUID, uuid4, uuid5

from connectors.milestone.simulator.devices import Hardware, MetadataDevice
from connectors.milestone.simulator.releases import LATEST, Release
from connectors.protocols.live import LiveFeed
from core.types import Json, UtcSeconds

_NAMESPACE = UUID("5e0a1c64-3f0e-5d7c-9c55-1f2a9b3f7d10")
_TICKS = 10_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_TICK, _LAST_TICK = -62_135_596_800 * _TICKS, 253_402_300_800 * _TICKS - 1
""".NET's ``DateTime.MinValue`` and ``MaxValue``, which its clients send for no limit."""


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


@lru_cache(maxsize=4096)
def rest_time(moment: UtcSeconds) -> str:
    """As live systems answer: ISO 8601, UTC, seven fractional digits (notes §2.1)."""
    ticks = min(max(round(moment * _TICKS), _FIRST_TICK), _LAST_TICK)
    # datetime.fromtimestamp takes no times before 1970 on Windows.
    whole = _EPOCH + timedelta(seconds=ticks // _TICKS)
    return f"{whole.isoformat()[:19]}.{ticks % _TICKS:07d}Z"


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
    """Its video; None where it has none yet. Cameras that show the same clip share a feed."""
    is_enabled: bool = True
    """Disabled cameras deliver nothing, and are left out of lists unless asked for with ``?disabled``."""
    added_at: UtcSeconds | None = None
    """When it came to the site; None for what was there from the start."""


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
    release: Release = LATEST
    edition: str = "Corporate"
    """One of ``releases.EDITIONS``."""
    gateway_url: str = ""
    """Base address of gateway, IDP and management server, with a final slash; known once it listens."""
    recorder_url: str = ""
    """The recorder's ``webServerUri``; known once it listens."""
    analytics_events: dict[str, NamedEvent] = field(default_factory=dict)
    user_defined_events: dict[str, NamedEvent] = field(default_factory=dict)
    alarm_definitions: dict[str, AlarmDefinition] = field(default_factory=dict)
    hardware: dict[str, Hardware] = field(default_factory=dict)
    metadata_devices: dict[str, MetadataDevice] = field(default_factory=dict)
    masked: frozenset[str] = frozenset()
    """Ids of the cameras with a privacy mask. The recorder's raw video has none."""
    related: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Device id → (collection, id) of what its client settings call related, such as ``("metadata", …)``."""
    recorded: set[tuple[str, str]] = field(default_factory=set)
    """(collection, id) of metadata devices that the recording rule covers; cameras it always covers."""
    config_observers: list[Callable[[str, str], None]] = field(default_factory=list)
    """Called with (collection, id) after each change of hardware, camera or metadata device."""
    _indexed: tuple[Camera, ...] = field(default=(), init=False, repr=False)
    _by_id: dict[str, Camera] = field(default_factory=dict, init=False, repr=False)
    lost_cameras: set[str] = field(default_factory=set)
    """Ids of cameras that the recorder cannot reach; only ``lose_camera`` and ``return_camera`` change it."""
    reach_observers: list[Callable[[str, bool], None]] = field(default_factory=list)
    """Called with (camera id, whether it is lost) after each such change."""
    failover_url: str = ""
    """``activeWebServerUri`` while the second recorder stands in; empty while the first one serves."""

    @property
    def has_bookmarks(self) -> bool:
        """Whether the edition has bookmarks (notes §8.2)."""
        return self.edition != "Essential+"

    @property
    def has_evidence_locks(self) -> bool:
        """Whether the edition has evidence locks (notes §8.2)."""
        return self.edition == "Corporate"

    @property
    def active_recorder_url(self) -> str:
        """Where the recorder's video is served now."""
        return self.failover_url or self.recorder_url

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
        return self.cameras_by_id.get(camera_id.lower())

    def camera_named(self, text: str) -> Camera | None:
        """The camera of that id or name."""
        return self.camera(text) or next((camera for camera in self.cameras if camera.name == text), None)

    def is_in_use(self, device: Camera | MetadataDevice) -> bool:
        """Whether a device is enabled, and its hardware too."""
        hardware = self.hardware.get(device.hardware_id)
        return device.is_enabled and (hardware is None or hardware.is_enabled)

    def delivers(self, camera: Camera) -> bool:
        """Whether the recorder gets pictures of a camera now."""
        return self.is_in_use(camera) and camera.camera_id not in self.lost_cameras

    @property
    def cameras_by_id(self) -> Mapping[str, Camera]:
        """Every camera."""
        if self._indexed is not self.cameras:
            self._indexed, self._by_id = self.cameras, {camera.camera_id: camera for camera in self.cameras}
        return self._by_id

    def lose_camera(self, camera_id: str) -> None:
        """The recorder reaches the camera no more; nothing happens when that is so already."""
        self._reach(camera_id, is_lost=True)

    def return_camera(self, camera_id: str) -> None:
        """The recorder reaches the camera again."""
        self._reach(camera_id, is_lost=False)

    def _reach(self, camera_id: str, *, is_lost: bool) -> None:
        if (camera_id in self.lost_cameras) is is_lost:
            return
        (self.lost_cameras.add if is_lost else self.lost_cameras.discard)(camera_id)
        for observer in self.reach_observers:
            observer(camera_id, is_lost)

    def changed(self, collection: str, object_id: str) -> None:
        """Tells the observers of a change in the configuration."""
        for observer in self.config_observers:
            observer(collection, object_id)

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
