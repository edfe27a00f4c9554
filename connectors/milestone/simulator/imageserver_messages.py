"""ImageServer's requests and answers (notes §3.2).

Requests are XML documents without line breaks that end ``CR LF CR LF``; answers are XML documents ending likewise, or
images under a header of text lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from connectors.milestone.simulator.genericbytedata import wrap
from connectors.milestone.simulator.site import milliseconds
from connectors.protocols.clips import ClipCodec
from connectors.protocols.live import LivePacket
from core.types import UtcSeconds

END = b"\r\n\r\n"
"""Ends every message, both ways."""

_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'
_LIVE_FEED_STARTED, _CAMERA_LOST = 1, 5
"""Ids of status items; of the second only the value 1 is documented, the return to 0 is *unverified*."""


class MalformedRequest(Exception):
    """Bytes that are no request: the server hangs up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodCall:
    """One request. ``parameters`` are the texts of the elements beside id and name; nested ones are left out."""

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
    body = wrap(packet, codec)
    current = milliseconds(packet.captured_at)
    head = _image_head(request_id, milliseconds(previous_at), current, current, len(body))
    return head + b"Content-type: application/x-genericbytedata-octet-stream\r\n\r\n" + body + END


def nothing_recorded(request_id: int) -> bytes:
    """The answer of every playback request: this recorder records nothing."""
    return _image_head(request_id, 0, 0, 0, 0) + b"\r\n" + END


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
