from __future__ import annotations

import struct

import pytest

from connectors.milestone.simulator.recorder.genericbytedata import wrap
from connectors.protocols.clips import ClipCodec
from connectors.protocols.live import LivePacket


@pytest.mark.parametrize(("codec", "number"), [("h264", 0x000A), ("hevc", 0x000E)])
@pytest.mark.parametrize(("is_key", "flags"), [(True, 1), (False, 0)])
def test_the_header_is_the_documented_one(codec: ClipCodec, number: int, is_key: bool, flags: int) -> None:
    packet = LivePacket(
        data=b"picture",
        captured_at=1761587738.0404,
        gop_captured_at=1761587738.0,
        is_key=is_key,
        sequence=65_536 + 7,
    )
    wrapped = wrap(packet, codec)
    assert struct.unpack_from(">HIHHHQQI", wrapped) == (
        0x0010,
        len(wrapped),
        number,
        7,
        flags,
        1761587738000,
        1761587738040,
        0,
    )
    assert wrapped[32:] == b"picture"
