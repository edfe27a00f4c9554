"""GenericByteData: how a recording server packs an encoded picture. Big-endian.

A video packet has a 32-byte header: data type u16 (0x0010), length u32 with header, codec u16, sequence u16, flags u16
(bit 0: key frame), key-frame time u64 ms, frame time u64 ms, reserved u32. A wrapper (0xFEF0, 16 bytes) holds inner
packets. The content of the wrapper's header beyond type and length is unverified and not read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from core.errors import ProtocolViolation, VmsRefused
from core.types import UtcSeconds

_COMMON = struct.Struct(">HI")
_VIDEO = struct.Struct(">HIHHHQQI")
_WRAPPER_BYTES = 16
_LEGACY_TYPES = range(0x0001, 0x0010)
_KEY_FRAME = 0x0001
_MS = 1000.0


class DataType(IntEnum):
    """What a packet holds."""

    VIDEO = 0x0010
    AUDIO = 0x0020
    METADATA = 0x0030
    WRAPPER = 0xFEF0


_CODECS = {0x0001: "mjpeg", 0x000A: "h264", 0x000E: "hevc"}
_UNSUPPORTED = {
    0x0004: "MPEG-4",
    0x0005: "MPEG-4",
    0x0006: "MPEG-4",
    0x000B: "MPEG-4",
    0x0007: "H.263",
    0x0009: "H.263",
    0x000C: "VC-1",
    0x000F: "AV1",
    0x0080: "MxPEG",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFrame:
    """One encoded picture. ``codec`` is FFmpeg's name; H.264 and H.265 are Annex B."""

    codec: str
    captured_at: UtcSeconds
    is_key: bool
    sequence: int
    data: bytes


def parse(block: bytes) -> list[VideoFrame]:
    """The video frames of a block, in its order; audio and metadata packets are passed over.

    Raises ``ProtocolViolation`` for a malformed or legacy block, ``VmsRefused`` for a codec that is not analysed.
    """
    return list(_frames(memoryview(block), is_inner=False))


def _frames(block: memoryview, *, is_inner: bool) -> Iterator[VideoFrame]:
    offset = 0
    while offset < len(block):
        kind, length = _head(block[offset:])
        packet = block[offset : offset + length]
        if kind == DataType.VIDEO:
            yield _video(packet)
        elif kind == DataType.WRAPPER and not is_inner:
            yield from _frames(packet[_WRAPPER_BYTES:], is_inner=True)
        elif kind not in {DataType.AUDIO, DataType.METADATA}:
            raise ProtocolViolation(f"recorder data of unknown type 0x{kind:04X}")
        offset += length


def _head(packet: memoryview) -> tuple[int, int]:
    if len(packet) < _COMMON.size:
        raise ProtocolViolation(f"recorder data ends within a packet header ({len(packet)} bytes left)")
    kind, length = _COMMON.unpack_from(packet)
    if kind in _LEGACY_TYPES:
        raise ProtocolViolation(
            f"the recorder sends the legacy video block format (type {kind}), which is not supported",
            remedy="It belongs to old recordings and old drivers: update the camera's device pack.",
        )
    least = {DataType.VIDEO: _VIDEO.size, DataType.WRAPPER: _WRAPPER_BYTES}.get(kind, _COMMON.size)
    if not least <= length <= len(packet):
        raise ProtocolViolation(f"a packet of type 0x{kind:04X} says {length} bytes where {len(packet)} are")
    return kind, length


def _video(packet: memoryview) -> VideoFrame:
    _, _, codec, sequence, flags, _, frame_ms, _ = _VIDEO.unpack_from(packet)
    if codec not in _CODECS:
        raise VmsRefused(
            f"the camera streams {_UNSUPPORTED.get(codec, f'codec 0x{codec:04X}')}, which is not analysed",
            remedy="Management Client → camera → Settings: choose H.264, H.265 or MJPEG for the live stream.",
        )
    return VideoFrame(
        codec=_CODECS[codec],
        captured_at=frame_ms / _MS,
        is_key=bool(flags & _KEY_FRAME) or _CODECS[codec] == "mjpeg",
        sequence=sequence,
        data=bytes(packet[_VIDEO.size :]),
    )
