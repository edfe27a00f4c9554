"""The body of an event stream, line by line: boundary, head, one line of JSON (Genetec's public sample EventsMonitor).

``ConnectionId:`` comes first; each part starts with ``--GENETECBOUNDARY`` and a ``Content-type``; ``text/plain`` parts are
housekeeping; blank lines mean nothing. What is neither is a ``ProtocolViolation``. That a part's head has no more lines than
that one is not said anywhere: others that begin with ``Content-`` are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, TypeAlias

from core.errors import ProtocolViolation
from core.redaction import redact

BOUNDARY: Final = "--GENETECBOUNDARY"
"""In any case, as the sample compares it."""

MAX_LINE_BYTES: Final = 1024 * 1024
"""Of an event that is all text; the longest known text of ours has some hundred bytes."""

_CONNECTION: Final = "connectionid:"
_HEAD: Final = "content-type"
_MORE_HEAD: Final = "content-"
_HOUSEKEEPING: Final = "text/plain"
_EVENTS: Final = "text/json"
_LONGEST_ID: Final = 100
_EXCERPT: Final = 80


@dataclass(frozen=True, slots=True)
class Opened:
    """The stream's name, which is its first line."""

    connection_id: str


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """The other side lives."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event: what stands under ``Rsp.Result``."""

    result: Mapping[str, Any]


Part: TypeAlias = Opened | KeepAlive | Message


class _Within(Enum):
    BEGINNING = auto()
    HEAD = auto()
    BODY = auto()


class PartParser:
    """Takes bytes as they come, in any pieces. After an error it is of no more use."""

    def __init__(self) -> None:
        self._rest = b""
        self._within = _Within.BEGINNING
        self._content_type = ""

    def feed(self, data: bytes) -> Iterator[Part]:
        """The parts that these bytes complete. Raises ``ProtocolViolation``."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield from self._line(_text(line))
        if len(self._rest) > MAX_LINE_BYTES:
            raise ProtocolViolation(f"event stream: a line of more than {MAX_LINE_BYTES} bytes")

    def _line(self, line: str) -> Iterator[Part]:
        if not line:
            return
        if line.upper() == BOUNDARY:
            self._within = _Within.HEAD
        elif self._within is _Within.BEGINNING or line.lower().startswith(_CONNECTION):
            yield _opened(line)
        elif self._within is _Within.HEAD:
            self._content_type = _content_type(line)
            self._within = _Within.BODY
        elif line.lower().startswith(_MORE_HEAD):
            return
        elif self._content_type == _HOUSEKEEPING:
            yield KeepAlive()
        elif self._content_type == _EVENTS:
            yield from _messages(line)
        else:
            raise ProtocolViolation(f"event stream: {_cut(self._content_type)!r} was not asked for")


def _text(line: bytes) -> str:
    if len(line) > MAX_LINE_BYTES:
        raise ProtocolViolation(f"event stream: a line of more than {MAX_LINE_BYTES} bytes")
    try:
        return line.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ProtocolViolation("event stream: a line is not UTF-8") from error


def _opened(line: str) -> Opened:
    connection_id = line[len(_CONNECTION) :].strip()
    if not line.lower().startswith(_CONNECTION) or not 0 < len(connection_id) <= _LONGEST_ID:
        raise ProtocolViolation(f"event stream: it begins with {_cut(line)!r}")
    return Opened(connection_id)


def _content_type(line: str) -> str:
    name, colon, value = line.partition(":")
    if not colon or name.strip().lower() != _HEAD:
        raise ProtocolViolation(f"event stream: a part begins with {_cut(line)!r}")
    return value.partition(";")[0].strip().lower()


def _messages(line: str) -> Iterator[Message]:
    try:
        envelope = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation(f"event stream: not JSON: {_cut(line)!r}") from error
    inside = envelope.get("Rsp") if isinstance(envelope, dict) else None
    result = inside.get("Result") if isinstance(inside, dict) else None
    found = result if isinstance(result, list) else [result]
    if not found or not all(isinstance(item, dict) for item in found):
        raise ProtocolViolation(f"event stream: not an event: {_cut(line)!r}")
    yield from map(Message, found)


def _cut(text: str) -> str:
    return redact(text)[:_EXCERPT]
