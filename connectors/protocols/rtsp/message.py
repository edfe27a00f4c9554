"""RTSP messages and interleaved frames: read from a byte stream cut anywhere, and written (RFC 2326 §4-7, §10.12)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from core.errors import ProtocolViolation

MAX_HEAD_BYTES = 16_384
MAX_BODY_BYTES = 65_536

_VERSION = "RTSP/1.0"
_INTERLEAVED = 0x24
_FRAME_HEAD_BYTES = 4
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_START_LINE_PARTS = 3
_REASONS = {
    250: "Low on Storage Space",
    451: "Parameter Not Understood",
    452: "Conference Not Found",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    456: "Header Field Not Valid for Resource",
    457: "Invalid Range",
    458: "Parameter Is Read-Only",
    459: "Aggregate Operation Not Allowed",
    460: "Only Aggregate Operation Allowed",
    461: "Unsupported Transport",
    462: "Destination Unreachable",
    505: "RTSP Version Not Supported",
    551: "Option Not Supported",
}
"""Reasons that HTTP has not, or words otherwise (RFC 2326 §7.1.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request; header names in lower case, repeated headers joined by a comma."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    version: str = _VERSION

    @property
    def path(self) -> str:
        """Path of the URL, decoded, without a slash at the end."""
        return unquote(urlsplit(self.url).path).rstrip("/")

    def to_bytes(self) -> bytes:
        """As sent."""
        return _written(f"{self.method} {self.url} {self.version}", self.headers.items(), self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response; ``headers`` are pairs, since one name may come twice (``WWW-Authenticate``)."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def reason(self) -> str:
        """The words after the status; for one that no RFC knows, those of its class."""
        known = {status.value: status.phrase for status in HTTPStatus} | _REASONS
        return known.get(self.status) or known[self.status // 100 * 100]

    def header(self, name: str) -> str:
        """The first value of that header, or an empty text."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def with_headers(self, *headers: tuple[str, str]) -> Response:
        """The same response with these headers in front."""
        return Response(status=self.status, headers=(*headers, *self.headers), body=self.body)

    def to_bytes(self) -> bytes:
        """As sent."""
        return _written(f"{_VERSION} {self.status} {self.reason}", self.headers, self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterleavedFrame:
    """An RTP or RTCP packet inside the RTSP connection."""

    channel: int
    data: bytes

    def to_bytes(self) -> bytes:
        """As sent."""
        return bytes((_INTERLEAVED, self.channel)) + len(self.data).to_bytes(2, "big") + self.data


Message: TypeAlias = Request | Response | InterleavedFrame


class MessageReader:
    """Cuts a byte stream into messages. After a ``ProtocolViolation`` the stream is lost: close the connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that ``data`` completes; raises ``ProtocolViolation`` for what is not RTSP."""
        self._buffer += data
        while (message := self._next()) is not None:
            yield message

    def _next(self) -> Message | None:
        if self._buffer[:1] == bytes((_INTERLEAVED,)):
            return self._next_frame()
        blank = len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))
        del self._buffer[:blank]
        if blank and self._buffer[:1] == bytes((_INTERLEAVED,)):
            return self._next_frame()
        return self._next_text()

    def _next_frame(self) -> InterleavedFrame | None:
        if len(self._buffer) < _FRAME_HEAD_BYTES:
            return None
        end = _FRAME_HEAD_BYTES + int.from_bytes(self._buffer[2:4], "big")
        if len(self._buffer) < end:
            return None
        frame = InterleavedFrame(channel=self._buffer[1], data=bytes(self._buffer[_FRAME_HEAD_BYTES:end]))
        del self._buffer[:end]
        return frame

    def _next_text(self) -> Request | Response | None:
        found = _HEAD_END.search(self._buffer, 0, MAX_HEAD_BYTES)
        if found is None:
            if len(self._buffer) >= MAX_HEAD_BYTES:
                raise ProtocolViolation(f"an RTSP head is longer than {MAX_HEAD_BYTES} bytes")
            return None
        start_line, headers = _parsed_head(bytes(self._buffer[: found.start()]))
        end = found.end() + _body_length(headers)
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[found.end() : end])
        del self._buffer[:end]
        return _message(start_line, headers, body)


def parse_parameters(text: str) -> dict[str, str]:
    """``a=1;b="x y";c`` as a mapping with names in lower case (Transport, Session)."""
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs if name.strip()}


def _parsed_head(head: bytes) -> tuple[list[str], list[tuple[str, str]]]:
    try:
        first, *lines = head.decode("utf-8").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise ProtocolViolation("an RTSP head is not UTF-8") from error
    headers: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in {" ", "\t"} and headers:
            name, value = headers.pop()
            headers.append((name, f"{value} {line.strip()}".strip()))
            continue
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name.strip()):
            raise ProtocolViolation("an RTSP header line has no name")
        headers.append((name.strip(), value.strip()))
    return first.split(" "), headers


def _body_length(headers: Iterable[tuple[str, str]]) -> int:
    lengths = {value for name, value in headers if name.lower() == "content-length"}
    if not lengths:
        return 0
    text = lengths.pop()
    if lengths or not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > MAX_BODY_BYTES:
        raise ProtocolViolation("an RTSP Content-Length is not a number that is accepted")
    return int(text)


def _message(start_line: list[str], headers: list[tuple[str, str]], body: bytes) -> Request | Response:
    if len(start_line) < _START_LINE_PARTS:
        raise ProtocolViolation("an RTSP start line has fewer than three parts")
    if start_line[0].startswith("RTSP/"):
        if not (start_line[1].isascii() and re.fullmatch(r"[1-5]\d\d", start_line[1])):
            raise ProtocolViolation("an RTSP status is not a number")
        return Response(status=int(start_line[1]), headers=tuple(headers), body=body)
    method, url, version = start_line[0], start_line[1], start_line[-1]
    if len(start_line) > _START_LINE_PARTS or not _TOKEN.fullmatch(method) or not version.startswith("RTSP/"):
        raise ProtocolViolation("an RTSP request line is not METHOD URL RTSP/1.0")
    _require_url(url)
    joined: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return Request(method=method, url=url, headers=joined, body=body, version=version)


def _require_url(url: str) -> None:
    try:
        urlsplit(url)
    except ValueError as error:
        raise ProtocolViolation("an RTSP request has an URL that cannot be read") from error


def _written(start_line: str, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    lines = [start_line, *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
