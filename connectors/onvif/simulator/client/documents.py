"""One metadata document as a driver reads it (notes A6): frames with the boxes of their objects."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from connectors.onvif.simulator.client.xml import TT, every, first, parse
from core.clock import parse_iso
from core.errors import ProtocolViolation
from core.types import Json, UtcSeconds

_SIDES: Final = ("left", "top", "right", "bottom")
_TOLERANCE: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenObject:
    """``box``: left, top, right, bottom in ONVIF's coordinates (-1..1, y up); None where the object has no shape."""

    object_id: str
    kind: str
    box: tuple[float, float, float, float] | None

    def as_json(self) -> Json:
        """For the ledger."""
        box: Json = None if self.box is None else list(self.box)
        return {"id": self.object_id, "class": self.kind, "box": box}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFrame:
    """One frame. ``utc``: of the picture that it belongs to."""

    utc: UtcSeconds
    objects: tuple[SeenObject, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDocument:
    """``events``: notifications that came inside; drivers take events from the pull point, and store these."""

    frames: tuple[SeenFrame, ...]
    events: int


def read_document(data: bytes) -> SeenDocument:
    """Raises ``ProtocolViolation`` that says what is wrong."""
    try:
        root = parse(data)
    except etree.XMLSyntaxError as error:
        raise ProtocolViolation(f"the document is no XML: {error}") from error
    if root.tag != f"{{{TT}}}MetadataStream":
        raise ProtocolViolation(f"the document's root is {root.tag}")
    frames = tuple(_frame(frame) for frame in every(root, "tt:VideoAnalytics/tt:Frame"))
    events = sum(1 for _ in every(root, "tt:Event/wsnt:NotificationMessage"))
    return SeenDocument(frames=frames, events=events)


def _frame(frame: etree._Element) -> SeenFrame:
    text = frame.get("UtcTime", "")
    try:
        utc = parse_iso(text)
    except ValueError as error:
        raise ProtocolViolation(f"UtcTime of a frame is {text!r}") from error
    if not text.endswith("Z"):
        raise ProtocolViolation(f"UtcTime of a frame is {text!r}, without Z")
    return SeenFrame(utc=utc, objects=tuple(_objects(frame)))


def _objects(frame: etree._Element) -> Iterator[SeenObject]:
    scale, move = _vector(frame, "Scale", 1.0), _vector(frame, "Translate", 0.0)
    ids: set[str] = set()
    for found in every(frame, "tt:Object"):
        object_id = found.get("ObjectId", "")
        if not object_id.lstrip("-").isdigit() or object_id in ids:
            raise ProtocolViolation(f"ObjectId is {object_id!r}, or there twice")
        ids.add(object_id)
        shape = first(found, "tt:Appearance/tt:Shape")
        box = None if shape is None else _box(shape, object_id, scale, move)
        yield SeenObject(object_id=object_id, kind=_kind(found), box=box)


def _kind(found: etree._Element) -> str:
    for path in ("tt:Appearance/tt:Class/tt:Type", "tt:Appearance/tt:Class/tt:ClassCandidate/tt:Type"):
        if (named := first(found, path)) is not None:
            return (named.text or "").strip()
    return ""


def _vector(frame: etree._Element, name: str, default: float) -> tuple[float, float]:
    found = first(frame, f"tt:Transformation/tt:{name}")
    if found is None:
        return default, default
    return _number(found, "x"), _number(found, "y")


def _box(
    shape: etree._Element, object_id: str, scale: tuple[float, float], move: tuple[float, float]
) -> tuple[float, float, float, float]:
    rectangle, centre = first(shape, "tt:BoundingBox"), first(shape, "tt:CenterOfGravity")
    if rectangle is None or centre is None:
        raise ProtocolViolation(f"the shape of object {object_id} lacks BoundingBox or CenterOfGravity")
    raw = [_number(rectangle, side) for side in _SIDES]
    left, right = (move[0] + scale[0] * x for x in (raw[0], raw[2]))
    top, bottom = (move[1] + scale[1] * y for y in (raw[1], raw[3]))
    x, y = move[0] + scale[0] * _number(centre, "x"), move[1] + scale[1] * _number(centre, "y")
    if not (-1 - _TOLERANCE <= left < right <= 1 + _TOLERANCE and -1 - _TOLERANCE <= bottom < top <= 1 + _TOLERANCE):
        raise ProtocolViolation(f"the box of object {object_id} is {left:g} {top:g} {right:g} {bottom:g}")
    if not (left <= x <= right and bottom <= y <= top):
        raise ProtocolViolation(f"the centre of object {object_id} is outside of its box")
    return left, top, right, bottom


def _number(found: etree._Element, name: str) -> float:
    text = found.get(name, "")
    try:
        value = float(text)
    except ValueError as error:
        raise ProtocolViolation(f"{name} is {text!r}, no number") from error
    if not math.isfinite(value):
        raise ProtocolViolation(f"{name} is {text!r}")
    return value
