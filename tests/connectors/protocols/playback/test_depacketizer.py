from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.protocols.clips import ClipCodec, nal_type, nal_units
from connectors.protocols.playback import depacketizer as tested
from connectors.protocols.playback.depacketizer import Depacketizer, EncodedPicture, RtpPacket
from connectors.protocols.rtsp.rtp import RtpStream, payloads_of
from core.errors import ProtocolViolation

pytestmark = pytest.mark.slow

KEYS: dict[ClipCodec, bytes] = {"h264": b"\x65", "hevc": b"\x26\x01"}
OTHERS: dict[ClipCodec, bytes] = {"h264": b"\x41", "hevc": b"\x02\x01"}
SETS: dict[ClipCodec, tuple[bytes, ...]] = {
    "h264": (b"\x67\x01", b"\x68\x02"),
    "hevc": (b"\x40\x01\x03", b"\x42\x01\x04", b"\x44\x01\x05"),
}
CODECS: tuple[ClipCodec, ...] = ("h264", "hevc")


def _annex_b(*units: bytes) -> bytes:
    return b"".join(b"\0\0\0\1" + unit for unit in units)


def _units(codec: ClipCodec) -> st.SearchStrategy[list[bytes]]:
    body = st.binary(min_size=1, max_size=400).map(lambda data: data.replace(b"\0", b"\1"))
    heads = st.sampled_from([KEYS[codec], OTHERS[codec], *(unit[: len(KEYS[codec])] for unit in SETS[codec])])
    return st.lists(st.tuples(heads, body).map(b"".join), min_size=1, max_size=6)


def _put_together(codec: ClipCodec, packets: list[RtpPacket], sets: tuple[bytes, ...] = ()) -> list[EncodedPicture]:
    depacketizer = Depacketizer(codec=codec, parameter_sets=sets)
    return [picture for packet in packets for picture in depacketizer.feed(packet)]


def _packet(payload: bytes, *, timestamp: int = 0, is_last: bool = True) -> RtpPacket:
    return RtpPacket(payload_type=96, is_last=is_last, timestamp=timestamp, payload=payload)


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.data(), limit=st.integers(16, 200))
def test_what_the_server_cut_up_is_put_together_again(codec: ClipCodec, data: st.DataObject, limit: int) -> None:
    pictures = data.draw(st.lists(_units(codec), min_size=1, max_size=4))
    stream = RtpStream(96)
    sent = [
        packet
        for index, units in enumerate(pictures)
        for packet in stream.packets(list(payloads_of(_annex_b(*units), codec, limit)), index / 25)
    ]
    found = _put_together(codec, [RtpPacket.parse(packet) for packet in sent])
    assert [list(nal_units(picture.data)) for picture in found] == pictures
    assert [picture.timestamp for picture in found] == [stream.timestamp(index / 25) for index in range(len(pictures))]
    key = nal_type(KEYS[codec], codec)
    assert [picture.is_key for picture in found] == [
        any(nal_type(unit, codec) == key for unit in units) for units in pictures
    ]


@pytest.mark.parametrize("codec", CODECS)
def test_a_key_frame_that_brings_no_parameter_sets_gets_the_described_ones(codec: ClipCodec) -> None:
    key, other = KEYS[codec] + b"\x88\x88", OTHERS[codec] + b"\x99"
    own = SETS[codec][-1] + b"\x77"
    first, second, third = _put_together(
        codec,
        [
            _packet(key),
            _packet(other, timestamp=1),
            _packet(own, timestamp=2, is_last=False),
            _packet(key, timestamp=2),
        ],
        SETS[codec],
    )
    assert list(nal_units(first.data)) == [*SETS[codec], key]
    assert list(nal_units(second.data)) == [other]
    assert list(nal_units(third.data)) == [own, key]


def test_a_picture_without_a_marker_ends_where_the_next_begins() -> None:
    packets = [_packet(b"\x65\x01", timestamp=1, is_last=False), _packet(b"\x41\x02", timestamp=2)]
    assert [picture.timestamp for picture in _put_together("h264", packets)] == [1, 2]


@pytest.mark.parametrize(
    ("payloads", "expected"),
    [
        pytest.param([b"\x7c\x05\xaa", b"\x7c\x45\xbb", b"\x41\x01"], [b"\x41\x01"], id="fragments without a start"),
        pytest.param([b"\x7c\x85\xaa", b"\x41\x01", b"\x7c\x45\xbb"], [b"\x41\x01"], id="a fragment cut short"),
        pytest.param([b"\x7c\x85\xaa", b"\x7c\x85\xbb", b"\x7c\x45\xcc"], [b"\x65\xbb\xcc"], id="begun twice"),
        pytest.param([b"\x78\x00\x02\x41\x01\x00\x09\x41"], [b"\x41\x01"], id="an aggregate cut short"),
        pytest.param([b"\x78\x00\x00\x00\x02\x41\x01"], [b"\x41\x01"], id="an empty part"),
        pytest.param([b"", b"\x7c", b"\x78"], [], id="heads alone"),
    ],
)
def test_what_is_cut_short_is_left_out(payloads: list[bytes], expected: list[bytes]) -> None:
    packets = [_packet(payload, is_last=index == len(payloads) - 1) for index, payload in enumerate(payloads)]
    pictures = _put_together("h264", packets)
    assert [unit for picture in pictures for unit in nal_units(picture.data)] == expected


@pytest.mark.parametrize("payload", [b"\x7c\x85" + bytes(60), b"\x7c\x05" + bytes(60), b"\x41" + bytes(60)])
def test_a_picture_without_end_is_refused(monkeypatch: pytest.MonkeyPatch, payload: bytes) -> None:
    monkeypatch.setattr(tested, "MAX_PICTURE_BYTES", 1000)
    with pytest.raises(ProtocolViolation, match="larger than 1000 bytes"):
        _put_together("h264", [_packet(payload, is_last=False)] * 20)


def test_extension_contributors_and_padding_are_no_payload() -> None:
    head = struct.pack(">BBHII", 0x80 | 0x20 | 0x10 | 2, 0x80 | 96, 7, 1234, 1)
    extension = struct.pack(">HHI", 0xABAC, 1, 0)
    packet = RtpPacket.parse(head + bytes(8) + extension + b"\x65\x01" + b"\0\0\3")
    assert packet == _packet(b"\x65\x01", timestamp=1234)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(12),
        b"\x80" * 11,
        b"\x83" + bytes(11),
        b"\x90" + bytes(12),
        b"\x90" + bytes(13) + b"\xff\xff",
        b"\xa0" + bytes(11) + b"\xff",
    ],
)
def test_what_is_no_rtp_is_told(data: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        RtpPacket.parse(data)


@pytest.mark.parametrize("codec", CODECS)
@given(packets=st.lists(st.binary(max_size=40).map(lambda rest: b"\x80\x60\x00\x01" + bytes(8) + rest), max_size=8))
def test_any_packets_are_pictures_or_told(codec: ClipCodec, packets: list[bytes]) -> None:
    for picture in _put_together(codec, [RtpPacket.parse(packet) for packet in packets]):
        assert picture.data.startswith(b"\0\0\0\1")
