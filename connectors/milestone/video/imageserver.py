"""The ImageServer protocol of recording servers (TCP 7563), as text and bytes: requests out, messages in.

Requests are XML documents on one line; every block ends with an empty line. A block that begins with ``<`` is XML,
any other is the text header of an image, whose body has ``Content-length`` bytes and an empty line after it.

Playback answers with a group of pictures as ``multipart/related``: each part has a header of its own with its
``Content-length``, and ``--boundary--`` ends the last. Such an answer needs no length of its own (seen in public captures
of a 2025 R3 recorder; the vendor's page does not say), hence it is cut by its parts alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias
from xml.sax.saxutils import escape

from lxml import etree

from core.errors import AuthenticationRefused, NotFoundInVms, ProtocolViolation, VmsRefused
from core.redaction import redact

_END = b"\r\n\r\n"
_LINE_ENDS = b"\r\n"
_MAX_HEADER = 64 * 1024
_MAX_BODY = 64 * 1024 * 1024
"""Of one answer, all its parts together."""
_MAX_PARTS = 4096
_MULTIPART = "multipart/"
_EXCERPT = 200
_CAMERA_LOST = "5"
"""``statusitem`` id whose value 1 says that the recorder lost the camera. Other ids are unverified and not read."""


@dataclass(frozen=True, slots=True)
class XmlMessage:
    """An answer or a status package."""

    root: etree._Element


@dataclass(frozen=True, slots=True)
class ImageMessage:
    """An image header (names in lower case) and what follows it: the body, or several parts; nothing when empty."""

    headers: dict[str, str]
    parts: tuple[bytes, ...]

    @property
    def content_type(self) -> str:
        """Without its parameters."""
        return _content_type(self.headers)


Message: TypeAlias = XmlMessage | ImageMessage


class MessageReader:
    """Cuts the byte stream into messages, however the network cut it before."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._image: _BegunImage | None = None

    def feed(self, data: bytes) -> list[Message]:
        """Takes what arrived; returns the messages that are now whole. Raises ``ProtocolViolation``."""
        self._buffer += data
        messages: list[Message] = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> Message | None:
        if self._image is None:
            block = self._block()
            if block is None:
                return None
            if block.startswith(b"<"):
                return XmlMessage(_parse_xml(block))
            self._image = _begun(block)
        if not self._fill(self._image):
            return None
        image, self._image = self._image, None
        return ImageMessage(image.headers, tuple(filter(None, image.parts)))

    def _fill(self, image: _BegunImage) -> bool:
        """Takes what is there of an image; whether it is whole now."""
        while True:
            if image.awaited is None:
                head = self._block()
                if head is None:
                    return False
                if head == image.end:
                    return True
                image.begin_part(head)
            elif len(self._buffer) < image.awaited:
                return False
            else:
                image.parts.append(bytes(self._buffer[: image.awaited]))
                del self._buffer[: image.awaited]
                image.awaited = None
                if not image.boundary:
                    return True

    def _block(self) -> bytes | None:
        """Up to the next empty line, without the line ends around it."""
        if leading := _count_leading(self._buffer, _LINE_ENDS):
            del self._buffer[:leading]
            self._searched = 0
        end = self._buffer.find(_END, self._searched)
        if end < 0:
            if len(self._buffer) > _MAX_HEADER:
                raise ProtocolViolation(f"the recorder sent {len(self._buffer)} bytes without ending a block")
            self._searched = max(0, len(self._buffer) - len(_END) + 1)
            return None
        block = bytes(self._buffer[:end])
        del self._buffer[: end + len(_END)]
        self._searched = 0
        return block


@dataclass(slots=True)
class _BegunImage:
    """An image whose header was read. ``awaited`` bytes come next; None: the head of a part, or the end."""

    headers: dict[str, str]
    boundary: bytes
    awaited: int | None
    parts: list[bytes] = field(default_factory=list)
    _total: int = 0

    @property
    def end(self) -> bytes:
        """The line after the last part."""
        return self.boundary + b"--"

    def begin_part(self, head: bytes) -> None:
        """Reads the head of the next part."""
        line, _, rest = head.partition(b"\r\n")
        if line.rstrip() != self.boundary or len(self.parts) >= _MAX_PARTS:
            raise ProtocolViolation(f"the recorder sent a malformed part: {redact(line[:40].decode('latin-1'))!r}")
        self.awaited = _content_length(_fields(rest.decode("latin-1").split("\r\n")))
        self._total += self.awaited
        if self._total > _MAX_BODY:
            raise ProtocolViolation(f"the recorder sent parts of more than {_MAX_BODY} bytes together")


def connect_request(request_id: int, device: str, token: str) -> bytes:
    """Opens a camera; raw data in the camera's own codec. ``token`` is the corporate token."""
    return _request(
        request_id,
        "connect",
        "<username>x</username><password>x</password>"
        f"<cameraid>{device}</cameraid><alwaysstdjpeg>no</alwaysstdjpeg>{_connect_param(device, token)}"
        "<clientcapabilities><privacymask>no</privacymask><multipartdata>yes</multipartdata>"
        "<datarestriction>no</datarestriction></clientcapabilities>",
    )


def update_request(request_id: int, device: str, token: str) -> bytes:
    """Puts a fresh token in place of the one given before, on the live connection."""
    return _request(request_id, "connectupdate", _connect_param(device, token))


def live_request(request_id: int) -> bytes:
    """Starts live pictures. The compression rate has no meaning for raw data, but the request asks for one.

    The initial image would be a JPEG still before the stream (seen by others on a 2025 R3 recorder), and an adapted
    stream another resolution: neither is wanted.
    """
    return _request(
        request_id,
        "live",
        "<compressionrate>100</compressionrate><sendinitialimage>no</sendinitialimage>"
        "<adaptivestreaming><disabled/></adaptivestreaming>",
    )


def goto_request(request_id: int, at_ms: int) -> bytes:
    """Asks for the recorded group of pictures that holds that moment (ms UTC), or the last one before it."""
    return _request(request_id, "goto", f"<time>{at_ms}</time><compressionrate>100</compressionrate>")


def next_request(request_id: int) -> bytes:
    """Asks for the recorded group of pictures that follows; at the end of the database the last one comes again."""
    return _request(request_id, "next", "")


def refusal(answer: etree._Element, camera: str) -> VmsRefused | None:
    """What a ``methodresponse`` refuses, if it does. The wording of ``errorreason`` is unverified."""
    if (answer.findtext("connected") or "yes").strip().lower() == "yes":
        return None
    reason = redact((answer.findtext("errorreason") or "no reason given").strip())[:_EXCERPT]
    message = f"the recorder refuses {camera}: {reason}"
    folded = reason.lower()
    if any(word in folded for word in ("token", "access", "authori", "authenti", "permission", "denied", "login")):
        return AuthenticationRefused(
            message, remedy="Management Client → Security → Roles → Device: allow this account View live on the camera."
        )
    if any(word in folded for word in ("unknown", "not found", "no such", "not exist", "invalid camera")):
        return NotFoundInVms(message, remedy="Run 'vigie check': it lists the cameras that XProtect knows.")
    return VmsRefused(message, remedy="Management Client → Recording Servers: see whether the camera works there.")


def camera_is_lost(package: etree._Element) -> bool:
    """Whether a ``livepackage`` says that the recorder has no link to the camera."""
    return any(item.get("id") == _CAMERA_LOST and item.get("value") == "1" for item in package.iter("statusitem"))


def _request(request_id: int, method: str, parameters: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f"<methodcall><requestid>{request_id}</requestid><methodname>{method}</methodname>{parameters}</methodcall>"
    ).encode() + _END


def _connect_param(device: str, token: str) -> str:
    return f"<connectparam>{escape(f'id={device}&connectiontoken={token}')}</connectparam>"


def _count_leading(buffer: bytearray, marks: bytes) -> int:
    return next((place for place, byte in enumerate(buffer) if byte not in marks), len(buffer))


def _parse_xml(block: bytes) -> etree._Element:
    try:
        return etree.fromstring(block, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise ProtocolViolation(f"the recorder sent XML that is not well-formed: {error}") from error


def _begun(block: bytes) -> _BegunImage:
    headers = _parse_headers(block)
    if headers.get("content-length") != "0" and _content_type(headers).startswith(_MULTIPART):
        return _BegunImage(headers, b"--" + _boundary(headers["content-type"]), None)
    return _BegunImage(headers, b"", _content_length(headers))


def _parse_headers(block: bytes) -> dict[str, str]:
    first, *lines = block.decode("latin-1").split("\r\n")
    if first.strip().lower() != "imageresponse":
        raise ProtocolViolation(f"the recorder sent neither XML nor an image: {redact(first[:40])!r}")
    return _fields(lines)


def _fields(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _content_type(headers: dict[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _boundary(content_type: str) -> bytes:
    pairs = (item.partition("=") for item in content_type.split(";")[1:])
    named = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
    if not named.get("boundary"):
        raise ProtocolViolation(f"the recorder sent parts without saying what parts them: {content_type[:80]!r}")
    return named["boundary"].encode("latin-1")


def _content_length(headers: dict[str, str]) -> int:
    text = headers.get("content-length", "")
    if not text.isascii() or not text.isdigit() or int(text) > _MAX_BODY:
        raise ProtocolViolation(f"the recorder sent an image of Content-length {text[:20]!r}")
    return int(text)
