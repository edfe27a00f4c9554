"""RTP packets (RFC 3550) of H.264 (RFC 6184, packetization-mode 1), H.265 (RFC 7798, without DONL) and ONVIF metadata.

Metadata documents are cut anywhere; the marker is on the last packet of a document (SPEC:Streaming "RTP for Metadata
stream").
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterable, Iterator, Sequence

from connectors.protocols.clips import ClipCodec, nal_units
from core.types import UtcSeconds

CLOCK_RATE = 90_000
VIDEO_PAYLOAD_TYPE = 96
METADATA_PAYLOAD_TYPE = 107
MAX_PAYLOAD_BYTES = 1400
"""Below the usual MTU with room for RTP, UDP and IPv6 heads."""

_WRAP_32 = 0xFFFFFFFF
_WRAP_16 = 0xFFFF
_MARKER = 0x80
_VERSION_2 = 0x80
_STAP_A, _FU_A = 24, 28
_HEVC_AP, _HEVC_FU = 48, 49
_FU_START, _FU_END = 0x80, 0x40


class RtpStream:
    """One RTP stream: its source id, its count, and its clock, which runs with UTC from a random start."""

    def __init__(self, payload_type: int) -> None:
        self.ssrc = secrets.randbits(32)
        self.packets_sent = 0
        self.octets_sent = 0
        self._payload_type = payload_type
        self._sequence = secrets.randbits(15)
        self._clock_start = secrets.randbits(32)

    @property
    def next_sequence(self) -> int:
        """Sequence number of the next packet."""
        return self._sequence

    def timestamp(self, moment: UtcSeconds) -> int:
        """The stream's RTP time at a moment."""
        return (self._clock_start + round(moment * CLOCK_RATE)) & _WRAP_32

    def packets(self, payloads: Sequence[bytes], captured_at: UtcSeconds) -> Iterator[bytes]:
        """The RTP packets of one picture or document; the last one carries the marker."""
        timestamp = self.timestamp(captured_at)
        for index, payload in enumerate(payloads):
            marker = _MARKER if index == len(payloads) - 1 else 0
            kind = marker | self._payload_type
            yield struct.pack(">BBHII", _VERSION_2, kind, self._sequence, timestamp, self.ssrc) + payload
            self._sequence = (self._sequence + 1) & _WRAP_16
            self.packets_sent += 1
            self.octets_sent += len(payload)


def payloads_of(data: bytes, codec: ClipCodec, limit: int = MAX_PAYLOAD_BYTES) -> Iterator[bytes]:
    """RTP payloads of one picture: small NAL units together, large ones in fragments, each at most ``limit`` bytes."""
    together: list[bytes] = []
    for unit in nal_units(data):
        if together and _aggregate_size([*together, unit], codec) > limit:
            yield _aggregate(together, codec)
            together = []
        if len(unit) > limit:
            yield from _fragments(unit, codec, limit)
        else:
            together.append(unit)
    if together:
        yield _aggregate(together, codec)


def fragments_of(document: bytes, limit: int = MAX_PAYLOAD_BYTES) -> list[bytes]:
    """RTP payloads of one metadata document."""
    return [document[start : start + limit] for start in range(0, len(document), limit)]


def _aggregate_size(units: Iterable[bytes], codec: ClipCodec) -> int:
    return (1 if codec == "h264" else 2) + sum(2 + len(unit) for unit in units)


def _aggregate(units: list[bytes], codec: ClipCodec) -> bytes:
    if len(units) == 1:
        return units[0]
    body = b"".join(struct.pack(">H", len(unit)) + unit for unit in units)
    if codec == "h264":
        importance = max(unit[0] & 0x60 for unit in units)
        return bytes((importance | _STAP_A,)) + body
    layer = min(unit[1] >> 3 for unit in units)
    temporal = min(unit[1] & 7 for unit in units)
    return bytes((_HEVC_AP << 1, layer << 3 | temporal)) + body


def _fragments(unit: bytes, codec: ClipCodec, limit: int) -> Iterator[bytes]:
    if codec == "h264":
        head, kind, body = bytes((unit[0] & 0xE0 | _FU_A,)), unit[0] & 0x1F, memoryview(unit)[1:]
    else:
        head, kind, body = bytes((unit[0] & 0x81 | _HEVC_FU << 1, unit[1])), unit[0] >> 1 & 0x3F, memoryview(unit)[2:]
    room = limit - len(head) - 1
    for start in range(0, len(body), room):
        edge = (_FU_START if start == 0 else 0) | (_FU_END if start + room >= len(body) else 0)
        yield head + bytes((edge | kind,)) + body[start : start + room]
