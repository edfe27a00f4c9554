from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.decode.decoder import Decoder
from analytics.decode.frame import DecodedFrame
from core.errors import CodecError
from core.types import Packet
from tests.analytics.coded import captured_at, coded, h264, numbers_of

pytestmark = pytest.mark.slow


def decode_all(decoder: Decoder, packets: list[Packet] | tuple[Packet, ...]) -> list[DecodedFrame]:
    return [frame for packet in packets for frame in decoder.decode(packet)] + decoder.flush()


def assert_times_are_right(frames: list[DecodedFrame]) -> None:
    assert [frame.captured_at for frame in frames] == [captured_at(number) for number in numbers_of(frames)]


@pytest.mark.parametrize(
    ("encoder", "options"),
    [
        ("libx264", {"bf": "0"}),
        ("libx264", {"bf": "3", "b-pyramid": "none"}),
        ("libx264", {"bf": "3", "b-pyramid": "normal"}),
        ("libx265", {"x265-params": "bframes=3:log-level=none"}),
        ("mjpeg", {}),
    ],
)
def test_every_picture_comes_out_in_order_with_its_own_capture_time(encoder: str, options: dict[str, str]) -> None:
    decoder = Decoder()
    frames = decode_all(decoder, coded(encoder, 40, options=options))
    assert numbers_of(frames) == list(range(40))
    assert_times_are_right(frames)
    assert decoder.corrupt == 0


def test_a_stream_without_b_frames_is_decoded_without_delay() -> None:
    decoder = Decoder()
    assert [len(decoder.decode(packet)) for packet in h264()] == [1] * len(h264())


def test_pictures_tell_how_many_key_frames_came_so_far() -> None:
    decoder = Decoder()
    frames = [frame for packet in h264() for frame in decoder.decode(packet)]
    keys = [packet.is_key for packet in h264()]
    assert [frame.keys for frame in frames] == [sum(keys[: number + 1]) for number in range(len(keys))]


def test_decoding_starts_at_a_key_frame() -> None:
    decoder = Decoder()
    assert numbers_of(decode_all(decoder, h264()[3:25])) == list(range(10, 25))
    assert decoder.corrupt == 0


def test_after_a_restart_decoding_goes_on_at_the_next_key_frame() -> None:
    decoder = Decoder()
    before = [frame for packet in h264()[:5] for frame in decoder.decode(packet)]
    decoder.restart()
    after = decode_all(decoder, h264()[5:25])
    assert numbers_of(before) == list(range(5))
    assert numbers_of(after) == list(range(10, 25))


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x00\x01\x65garbage", b"not video at all" * 20])
def test_a_damaged_packet_is_counted_and_costs_the_pictures_up_to_the_next_key_frame(data: bytes) -> None:
    packets = [replace(packet, data=data) if number == 15 else packet for number, packet in enumerate(h264())]
    decoder = Decoder()
    numbers = numbers_of(decode_all(decoder, packets))
    assert decoder.corrupt >= 1
    assert numbers == [*range(15), *range(20, 50)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=200), st.integers(0, 49)), max_size=15))
def test_whatever_comes_in_nothing_is_raised_and_a_whole_group_still_decodes(mess: list[bytes | int]) -> None:
    decoder = Decoder()
    for part in mess:
        packet = h264()[part] if isinstance(part, int) else replace(h264()[0], data=part, is_key=True)
        decoder.decode(packet)
    decoder.restart()
    assert numbers_of(decode_all(decoder, h264()[20:30])) == list(range(20, 30))


def test_a_change_of_codec_opens_another_decoder_and_loses_no_picture() -> None:
    h265 = coded("libx265", 12, gop=6)
    decoder = Decoder()
    frames = decode_all(decoder, [*h264()[:12], *h265, *coded("mjpeg", 5)])
    assert numbers_of(frames) == [*range(12), *range(12), *range(5)]


def test_a_change_of_resolution_is_followed() -> None:
    decoder = Decoder()
    frames = decode_all(decoder, [*h264()[:10], *coded(count=10, options={"bf": "0"}, size=(640, 360))])
    assert [(frame.width, frame.height) for frame in frames] == [(320, 240)] * 10 + [(640, 360)] * 10
    assert numbers_of(frames) == [*range(10), *range(10)]


def test_a_codec_that_does_not_exist_is_said_with_a_remedy() -> None:
    with pytest.raises(CodecError, match="'h267'") as caught:
        Decoder().decode(replace(h264()[0], codec="h267"))
    assert caught.value.remedy


def test_an_audio_codec_is_not_decoded() -> None:
    with pytest.raises(CodecError, match="not a video codec"):
        Decoder().decode(replace(h264()[0], codec="aac"))


def test_broken_parameter_sets_do_not_raise() -> None:
    decoder = Decoder()
    for packet in h264()[:3]:
        decoder.decode(replace(packet, extradata=b"\x01broken"))
    assert decoder.flush() == []


def decode_wanted(packets: list[Packet], wanted: set[int]) -> tuple[list[int], Decoder]:
    """What is decoded when only the pictures of some numbers are wanted."""
    decoder, frames = Decoder(), []
    for packet in packets:
        is_wanted = any(packet.captured_at == captured_at(number) for number in wanted)
        frames += decoder.decode(packet, is_wanted=is_wanted)
    frames += decoder.flush()
    assert_times_are_right(frames)
    return numbers_of(frames), decoder


def test_of_mjpeg_only_what_is_wanted_is_decoded() -> None:
    numbers, _ = decode_wanted(coded("mjpeg", 30), set(range(0, 30, 5)))
    assert numbers == list(range(0, 30, 5))


@pytest.mark.parametrize("encoder", ["libx264", "libx265"])
def test_of_predicted_video_only_pictures_that_no_other_needs_are_left_out(encoder: str) -> None:
    options = {"bf": "3"} if encoder == "libx264" else {"x265-params": "bframes=3:log-level=none"}
    wanted = set(range(0, 60, 4))
    numbers, decoder = decode_wanted(coded(encoder, 60, gop=30, options=options), wanted)
    assert wanted <= set(numbers)
    assert len(numbers) < 50
    assert decoder.corrupt == 0


def test_pictures_that_others_need_are_decoded_though_nobody_looks_at_them() -> None:
    numbers, _ = decode_wanted(list(h264()), {49})
    assert numbers == list(range(50))


def test_a_stream_of_key_frames_only_is_recognised_and_thinned() -> None:
    numbers, _ = decode_wanted(coded(count=40, gop=1, options={"bf": "0"}), {20, 30, 39})
    assert numbers == [*range(7), 20, 30, 39]


def test_a_stream_that_begins_to_predict_after_key_frames_only_waits_for_a_key_frame() -> None:
    only_keys = coded(count=20, gop=1, options={"bf": "0"})
    late = [replace(packet, captured_at=packet.captured_at + 20 / 25) for packet in h264()[:20]]
    decoder, frames = Decoder(), []
    for packet in [*only_keys, *late]:
        frames += decoder.decode(packet, is_wanted=packet.captured_at > captured_at(21))
    assert decoder.corrupt == 0
    assert [round((frame.captured_at - captured_at(0)) * 25) for frame in frames] == [*range(7), *range(30, 40)]
