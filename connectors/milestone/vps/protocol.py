"""The Video Processing Service protocol: what XProtect's VPS driver and a service say to each other.

The driver dials; every WebSocket message is one binary message: type u16, version u16, payload length u32 (big-endian),
then the payload. 1 configuration (the "Service parameters", UTF-8, driver → us), 2 media (GenericByteData, both ways),
3 metadata (ms since the epoch u64, then ONVIF XML, us → driver), 4 event (us → driver, version 2: ms u64, source and
event GUID in Microsoft's byte order, name length u16, ASCII name, custom bytes). Which event GUIDs a driver takes is
unverified. Source: Milestone's VPS toolkit, ``VPS-Protocol.md``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from uuid import UUID

from core.errors import ProtocolViolation

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""No single encoded picture of a camera is larger."""

_HEADER: Final = struct.Struct(">HHI")
_MILLISECONDS: Final = struct.Struct(">Q")
_EVENT: Final = struct.Struct(">Q16s16sH")
_VERSION: Final = 1
_EVENT_VERSION: Final = 2


class MessageType(IntEnum):
    """What a message holds."""

    CONFIGURATION = 1
    MEDIA = 2
    METADATA = 3
    EVENT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The "Service parameters" that an administrator typed in Management Client."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A block of GenericByteData."""

    block: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """ONVIF XML of the frame that was captured at ``milliseconds`` since the epoch."""

    milliseconds: int
    document: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at ``milliseconds`` since the epoch."""

    milliseconds: int
    source: UUID
    event: UUID
    name: str
    custom: bytes = b""


def encode(message: Configuration | Media | Metadata | Event) -> bytes:
    """One whole WebSocket message. ``ValueError`` for an event's name that is not ASCII or a time before the epoch."""
    kind, payload = _payload(message)
    version = _EVENT_VERSION if kind is MessageType.EVENT else _VERSION
    return _HEADER.pack(kind, version, len(payload)) + payload


def decode(message: bytes) -> Configuration | Media | Metadata | Event:
    """One whole WebSocket message. Raises ``ProtocolViolation`` for anything that is not exactly one."""
    if len(message) < _HEADER.size:
        raise ProtocolViolation(f"a VPS message of {len(message)} bytes is shorter than its header")
    kind, version, length = _HEADER.unpack_from(message)
    payload = message[_HEADER.size :]
    if version not in {_VERSION, _EVENT_VERSION}:
        raise ProtocolViolation(f"a VPS message has version {version}; 1 and 2 are known")
    if length != len(payload):
        raise ProtocolViolation(f"a VPS message says {length} bytes where {len(payload)} are")
    if kind == MessageType.CONFIGURATION:
        # "Not necessarily null terminated", says the protocol: so it may be.
        return Configuration(text=_text(payload.rstrip(b"\x00"), "utf-8", "configuration"))
    if kind == MessageType.MEDIA:
        return Media(block=payload)
    if kind == MessageType.METADATA:
        return _metadata(payload)
    if kind == MessageType.EVENT:
        return _event(payload, version)
    raise ProtocolViolation(f"a VPS message is of unknown type {kind}")


def _payload(message: Configuration | Media | Metadata | Event) -> tuple[MessageType, bytes]:
    if isinstance(message, Configuration):
        return MessageType.CONFIGURATION, message.text.encode()
    if isinstance(message, Media):
        return MessageType.MEDIA, message.block
    if isinstance(message, Metadata):
        return MessageType.METADATA, _milliseconds(message.milliseconds) + message.document
    name = message.name.encode("ascii")
    _milliseconds(message.milliseconds)
    head = _EVENT.pack(message.milliseconds, message.source.bytes_le, message.event.bytes_le, len(name))
    return MessageType.EVENT, head + name + message.custom


def _milliseconds(value: int) -> bytes:
    if value < 0:
        raise ValueError(f"{value} ms is before the epoch")
    return _MILLISECONDS.pack(value)


def _metadata(payload: bytes) -> Metadata:
    if len(payload) < _MILLISECONDS.size:
        raise ProtocolViolation("a VPS metadata message ends within its timestamp")
    (milliseconds,) = _MILLISECONDS.unpack_from(payload)
    return Metadata(milliseconds=milliseconds, document=payload[_MILLISECONDS.size :])


def _event(payload: bytes, version: int) -> Event:
    if version != _EVENT_VERSION:
        raise ProtocolViolation(f"a VPS event has version {version}; events need {_EVENT_VERSION}")
    if len(payload) < _EVENT.size:
        raise ProtocolViolation("a VPS event ends within its header")
    milliseconds, source, event, length = _EVENT.unpack_from(payload)
    name, custom = payload[_EVENT.size : _EVENT.size + length], payload[_EVENT.size + length :]
    if len(name) != length:
        raise ProtocolViolation("a VPS event ends within its name")
    return Event(
        milliseconds=milliseconds,
        source=UUID(bytes_le=source),
        event=UUID(bytes_le=event),
        name=_text(name, "ascii", "event name"),
        custom=custom,
    )


def _text(data: bytes, encoding: str, what: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ProtocolViolation(f"a VPS {what} is not {encoding}") from error
