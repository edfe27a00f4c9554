"""Pictures out of RTP packets: H.264 (RFC 6184, packetization modes 0 and 1) and H.265 (RFC 7798, without DONL)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from connectors.protocols.clips import ClipCodec, nal_type
from core.errors import ProtocolViolation

_HEAD: Final = struct.Struct(">BBHII")
_VERSION_2: Final = 2
_PADDING, _EXTENSION, _CONTRIBUTORS, _MARKER = 0x20, 0x10, 0x0F, 0x80
_START_CODE: Final = b"\x00\x00\x00\x01"
_STAP_A, _FU_A = 24, 28
_HEVC_AP, _HEVC_FU = 48, 49
_FU_START, _FU_END = 0x80, 0x40
_KEY_TYPES: Final[dict[ClipCodec, frozenset[int]]] = {"h264": frozenset({5}), "hevc": frozenset(range(16, 22))}
_PARAMETER_SETS: Final[dict[ClipCodec, frozenset[int]]] = {"h264": frozenset({7, 8}), "hevc": frozenset({32, 33, 34})}
MAX_PICTURE_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpPacket:
    """One RTP packet (RFC 3550 §5.1). ``timestamp`` in ticks of the payload's clock."""

    payload_type: int
    is_last: bool
    timestamp: int
    payload: bytes

    @classmethod
    def parse(cls, data: bytes) -> RtpPacket:
        """Raises ``ProtocolViolation`` for what is no RTP."""
        if len(data) < _HEAD.size or data[0] >> 6 != _VERSION_2:
            raise ProtocolViolation("an RTP packet has no head of version 2")
        first, second, _, timestamp, _ = _HEAD.unpack_from(data)
        start = _HEAD.size + 4 * (first & _CONTRIBUTORS)
        if first & _EXTENSION:
            if len(data) < start + 4:
                raise ProtocolViolation("an RTP packet ends within its head")
            start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
        end = len(data) - (data[-1] if first & _PADDING else 0)
        if start > end:
            raise ProtocolViolation("an RTP packet ends within its head")
        return cls(
            payload_type=second & ~_MARKER,
            is_last=bool(second & _MARKER),
            timestamp=timestamp,
            payload=data[start:end],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPicture:
    """One picture as Annex B, parameter sets in front of key frames. ``timestamp``: RTP time, 32 bits."""

    data: bytes
    timestamp: int
    is_key: bool


@dataclass(slots=True)
class Depacketizer:
    """Puts the packets of one stream together, which must come in order. What is cut short is left out."""

    codec: ClipCodec
    parameter_sets: Sequence[bytes] = ()
    """From the session description; used for key frames that bring none of their own."""
    _units: list[bytes] = field(default_factory=list)
    _size: int = 0
    _fragment: bytearray = field(default_factory=bytearray)
    _timestamp: int | None = None

    def feed(self, packet: RtpPacket) -> Iterator[EncodedPicture]:
        """The pictures that this packet completes. Raises ``ProtocolViolation`` for one larger than we take."""
        if self._timestamp is not None and packet.timestamp != self._timestamp:
            yield from self._picture()
        self._timestamp = packet.timestamp
        self._take(packet.payload)
        if packet.is_last:
            yield from self._picture()

    def _picture(self) -> Iterator[EncodedPicture]:
        units, timestamp = self._units, self._timestamp
        self._units, self._size, self._timestamp = [], 0, None
        self._fragment.clear()
        if not units or timestamp is None:
            return
        kinds = {nal_type(unit, self.codec) for unit in units}
        is_key = bool(kinds & _KEY_TYPES[self.codec])
        if is_key and not kinds & _PARAMETER_SETS[self.codec]:
            units = [*self.parameter_sets, *units]
        data = b"".join(_START_CODE + unit for unit in units)
        yield EncodedPicture(data=data, timestamp=timestamp, is_key=is_key)

    def _take(self, payload: bytes) -> None:
        head = 1 if self.codec == "h264" else 2
        if len(payload) <= head:
            return
        self._size += len(payload)
        if self._size > MAX_PICTURE_BYTES:
            raise ProtocolViolation(f"a picture is larger than {MAX_PICTURE_BYTES} bytes")
        kind = nal_type(payload, self.codec)
        if kind == (_FU_A if self.codec == "h264" else _HEVC_FU):
            self._take_fragment(payload, head)
            return
        self._fragment.clear()
        if kind == (_STAP_A if self.codec == "h264" else _HEVC_AP):
            self._units.extend(_aggregated(payload[head:]))
        else:
            self._units.append(payload)

    def _take_fragment(self, payload: bytes, head: int) -> None:
        edge = payload[head]
        if edge & _FU_START:
            self._fragment[:] = _whole_head(payload, edge, self.codec)
        if not self._fragment:
            return  # its start is missing
        self._fragment += payload[head + 1 :]
        if edge & _FU_END:
            self._units.append(bytes(self._fragment))
            self._fragment.clear()


def _whole_head(payload: bytes, edge: int, codec: ClipCodec) -> bytes:
    """The head of the NAL unit that a fragment belongs to."""
    if codec == "h264":
        return bytes((payload[0] & 0xE0 | edge & 0x1F,))
    return bytes((payload[0] & 0x81 | (edge & 0x3F) << 1, payload[1]))


def _aggregated(data: bytes) -> Iterator[bytes]:
    while len(data) > 2:  # noqa: PLR2004 - bytes of a length
        size = int.from_bytes(data[:2], "big")
        if 0 < size <= len(data) - 2:
            yield data[2 : 2 + size]
        data = data[2 + size :]
