from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.milestone.video.genericbytedata import VideoFrame, parse
from core.errors import ProtocolViolation, VmsError, VmsRefused
from tests.connectors.milestone.support import unpack_video_header, video_packet

NAL = b"\x00\x00\x00\x01\x67\x42\x00\x1e"
AT_MS = 1_763_632_923_456


def wrapped(*packets: bytes) -> bytes:
    inner = b"".join(packets)
    return b"\xfe\xf0" + (16 + len(inner)).to_bytes(4, "big") + b"\xaa" * 10 + inner


def other_packet(kind: int, payload: bytes = b"sound") -> bytes:
    return kind.to_bytes(2, "big") + (6 + len(payload)).to_bytes(4, "big") + payload


def test_the_header_composed_for_these_tests_has_the_published_layout() -> None:
    header = unpack_video_header(video_packet(NAL, at_ms=AT_MS, sequence=7))
    assert header == (0x0010, 32 + len(NAL), 0x000A, 7, 1, AT_MS, AT_MS, 0)


@pytest.mark.parametrize(("codec", "name"), [(0x0001, "mjpeg"), (0x000A, "h264"), (0x000E, "hevc")])
def test_a_video_packet_becomes_a_frame_with_its_own_time(codec: int, name: str) -> None:
    (frame,) = parse(video_packet(NAL, at_ms=AT_MS, codec=codec, sequence=7))
    assert frame == VideoFrame(codec=name, captured_at=1_763_632_923.456, is_key=True, sequence=7, data=NAL)


def test_the_frames_time_is_taken_and_not_that_of_its_key_frame() -> None:
    packet = bytearray(video_packet(NAL, at_ms=AT_MS, is_key=False))
    packet[12:20] = (AT_MS - 2000).to_bytes(8, "big")
    (frame,) = parse(bytes(packet))
    assert frame.captured_at == 1_763_632_923.456
    assert not frame.is_key


def test_every_jpeg_picture_is_a_key_frame() -> None:
    (frame,) = parse(video_packet(b"\xff\xd8", at_ms=AT_MS, codec=0x0001, is_key=False))
    assert frame.is_key


def test_a_wrapper_gives_its_frames_in_order_and_passes_over_sound_and_metadata() -> None:
    block = wrapped(
        video_packet(b"one", at_ms=AT_MS),
        other_packet(0x0020),
        other_packet(0x0030),
        video_packet(b"two", at_ms=AT_MS + 40, is_key=False),
    )
    assert [frame.data for frame in parse(block)] == [b"one", b"two"]


def test_packets_may_follow_each_other_without_a_wrapper() -> None:
    block = video_packet(b"one", at_ms=AT_MS) + video_packet(b"two", at_ms=AT_MS + 40)
    assert [frame.data for frame in parse(block)] == [b"one", b"two"]


@pytest.mark.parametrize("kind", [0x0001, 0x0002, 0x000F])
def test_the_legacy_video_block_is_named_as_such(kind: int) -> None:
    with pytest.raises(ProtocolViolation, match="legacy video block"):
        parse(kind.to_bytes(2, "big") + b"\0" * 40)


@pytest.mark.parametrize(
    ("codec", "name"), [(0x0004, "MPEG-4"), (0x000F, "AV1"), (0x0080, "MxPEG"), (0x0BAD, "codec 0x0BAD")]
)
def test_a_codec_that_is_not_analysed_is_refused_by_name(codec: int, name: str) -> None:
    with pytest.raises(VmsRefused, match=name) as caught:
        parse(video_packet(NAL, at_ms=AT_MS, codec=codec))
    assert "H.264" in caught.value.remedy


@pytest.mark.parametrize(
    "block",
    [
        b"\x00",
        b"\x00\x10\x00\x00\x00",
        video_packet(NAL, at_ms=AT_MS)[:-1],
        b"\x00\x10\x00\x00\x00\x1f" + b"\0" * 40,
        b"\x00\x10\xff\xff\xff\xff" + b"\0" * 40,
        b"\x12\x34\x00\x00\x00\x06",
        b"\xfe\xf0\x00\x00\x00\x0f" + b"\0" * 9,
        wrapped(wrapped(video_packet(NAL, at_ms=AT_MS))),
        video_packet(NAL, at_ms=AT_MS) + b"\0",
        b"\x00\x20\x00\x00\x00\x00",
    ],
    ids=["one byte", "half head", "cut", "too short", "too long", "unknown", "short wrapper", "nested", "tail", "zero"],
)
def test_a_malformed_block_is_a_protocol_violation(block: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        parse(block)


def test_an_empty_block_holds_nothing() -> None:
    assert parse(b"") == []


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise_anything_but_the_known_errors(block: bytes) -> None:
    with contextlib.suppress(VmsError):
        parse(block)


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=50), st.integers(0, 2**45), st.booleans()), max_size=5), st.booleans())
def test_what_is_packed_is_what_is_parsed(frames: list[tuple[bytes, int, bool]], use_wrapper: bool) -> None:
    packets = [video_packet(data, at_ms=at_ms, is_key=is_key) for data, at_ms, is_key in frames]
    block = wrapped(*packets) if use_wrapper else b"".join(packets)
    found = [(frame.data, round(frame.captured_at * 1000), frame.is_key) for frame in parse(block)]
    assert found == frames
