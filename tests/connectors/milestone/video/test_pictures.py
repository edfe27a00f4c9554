from __future__ import annotations

import pytest

from connectors.milestone.video.genericbytedata import VideoFrame
from connectors.milestone.video.imageserver import ImageMessage, MessageReader
from connectors.milestone.video.pictures import frames_of, packet_of
from core.errors import ProtocolViolation, VmsRefused
from tests.connectors.milestone.support import image, video_packet
from tests.connectors.milestone.video.recordings import multipart

AT_MS = 1_763_632_923_456
JPEG = b"\xff\xd8picture"


def frames(block: bytes) -> list[VideoFrame]:
    (message,) = MessageReader().feed(block)
    assert isinstance(message, ImageMessage)
    return list(frames_of(message))


def packets(count: int) -> list[bytes]:
    return [
        video_packet(b"nal", at_ms=AT_MS + 40 * number, is_key=number == 0, sequence=number) for number in range(count)
    ]


@pytest.mark.parametrize("block", [multipart(packets(3)), image(b"".join(packets(3)))], ids=["parts", "one body"])
def test_every_picture_of_an_answer_comes_in_its_order(block: bytes) -> None:
    found = frames(block)
    assert [round(frame.captured_at * 1000) - AT_MS for frame in found] == [0, 40, 80]
    assert [frame.is_key for frame in found] == [True, False, False]


@pytest.mark.parametrize("block", [image(JPEG, content_type="image/jpeg", at_ms=AT_MS), multipart([JPEG], at_ms=AT_MS)])
def test_a_bare_jpeg_picture_takes_its_time_from_the_header(block: bytes) -> None:
    (frame,) = frames(block)
    assert (frame.codec, frame.is_key, frame.data) == ("mjpeg", True, JPEG)
    assert frame.captured_at == AT_MS / 1000


def test_nothing_recorded_is_no_picture() -> None:
    assert frames(image(b"", content_type="text/plain")) == []


@pytest.mark.parametrize(
    "block",
    [
        image(b"\x00\x01" + b"\0" * 40),
        image(b"\x00\x10\x00"),
        image(b"data", content_type="text/plain"),
        image(JPEG, content_type="image/jpeg").replace(b"Current", b"Earlier"),
        multipart([packets(1)[0][:-1]]),
    ],
    ids=["legacy", "cut", "another type", "JPEG without time", "cut part"],
)
def test_what_is_no_picture_is_a_protocol_violation(block: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        frames(block)


def test_a_codec_that_is_not_analysed_is_refused() -> None:
    with pytest.raises(VmsRefused, match="VC-1"):
        frames(image(video_packet(b"x", at_ms=AT_MS, codec=0x000C)))


def test_a_packet_is_the_picture_with_the_moment_of_its_arrival() -> None:
    (frame,) = frames(image(packets(1)[0]))
    packet = packet_of(frame, 7.0)
    assert (packet.codec, packet.data, packet.captured_at) == ("h264", b"nal", AT_MS / 1000)
    assert (packet.is_key, packet.received_at) == (True, 7.0)
