"""ONVIF analytics metadata: the boxes of one frame as one ``tt:MetadataStream`` document.

The general form follows ONVIF's metadatastream.xsd: coordinates normalised to -1..1 with x right and y **up**, already
transformed; ``CenterOfGravity`` in every shape; the class as ``Class/Type``. A frame without objects is a document
too: it clears what was drawn. A VMS that wants more or other things gets a subclass of ``MetadataWriter``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from lxml import etree

from core.clock import iso_utc
from core.types import Box, FrameBoxes, Track

TT: Final = "http://www.onvif.org/ver10/schema"

OBJECT_TYPES: Final[Mapping[str, str]] = {
    "person": "Human",
    "bicycle": "Bicycle",
    "car": "Vehicle",
    "motorcycle": "Vehicle",
    "bus": "Vehicle",
    "truck": "Vehicle",
    "animal": "Animal",
    "fire": "Fire",
    "flame": "Fire",
    "smoke": "Smoke",
}
"""Our labels as ``tt:ObjectType``; any other label stays as it is, which the schema allows."""

VEHICLE_TYPES: Final[Mapping[str, str]] = {
    "bicycle": "Bicycle",
    "bus": "Bus",
    "car": "Car",
    "motorcycle": "Motorcycle",
    "truck": "Truck",
}
"""Our labels as ``tt:VehicleType``."""

_DIGITS = 4


class Corners(NamedTuple):
    """A box in ONVIF's coordinates: -1..1, y up, so ``bottom < top``."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


class MetadataWriter:
    """Writes documents in ONVIF's general form; the methods without underscore beside ``document`` are a dialect's hooks."""

    def document(self, boxes: FrameBoxes) -> bytes:
        """The frame as UTF-8 XML without declaration. Objects wholly outside of the picture are left out."""
        stream = etree.Element(_tt("MetadataStream"), nsmap={"tt": TT})
        analytics = etree.SubElement(stream, _tt("VideoAnalytics"))
        frame = etree.SubElement(analytics, _tt("Frame"), UtcTime=iso_utc(boxes.captured_at))
        for track in boxes.tracks:
            if (corners := onvif_corners(track.box)) is not None:
                frame.append(self._object(track, corners))
        _extend(frame, self.frame_extension(boxes))
        return etree.tostring(stream, encoding="utf-8", xml_declaration=False)

    def class_of(self, track: Track) -> etree._Element:
        """The element ``tt:Class``."""
        described = etree.Element(_tt("Class"))
        kind = etree.SubElement(described, _tt("Type"), Likelihood=likelihood(track))
        kind.text = object_type(track)
        return described

    def shape_extension(self, track: Track, corners: Corners) -> Sequence[etree._Element]:  # noqa: ARG002 - a hook
        """What goes into the shape's ``tt:Extension``; no extension when empty."""
        return ()

    def appearance_extension(self, track: Track, corners: Corners) -> Sequence[etree._Element]:  # noqa: ARG002 - a hook
        """What goes into the appearance's ``tt:Extension``; no extension when empty."""
        return ()

    def object_extension(self, track: Track, corners: Corners) -> Sequence[etree._Element]:  # noqa: ARG002 - a hook
        """What goes into the object's ``tt:Extension``; no extension when empty."""
        return ()

    def frame_extension(self, boxes: FrameBoxes) -> Sequence[etree._Element]:  # noqa: ARG002 - a hook
        """What goes into the frame's ``tt:Extension``, in a namespace other than ONVIF's; no extension when empty."""
        return ()

    def _object(self, track: Track, corners: Corners) -> etree._Element:
        item = etree.Element(_tt("Object"), ObjectId=str(track.track_id))
        appearance = etree.SubElement(item, _tt("Appearance"))
        appearance.append(self._shape(track, corners))
        appearance.append(self.class_of(track))
        _extend(appearance, self.appearance_extension(track, corners))
        if track.label in VEHICLE_TYPES:
            vehicle = etree.SubElement(appearance, _tt("VehicleInfo"))
            etree.SubElement(vehicle, _tt("Type"), Likelihood=likelihood(track)).text = VEHICLE_TYPES[track.label]
        _extend(item, self.object_extension(track, corners))
        return item

    def _shape(self, track: Track, corners: Corners) -> etree._Element:
        shape = etree.Element(_tt("Shape"))
        sides = {name: number(value) for name, value in corners._asdict().items()}
        etree.SubElement(shape, _tt("BoundingBox"), sides)
        x, y = corners.centre
        etree.SubElement(shape, _tt("CenterOfGravity"), x=number(x), y=number(y))
        _extend(shape, self.shape_extension(track, corners))
        return shape


def onvif_corners(box: Box) -> Corners | None:
    """The part of the box that is inside the picture; None when nothing of it is left."""
    left, right = _coordinate(box.left), _coordinate(box.right)
    top, bottom = -_coordinate(box.top), -_coordinate(box.bottom)
    return Corners(left, top, right, bottom) if left < right and bottom < top else None


def object_type(track: Track) -> str:
    """The track's label as ``tt:ObjectType`` where that has a word for it."""
    return OBJECT_TYPES.get(track.label) or printable(track.label)


def likelihood(track: Track) -> str:
    """The score, 0..1."""
    return f"{min(1.0, max(0.0, track.score)):.2f}"


def number(value: float) -> str:
    """A coordinate as text; never ``-0.0000``."""
    return f"{round(value, _DIGITS) + 0.0:.{_DIGITS}f}"


def printable(text: str) -> str:
    """The text without control characters and others that XML cannot hold: labels come from models' manifests."""
    return "".join(character for character in text if character.isprintable())


def _coordinate(share: float) -> float:
    return round(min(1.0, max(0.0, share)) * 2 - 1, _DIGITS)


def _extend(parent: etree._Element, content: Sequence[etree._Element]) -> None:
    if content:
        etree.SubElement(parent, _tt("Extension")).extend(content)


def _tt(name: str) -> str:
    return f"{{{TT}}}{name}"
