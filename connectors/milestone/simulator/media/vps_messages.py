"""Messages between a recorder's VPS driver and a processing service (notes §6.4). Big-endian.

Header u16 type, u16 version, u32 payload length; one message is one binary WebSocket message [inferred].
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from lxml import etree

from core.clock import parse_iso

_HEADER = struct.Struct(">HHI")
_TIME = struct.Struct(">Q")
_VIDEO = struct.Struct(">HI")
_VIDEO_HEADER_BYTES = 32
_VIDEO_TYPE = 0x0010
_EVENT = struct.Struct(">Q16s16sH")
_VERSIONS = frozenset({1, 2})
_EVENT_VERSION = 2
_OWN_VERSION = 2
_ONVIF = "http://www.onvif.org/ver10/schema"


class Kind(IntEnum):
    """What a message is."""

    CONFIGURATION = 1
    MEDIA = 2
    METADATA = 3
    EVENT = 4


class BrokenMessage(Exception):
    """Framing that cannot be followed: the driver ends the connection [inferred]."""


class UnusableMetadata(Exception):
    """Metadata that the recorder could not store or match with a picture; the connection goes on [inferred]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Metadata as it came: ``at_ms`` is the picture's time, ms since the epoch."""

    at_ms: int
    xml: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as it came; ids in the byte order that Microsoft gives GUIDs."""

    at_ms: int
    name: str


def message(kind: Kind, payload: bytes) -> bytes:
    """One message of ours."""
    return _HEADER.pack(kind, _OWN_VERSION, len(payload)) + payload


def opened(received: bytes | str) -> tuple[Kind, bytes]:
    """Kind and payload of what the service sent. Raises ``BrokenMessage``."""
    if isinstance(received, str):
        raise BrokenMessage("a text message: the protocol is binary")
    if len(received) < _HEADER.size:
        raise BrokenMessage(f"a message of {len(received)} bytes has no header")
    number, version, length = _HEADER.unpack_from(received)
    payload = received[_HEADER.size :]
    if number not in {Kind.MEDIA, Kind.METADATA, Kind.EVENT}:
        raise BrokenMessage(f"a service sends no messages of type {number}")
    if version not in _VERSIONS or (number == Kind.EVENT and version < _EVENT_VERSION):
        raise BrokenMessage(f"version {version} of type {number} is unknown")
    if length != len(payload):
        raise BrokenMessage(f"the header says {length} bytes, {len(payload)} follow")
    return Kind(number), payload


def check_media(payload: bytes) -> None:
    """Processed video: one GenericByteData video packet. Raises ``BrokenMessage``."""
    if len(payload) < _VIDEO_HEADER_BYTES:
        raise BrokenMessage("a video packet without its header")
    kind, length = _VIDEO.unpack_from(payload)
    if kind != _VIDEO_TYPE or length != len(payload):
        raise BrokenMessage(f"a packet of type 0x{kind:04X} that says {length} bytes is no video of {len(payload)}")


def metadata(payload: bytes) -> Metadata:
    """Checked metadata. Raises ``BrokenMessage`` or ``UnusableMetadata``."""
    if len(payload) < _TIME.size:
        raise BrokenMessage("metadata without a time")
    (at_ms,) = _TIME.unpack_from(payload)
    body = payload[_TIME.size :]
    _check_onvif(body, at_ms)
    return Metadata(at_ms=at_ms, xml=body.decode())


def event(payload: bytes) -> Event:
    """An event. Raises ``BrokenMessage``."""
    if len(payload) < _EVENT.size:
        raise BrokenMessage("an event without its head")
    at_ms, _source, _event, length = _EVENT.unpack_from(payload)
    name = payload[_EVENT.size : _EVENT.size + length]
    if len(name) != length or not name.isascii():
        raise BrokenMessage("an event whose name is cut or not ASCII")
    return Event(at_ms=at_ms, name=name.decode("ascii"))


def _check_onvif(body: bytes, at_ms: int) -> None:
    try:
        body.decode()
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except (UnicodeDecodeError, etree.XMLSyntaxError) as error:
        raise UnusableMetadata(f"not well-formed XML in UTF-8: {error}") from error
    if root.tag != f"{{{_ONVIF}}}MetadataStream":
        raise UnusableMetadata(f"{root.tag!s} is no MetadataStream of ONVIF's schema")
    times = [frame.get("UtcTime") for frame in root.iterfind(f"{{{_ONVIF}}}VideoAnalytics/{{{_ONVIF}}}Frame")]
    if not times:
        raise UnusableMetadata("a MetadataStream without a Frame")
    for text in times:
        if _milliseconds(text or "") != at_ms:
            raise UnusableMetadata(f"UtcTime {text} is not the message's time {at_ms} ms")
    for box in root.iter(f"{{{_ONVIF}}}BoundingBox"):
        _check_box(box)


def _check_box(box: etree._Element) -> None:
    """ONVIF's coordinates: -1 to 1, y upwards (notes §6.1). Whether a recorder looks at them is *unverified*."""
    try:
        left, right, bottom, top = (float(box.get(side, "")) for side in ("left", "right", "bottom", "top"))
    except ValueError as error:
        raise UnusableMetadata("a BoundingBox without four numbers") from error
    if not (-1.0 <= left < right <= 1.0 and -1.0 <= bottom < top <= 1.0):
        raise UnusableMetadata(f"a BoundingBox from {left:g} to {right:g}, {bottom:g} to {top:g} is none of -1 to 1")


def _milliseconds(text: str) -> int | None:
    try:
        return round(parse_iso(text) * 1000)
    except ValueError:
        return None
