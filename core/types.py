"""The words of the domain as frozen, typed values.

Geometry is normalised to the decoded picture: origin top-left, x right, y down, 0..1.
Capture times are UTC seconds since the epoch, stamped by the recorder; for a plain file they are presentation seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol, TypeAlias, TypeVar, cast
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from core.values import value

UtcSeconds: TypeAlias = float
"""Seconds since 1970-01-01T00:00:00Z, as stamped at capture."""

Picture: TypeAlias = NDArray[np.uint8]
"""Height x width x 3, uint8, RGB."""

Point: TypeAlias = tuple[float, float]
Polygon: TypeAlias = tuple[Point, ...]

_Result = TypeVar("_Result")
_NOT_YET: Final = object()

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

VIGIE_NAMESPACE = UUID("6d1b0b0e-54a5-5b58-9a0a-6b3f0a1c7e11")
"""Namespace of every UUIDv5 that Vigie derives (alerts, delivery keys)."""


class Priority(StrEnum):
    """How urgent operators should find an alert."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class RuleState(StrEnum):
    """Whether a rule runs, runs without telling the VMS, or runs and tells."""

    OFF = "off"
    OBSERVE = "observe"
    ARMED = "armed"


class StreamState(StrEnum):
    """Where a camera's stream stands. ``recovers`` says whether waiting can help."""

    CONNECTING = "connecting"
    STREAMING = "streaming"
    LOST = "lost"
    RETRYING = "retrying"
    REFUSED = "refused"
    STOPPED = "stopped"

    @property
    def recovers(self) -> bool:
        """True when the stream comes back by itself; False when a person must act."""
        return self not in {StreamState.REFUSED, StreamState.STOPPED}


class CameraFault(StrEnum):
    """What is wrong with a camera's stream or picture, as a code. Health tells it with its cause; it is never an alert.

    Several may be present at once. Those of the stream come from its source, the others from what is decoded of it.
    """

    UNREACHABLE = "unreachable"
    """Nobody answers, or the connection is refused."""
    TIMED_OUT = "timed_out"
    """A connection was made, an answer never came."""
    STALLED = "stalled"
    """The stream is open and nothing comes."""
    ENDED = "ended"
    """The VMS closed the stream."""
    REFUSED = "refused"
    """The VMS understood and said no: no such camera, no such right."""
    AUTHENTICATION = "authentication"
    """The account was not accepted."""
    TLS = "tls"
    """The certificate does not verify."""
    PROTOCOL = "protocol"
    """The VMS's answer is not what its protocol says."""
    MULTICAST_LOST = "multicast_lost"
    """The multicast group fell silent while its session stands."""
    CORRUPT = "corrupt"
    """Packets are damaged or missing."""
    CODEC_CHANGED = "codec_changed"
    """The stream goes on in another codec."""
    RESOLUTION_CHANGED = "resolution_changed"
    """The stream goes on in another picture size."""
    CLOCK_JUMPED = "clock_jumped"
    """The recorder's capture time jumped."""
    FROZEN = "frozen"
    """Pictures come, and are all the same."""
    BLACK = "black"
    """The picture shows nothing: black, or one even colour."""
    DEFOCUSED = "defocused"
    """The picture lost its detail."""
    COVERED = "covered"
    """Something hides most of the view."""
    VIEW_CHANGED = "view_changed"
    """The camera looks elsewhere than its rules were drawn for."""


class HealthLevel(StrEnum):
    """Traffic light of a component (C-25)."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@value
class Box:
    """A rectangle in the picture, normalised 0..1."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Horizontal extent, normalised."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Vertical extent, normalised."""
        return self.bottom - self.top

    @property
    def centre(self) -> Point:
        """Middle of the rectangle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def ground_point(self) -> Point:
        """Bottom centre: where the object stands; decides zones and lines."""
        return (self.left + self.right) / 2, self.bottom


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One encoded picture, in decode order.

    ``codec`` is FFmpeg's decoder name (``h264``, ``hevc``, ``mjpeg`` …). H.264/H.265 from a VMS is Annex B with its
    parameter sets in front of key frames; where a container keeps them apart they are in ``extradata``.
    ``received_at`` is ``Clock.monotonic()`` at arrival and only measures our own lag.
    """

    codec: str
    data: bytes
    captured_at: UtcSeconds
    is_key: bool
    received_at: float
    extradata: bytes = b""


@value
class Detection:
    """One object seen in one frame."""

    label: str
    score: float
    box: Box


@value
class Track:
    """One object followed over time, as it is in one frame.

    ``track_id`` is never re-used within a camera's session. ``is_measured`` is False on frames where the object was
    not detected and its box is a prediction.
    """

    track_id: int
    label: str
    score: float
    box: Box
    first_seen: UtcSeconds
    is_measured: bool = True
    origin: Box | None = None
    """Where it was at ``first_seen``, before it was sure enough to be told; None where that is not known."""


class Pixels(Protocol):
    """Access to the decoded picture of a frame, converted only when a detector or a rule asks."""

    @property
    def width(self) -> int:
        """Decoded width in pixels."""

    @property
    def height(self) -> int:
        """Decoded height in pixels."""

    def rgb(self, width: int | None = None, height: int | None = None) -> Picture:
        """The picture as height x width x 3 uint8 RGB, scaled when a size is given."""

    def gray(self, width: int | None = None, height: int | None = None) -> NDArray[np.uint8]:
        """The luma as height x width uint8, scaled when a size is given."""


class CloserLook(Protocol):
    """Detects again in parts of the picture, each by itself and as large as the detector takes it; one inference a part.

    Boxes are in the whole picture, each object once; those that the border of their part cuts are left out.
    """

    @property
    def labels(self) -> frozenset[str]:
        """What it can find at all: a look for anything else is not worth its cost."""

    def __call__(self, parts: Sequence[Box]) -> list[Detection]:
        """What is in these parts, best first."""


class DensityLook(Protocol):
    """Asks a model that draws how many people there are at each place, seen one by one or not; one inference a frame.

    Such models see crowds in much that is none: what they say counts only near people who were recognised.
    """

    def __call__(self, zone: Polygon, seen: Sequence[Box]) -> float:
        """How many people stand in the zone, no further than a body height from one of those seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What a rule sees of one analysed frame."""

    captured_at: UtcSeconds
    tracks: tuple[Track, ...]
    pixels: Pixels | None = None
    closer: CloserLook | None = None
    """For rules that must see small objects; valid during ``update`` only. None where the detector cannot do so."""
    density: DensityLook | None = None
    """For rules that count crowds; valid during ``update`` only. None where the site has no such model."""
    _worked_out: dict[Hashable, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    def showing(self, tracks: tuple[Track, ...]) -> Tick:
        """The same frame with these tracks only; several times as fast as ``dataclasses.replace``."""
        return Tick(
            captured_at=self.captured_at, tracks=tracks, pixels=self.pixels, closer=self.closer, density=self.density
        )

    def once(self, work: Callable[[Tick], _Result]) -> _Result:
        """``work(self)``, done once for all rules that ask for the same (equal) work.

        Its result must not hold this frame: the picture would then stay until garbage is collected.
        """
        known = self._worked_out.get(work, _NOT_YET)
        if known is _NOT_YET:
            known = self._worked_out[work] = work(self)
        return cast("_Result", known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """A rule's condition came true: what the rule itself knows of it.

    ``captured_at`` is the capture time of the frame that decided, ``started_at`` that of the first frame of the
    condition (entry into the zone, last frame before the line …).
    """

    captured_at: UtcSeconds
    started_at: UtcSeconds
    tracks: tuple[Track, ...]
    details: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertObject:
    """An object that took part in an alert, at the frame that decided."""

    track_id: int
    label: str
    score: float
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What a rule fires: an analytics event ("signalement"), ready to be stored and delivered."""

    alert_id: UUID
    camera_id: str
    rule_id: str
    rule_type: str
    rule_name: str
    priority: Priority
    state: RuleState
    captured_at: UtcSeconds
    started_at: UtcSeconds
    objects: tuple[AlertObject, ...] = ()
    zone: Polygon = ()
    line: Polygon = ()
    details: Mapping[str, Json] = field(default_factory=dict)
    snapshot_jpeg: bytes = b""

    @staticmethod
    def derive_id(camera_id: str, rule_id: str, captured_at: UtcSeconds, track_ids: tuple[int, ...]) -> UUID:
        """The same occurrence always gets the same id, so that a repeated hand-over is recognised."""
        tracks = ",".join(map(str, sorted(track_ids)))
        return uuid5(VIGIE_NAMESPACE, f"alert|{camera_id}|{rule_id}|{round(captured_at * 1000)}|{tracks}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameBoxes:
    """The boxes of one analysed frame, for overlays. An empty frame clears the boxes."""

    camera_id: str
    captured_at: UtcSeconds
    tracks: tuple[Track, ...]


class DeliveryState(StrEnum):
    """Life of a delivery: pending → sending → delivered, or parked when it can never succeed."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    PARKED = "parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One thing to do in one VMS for one alert.

    ``may_have_arrived`` is True when an earlier attempt left this machine and its answer is unknown (reply lost, or
    the process died): the VMS is asked before anything is sent again.
    """

    key: UUID
    alert_id: UUID
    camera_id: str
    vms_id: str
    action: str
    state: DeliveryState
    attempts: int
    may_have_arrived: bool = False
    remote_id: str = ""
    last_error: str = ""

    @staticmethod
    def derive_key(alert_id: UUID, vms_id: str, action: str) -> UUID:
        """UUIDv5 of alert, target and action: the idempotency key that travels into the VMS."""
        return uuid5(VIGIE_NAMESPACE, f"delivery|{alert_id}|{vms_id}|{action}")

    @property
    def token(self) -> str:
        """The key as a short text for fields that people see; searching the VMS for it finds this delivery."""
        return self.token_of(self.key)

    @staticmethod
    def token_of(key: UUID) -> str:
        """The token of the delivery with this key."""
        return f"vigie:{key.hex[:20]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The VMS has it. ``remote_id`` is the VMS's own id where it gives one."""

    remote_id: str = ""


class Answer(StrEnum):
    """What an operator said of an alert; ``UNKNOWN`` where it was closed without saying."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """A control channel listens from now on: what happens in the VMS is heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictGiven:
    """An operator closed or judged what a delivery made. ``token`` is ``Delivery.token``, ``at`` the VMS's own time.

    The same verdict may be told again after a reconnection; a later one replaces an earlier one.
    """

    token: str
    answer: Answer
    at: UtcSeconds
    by: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSeen:
    """An event named in ``VmsSettings.control`` was triggered. ``event`` is its name as the settings write it."""

    event: str
    at: UtcSeconds
    event_id: str = ""
    """The VMS's own id of this occurrence, so that one told twice is recognised; empty where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraReported:
    """The VMS says that it lost a camera, or has it again."""

    device: str
    is_lost: bool
    at: UtcSeconds
    cause: str = ""


ControlMessage: TypeAlias = Linked | VerdictGiven | EventSeen | CameraReported
"""What comes back from a VMS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmsCamera:
    """A camera as the VMS lists it. ``device`` is the VMS's own id."""

    device: str
    name: str
    is_enabled: bool = True


class FindingLevel(StrEnum):
    """Weight of a check's result."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One result of a check. ``code`` is stable and machine-readable, ``remedy`` says where to click."""

    level: FindingLevel
    subject: str
    code: str
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """State of one component: colour, and a cause that a person can act on. ``fault``: a camera's gravest, as its code."""

    component: str
    level: HealthLevel
    cause: str = ""
    fault: CameraFault | None = None
