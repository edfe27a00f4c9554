from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.onvif.device.services.video_formats import encoded_video, picture
from connectors.protocols.clips import ClipCodec
from connectors.protocols.rtsp.feeds import VideoFormat
from tests.connectors.onvif.device.services.media_support import H264, H265, JPEG, UNKNOWN, Video, a_channel


def h264(*parameter_sets: bytes) -> VideoFormat:
    return VideoFormat(codec="h264", width=64, height=48, fps=25.0, parameter_sets=parameter_sets)


def hevc(*parameter_sets: bytes) -> VideoFormat:
    return VideoFormat(codec="hevc", width=64, height=48, fps=25.0, parameter_sets=parameter_sets)


@pytest.mark.parametrize(
    ("told", "profile"),
    [
        (h264(b"\x67\x42\x00\x1f"), "Baseline"),
        (h264(b"\x68\xee", b"\x67\x4d\x00\x1f"), "Main"),
        (h264(b"\x67\x58\x00\x1f"), "Extended"),
        (h264(b"\x67\x64\x00\x1f"), "High"),
        (h264(b"\x67\x6e\x00\x1f"), "High"),
        (h264(), "Main"),
        (h264(b"\x67", b""), "Main"),
        (hevc(b"\x42\x01\x01\x01"), "Main"),
        (hevc(b"\x42\x01\x01\x22"), "Main10"),
        (hevc(b"\x42\x01"), "Main"),
        (JPEG, None),
        (UNKNOWN, "Main"),
    ],
)
def test_the_profile_is_read_from_the_sequence_parameter_set(told: VideoFormat | None, profile: str | None) -> None:
    assert picture(a_channel(0, Video(told))).profile == profile


def test_a_video_whose_size_is_not_known_yet_is_told_by_the_assumed_size_and_its_own_codec() -> None:
    told = picture(a_channel(0, Video(VideoFormat(codec="hevc", width=0, height=0, fps=None))))
    assert (told.codec, told.width, told.height, told.fps) == ("hevc", 1920, 1080, 25.0)


def test_a_channel_without_video_has_a_picture_but_no_encoded_video() -> None:
    channel = a_channel(0, None)
    assert encoded_video(channel) is None
    assert picture(channel).width == 1920


@pytest.mark.parametrize(("told", "frames"), [(H264, 12), (H265, 25), (JPEG, 1)])
def test_key_frames_are_told_to_come_every_second_and_always_with_jpeg(told: VideoFormat, frames: int) -> None:
    assert picture(a_channel(0, Video(told))).gov_length == frames


@given(st.sampled_from(["h264", "hevc", "mjpeg"]), st.lists(st.binary(max_size=8), max_size=4))
def test_whatever_the_parameter_sets_hold_a_profile_that_onvif_knows_is_told(
    codec: ClipCodec, parameter_sets: list[bytes]
) -> None:
    told = VideoFormat(codec=codec, width=64, height=48, fps=25.0, parameter_sets=tuple(parameter_sets))
    known = {None} if codec == "mjpeg" else {"Baseline", "Main", "Main10", "Extended", "High"}
    assert picture(a_channel(0, Video(told))).profile in known
