"""ImageServer's requests and answers (notes §3.2).

Requests are XML documents without line breaks that end ``CR LF CR LF``; answers are XML documents ending likewise, or
images under a header of text lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from connectors.milestone.simulator.recorder.genericbytedata import wrap
from connectors.milestone.simulator.site import milliseconds
from connectors.protocols.clips import ClipCodec
from connectors.protocols.live import LivePacket
from core.types import UtcSeconds

END = b"\r\n\r\n"
"""Ends every message, both ways."""

_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'
_RAW = "application/x-genericbytedata-octet-stream"
_BOUNDARY = "vigie-simulator-part"
_LIVE_FEED_STARTED, _CAMERA_LOST = 1, 5
"""Ids of status items; of the second only the value 1 is documented, the return to 0 is *unverified*."""


class MalformedRequest(Exception):
    """Bytes that are no request: the server hangs up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodCall:
    """One request. ``parameters`` are the texts of the elements beside id and name; a nested one is ``outer/inner``."""

    request_id: int
    name: str
    parameters: Mapping[str, str]


def parse_call(line: bytes) -> MethodCall:
    """A request without its final ``CR LF CR LF``. Raises ``MalformedRequest``."""
    if b"\n" in line or b"\r" in line:
        raise MalformedRequest("a request must be one line")
    try:
        root = etree.fromstring(line, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise MalformedRequest(f"not well-formed XML: {error}") from error
    if root.tag != "methodcall":
        raise MalformedRequest(f"expected methodcall, found {root.tag!s}")
    texts = {str(child.tag): child.text or "" for child in root}
    texts |= {f"{child.tag!s}/{inner.tag!s}": inner.text or "" for child in root for inner in child}
    request_id = texts.pop("requestid", "")
    name = texts.pop("methodname", "")
    if not (request_id.isascii() and request_id.isdigit()) or not name:
        raise MalformedRequest("every request needs a numeric requestid and a methodname")
    return MethodCall(request_id=int(request_id), name=name, parameters=texts)


def parse_connect_parameters(text: str) -> dict[str, str]:
    """``id=…&streamid=…&connectiontoken=…``; a value may hold ``#`` and ``/`` as they are, or percent-encoded."""
    pairs = (part.partition("=") for part in text.split("&"))
    return {name: unquote(value) for name, _, value in pairs}


def response(call: MethodCall, **members: str) -> bytes:
    """A ``methodresponse`` with these elements after id and name."""
    root = etree.Element("methodresponse")
    named = {"requestid": str(call.request_id), "methodname": call.name, **members}
    for name, value in named.items():
        etree.SubElement(root, name).text = value
    return _document(root)


def connected(call: MethodCall) -> bytes:
    """``connect`` or ``connectupdate`` succeeded."""
    return response(call, connected="yes")


def refused(call: MethodCall, reason: str) -> bytes:
    """``connect`` or ``connectupdate`` failed."""
    return response(call, connected="no", errorreason=reason)


def status_package(moment: UtcSeconds, *, is_camera_lost: bool) -> bytes:
    """The sign of life of a live stream, and whether the recorder has lost the camera."""
    root = etree.Element("livepackage")
    status = etree.SubElement(root, "status")
    etree.SubElement(status, "statustime").text = str(milliseconds(moment))
    for item, value in ((_LIVE_FEED_STARTED, True), (_CAMERA_LOST, is_camera_lost)):
        etree.SubElement(status, "statusitem", id=str(item), value=str(int(value)))
    return _document(root)


def live_image(request_id: int, packet: LivePacket, previous_at: UtcSeconds, codec: ClipCodec) -> bytes:
    """One live picture. ``Next`` is the picture itself: the following one does not exist yet."""
    moments = Moments(previous=previous_at, current=packet.captured_at, following=packet.captured_at)
    return recorded_picture(request_id, moments, wrap(packet, codec), _RAW)


def live_jpeg(request_id: int, packet: LivePacket, previous_at: UtcSeconds, image: bytes) -> bytes:
    """The same, transcoded."""
    moments = Moments(previous=previous_at, current=packet.captured_at, following=packet.captured_at)
    return recorded_picture(request_id, moments, image, "image/jpeg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Times of the picture of an answer and of its neighbours."""

    previous: UtcSeconds
    current: UtcSeconds
    following: UtcSeconds


def recorded_picture(request_id: int, moments: Moments, body: bytes, content_type: str) -> bytes:
    """An answer with one picture, or with several that are one body already."""
    head = _image_head(
        request_id,
        milliseconds(moments.previous),
        milliseconds(moments.current),
        milliseconds(moments.following),
        len(body),
    )
    return head + f"Content-type: {content_type}\r\n\r\n".encode() + body + END


def recorded_gop(request_id: int, moments: Moments, packets: Sequence[LivePacket], codec: ClipCodec) -> bytes:
    """A GOP: one part per picture; a single picture is no multipart.

    The form of the parts is that which a public client reads from live systems (notes, source GO): each has a header
    with ``Content-type`` and ``Content-length``, and the last boundary ends with two hyphens.
    """
    parts = [wrap(packet, codec) for packet in packets]
    if len(parts) == 1:
        return recorded_picture(request_id, moments, parts[0], _RAW)
    body = b"".join(
        f"--{_BOUNDARY}\r\nContent-type: {_RAW}\r\nContent-length: {len(part)}\r\n\r\n".encode() + part + b"\r\n"
        for part in parts
    )
    content_type = f"multipart/related; boundary={_BOUNDARY}"
    return recorded_picture(request_id, moments, body + f"--{_BOUNDARY}--".encode(), content_type)


def nothing_recorded(request_id: int) -> bytes:
    """The answer of every playback request where nothing is recorded."""
    return _image_head(request_id, 0, 0, 0, 0) + b"\r\n" + END


def alarms(call: MethodCall, entries: Sequence[tuple[UtcSeconds, UtcSeconds]]) -> bytes:
    """Recorded stretches as (begin, end); the element around the list is *unverified*."""
    root = etree.Element("methodresponse")
    etree.SubElement(root, "requestid").text = str(call.request_id)
    etree.SubElement(root, "methodname").text = call.name
    listed = etree.SubElement(root, "alarms")
    for begin, end in entries:
        alarm = etree.SubElement(listed, "alarm")
        for name, moment in (("starttime", begin), ("alarmtime", begin), ("endtime", end)):
            etree.SubElement(alarm, name).text = str(milliseconds(moment))
    return _document(root)


def _image_head(request_id: int, previous: int, current: int, following: int, length: int) -> bytes:
    lines = (
        "ImageResponse",
        f"RequestId: {request_id}",
        f"Prev: {previous}",
        f"Current: {current}",
        f"Next: {following}",
        "PrivacyMask: none",
        f"Content-length: {length}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def _document(root: etree._Element) -> bytes:
    return _DECLARATION + etree.tostring(root) + END
