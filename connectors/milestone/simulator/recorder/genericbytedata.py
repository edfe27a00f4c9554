"""GenericByteData: the header in front of each encoded picture that a recorder sends.

Source: notes §3.3 (the VPS toolkit's ``GenericByteData.h`` and Milestone's page on the format). Big-endian, 32 bytes.
"""

from __future__ import annotations

import struct

from connectors.milestone.simulator.site import milliseconds
from connectors.protocols.clips import ClipCodec
from connectors.protocols.live import LivePacket

_HEADER = struct.Struct(">HIHHHQQI")
_VIDEO = 0x0010
_CODECS: dict[ClipCodec, int] = {"mjpeg": 0x0001, "h264": 0x000A, "hevc": 0x000E}
_SYNC_FRAME = 0x0001


def wrap(packet: LivePacket, codec: ClipCodec) -> bytes:
    """One picture as a video stream packet."""
    return (
        _HEADER.pack(
            _VIDEO,
            _HEADER.size + len(packet.data),
            _CODECS[codec],
            packet.sequence % 2**16,
            _SYNC_FRAME if packet.is_key else 0,
            milliseconds(packet.gop_captured_at),
            milliseconds(packet.captured_at),
            0,
        )
        + packet.data
    )
