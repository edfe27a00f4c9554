"""The metadata stream of one channel: boxes, trails, rule zones and events as ``tt:MetadataStream`` documents.

Documents leave in capture order, at least one per second, and at once when somebody starts to listen or asks for a
synchronisation point (SPEC:Streaming, research A6). They are written once for all listeners, and only while there are
any. Two kinds of frames: the usual one carries boxes and classes; about once per second a *whole* one also carries

- each object's trail, as the schema's own ``tt:ObjectTrack`` (metadatastream.xsd, 25.12) in the object's extension;
- the zones and lines of the channel's rules, as ``tt:Polygon`` and ``tt:Polyline`` in the frame's extension. A zone is no
  ``tt:Object``: viewers draw an object's bounding box (XProtect draws no polygons) and would show, count and search
  zones as if somebody stood there.

That any VMS draws either is unverified.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from lxml import etree

from config.model import CameraSettings, RuleSettings
from connectors.onvif.device.capture_order import CaptureOrder, Place
from connectors.protocols.onvif_metadata import TT, Corners, MetadataWriter, number, onvif_corners, printable
from connectors.protocols.rtsp.feeds import Document, MetadataFeed
from core.clock import iso_utc
from core.contracts import Clock
from core.types import FrameBoxes, Point, Track, UtcSeconds

VENDOR: Final = "urn:vigie:metadata"
"""Namespace of what ONVIF has no element for."""

KEEP_ALIVE_S: Final = 0.7
"""Silence after which an empty frame leaves, so that with the loop's own period a document leaves every second."""

WHOLE_EVERY_S: Final = 1.0
"""So often zones and trails come along: a recording played from anywhere shows them within a second."""

TRAIL_STEP_S: Final = 0.5
TRAIL_POINTS: Final = 12
"""A trail shows where an object was in the last six seconds."""


@dataclass(slots=True)
class MetadataStatistics:
    """Counters of one channel since the start."""

    frames_in: int = 0
    frames_late: int = 0
    """Older than what had left already: dropped."""
    frames_unheard: int = 0
    """Nobody listened: nothing was written."""
    documents: int = 0
    empty_frames: int = 0
    events: int = 0
    clock_set_back: int = 0
    """The recorder's clock went back: the listeners were ended and come again."""

    def as_dict(self) -> dict[str, float]:
        """By name."""
        return asdict(self)


class ChannelMetadata:
    """Writes one channel's documents into ``feed``. Lives on one event loop."""

    def __init__(self, camera: CameraSettings, clock: Clock) -> None:
        self.feed = MetadataFeed(self._tell_present)
        self.statistics = MetadataStatistics()
        self._camera_id = camera.id
        self._clock = clock
        self._order = CaptureOrder(clock)
        self._trails = Trails()
        self._writer = MetadataWriter()
        self._whole_writer = WholeWriter(self._trails, camera.rules)
        self._shown: FrameBoxes | None = None
        self._told_at = clock.monotonic()
        self._whole_at = float("-inf")

    def show(self, boxes: FrameBoxes) -> None:
        """The boxes of the next analysed frame; late ones are dropped and counted."""
        self.statistics.frames_in += 1
        place = self._order.place(boxes.captured_at)
        if place is Place.LATE:
            self.statistics.frames_late += 1
            return
        if place is Place.BEGINS_ANEW:
            self.statistics.clock_set_back += 1
            self._trails.clear()
            self.feed.end()
        self._trails.follow(boxes)
        self._shown, self._told_at = boxes, self._clock.monotonic()
        if self.feed.listeners:
            self._send_frame(boxes)
        else:
            self.statistics.frames_unheard += 1

    def tell(self, messages: Sequence[etree._Element]) -> bool:
        """Sends event notifications (``wsnt:NotificationMessage``); False when nobody listened."""
        if not self.feed.listeners:
            return False
        stream = etree.Element(f"{{{TT}}}MetadataStream", nsmap={"tt": TT})
        etree.SubElement(stream, f"{{{TT}}}Event").extend(messages)
        self.statistics.events += 1
        self._send(etree.tostring(stream, encoding="utf-8", xml_declaration=False), self._order.newest())
        return True

    def keep_alive(self) -> None:
        """To be called some times per second: sends an empty frame when no frame came for a while."""
        if self.feed.listeners and self._is_silent:
            self._send_empty()

    @property
    def _is_silent(self) -> bool:
        return self._clock.monotonic() - self._told_at >= KEEP_ALIVE_S

    def _tell_present(self) -> None:
        """Somebody joined, or wants to synchronise."""
        self._whole_at = float("-inf")
        if self._shown is None or self._is_silent:
            self._send_empty()
        else:
            self._send_frame(self._shown)

    def _send_empty(self) -> None:
        """What was drawn is not true any more."""
        self._shown, self._told_at = None, self._clock.monotonic()
        self._trails.clear()
        self.statistics.empty_frames += 1
        self._send_frame(FrameBoxes(camera_id=self._camera_id, captured_at=self._order.between_frames(), tracks=()))

    def _send_frame(self, boxes: FrameBoxes) -> None:
        now = self._clock.monotonic()
        is_whole = now - self._whole_at >= WHOLE_EVERY_S
        if is_whole:
            self._whole_at = now
        writer = self._whole_writer if is_whole else self._writer
        self._send(writer.document(boxes), boxes.captured_at)

    def _send(self, data: bytes, captured_at: UtcSeconds) -> None:
        self.statistics.documents += 1
        self.feed.push(Document(data=data, captured_at=captured_at))


@dataclass(frozen=True, slots=True)
class TrailPoint:
    """Where an object was: the attributes of its ``tt:BoundingBox`` and ``tt:CenterOfGravity``, written once."""

    captured_at: UtcSeconds
    sides: dict[str, str]
    centre: dict[str, str]

    @classmethod
    def of(cls, captured_at: UtcSeconds, place: Corners) -> TrailPoint:
        """From a box in ONVIF's coordinates."""
        x, y = place.centre
        sides = {name: number(value) for name, value in place._asdict().items()}
        return cls(captured_at, sides, {"x": number(x), "y": number(y)})


class Trails:
    """Where the objects of the newest frame were before, some points each."""

    def __init__(self) -> None:
        self._points: dict[int, deque[TrailPoint]] = {}

    def follow(self, boxes: FrameBoxes) -> None:
        """Takes the next frame; objects that are not in it are forgotten."""
        before, self._points = self._points, {}
        for track in boxes.tracks:
            points = before.get(track.track_id) or deque(maxlen=TRAIL_POINTS)
            is_due = not points or boxes.captured_at - points[-1].captured_at >= TRAIL_STEP_S
            if is_due and (corners := onvif_corners(track.box)) is not None:
                points.append(TrailPoint.of(boxes.captured_at, corners))
            self._points[track.track_id] = points

    def of(self, track: Track) -> Sequence[TrailPoint]:
        """Oldest first; the present place is among them only by chance."""
        return tuple(self._points.get(track.track_id, ()))

    def clear(self) -> None:
        """Forgets everything."""
        self._points.clear()


class WholeWriter(MetadataWriter):
    """Frames with trails and rule zones."""

    def __init__(self, trails: Trails, rules: Sequence[RuleSettings]) -> None:
        self._trails = trails
        self._areas = [area for rule in rules if (area := _area(rule)) is not None]

    def object_extension(self, track: Track, corners: Corners) -> Sequence[etree._Element]:  # noqa: ARG002 - a hook
        points = self._trails.of(track)
        if not points:
            return ()
        trail = etree.Element(_tt("ObjectTrack"))
        trail.extend(map(_state, points))
        return (trail,)

    def frame_extension(self, boxes: FrameBoxes) -> Sequence[etree._Element]:  # noqa: ARG002 - a hook
        if not self._areas:
            return ()
        rules = etree.Element(f"{{{VENDOR}}}Rules", nsmap={"vigie": VENDOR})
        for attributes, shape, points in self._areas:
            rule = etree.SubElement(rules, f"{{{VENDOR}}}Rule", attributes)
            outline = etree.SubElement(rule, _tt(shape))
            for x, y in points:
                etree.SubElement(outline, _tt("Point"), x=number(2 * x - 1), y=number(1 - 2 * y))
        return (rules,)


def _area(rule: RuleSettings) -> tuple[dict[str, str], str, Sequence[Point]] | None:
    """Attributes, element and corners of what a rule watches; None of one that watches no place of its own."""
    attributes = {"Id": rule.id, "Type": rule.type, "Name": printable(rule.name) or rule.id}
    if zone := getattr(rule, "zone", None):
        return attributes, "Polygon", zone
    if line := getattr(rule, "line", None):
        return attributes, "Polyline", line
    return None


def _state(point: TrailPoint) -> etree._Element:
    """``tt:ObjectState``: the object's shape at another moment."""
    state = etree.Element(_tt("ObjectState"), CaptureTime=iso_utc(point.captured_at))
    shape = etree.SubElement(etree.SubElement(state, _tt("Appearance")), _tt("Shape"))
    etree.SubElement(shape, _tt("BoundingBox"), point.sides)
    etree.SubElement(shape, _tt("CenterOfGravity"), point.centre)
    return state


def _tt(name: str) -> str:
    return f"{{{TT}}}{name}"
