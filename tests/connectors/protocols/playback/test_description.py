from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.protocols.clips import parameter_sets
from connectors.protocols.playback.description import VideoTrack, video_track
from connectors.protocols.rtsp.feeds import VideoFormat
from connectors.protocols.rtsp.sdp import describe
from core.errors import ProtocolViolation, RequestInvalid, VmsError
from tests.connectors.protocols.rtsp.harness import clip

BASE = "rtsp://mg01:654/cam/playback/"
VIDEO = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"


def _track(description: str, base: str = BASE) -> VideoTrack:
    return video_track(description, base, "video")


@pytest.mark.parametrize("base", [BASE, BASE.rstrip("/"), BASE.replace("rtsp:", "rtsps:")])
def test_what_our_server_describes_is_understood(base: str) -> None:
    sets = parameter_sets(clip().packets[0].data, "h264")
    shown = VideoFormat(codec="h264", width=320, height=180, fps=50.0, parameter_sets=sets)
    track = _track(describe("Dock", shown, has_metadata=True, is_live=False), base)
    assert track.url == f"{base.rstrip('/')}/trackID=0"
    assert track.presentation_url == base
    assert (track.payload_type, track.codec, track.clock_rate) == (96, "h264", 90_000)
    assert track.parameter_sets == sets


def test_h265_is_understood_with_its_three_parameter_sets() -> None:
    sets = (b"\x40\x01\x03", b"\x42\x01\x04", b"\x44\x01\x05")
    shown = VideoFormat(codec="hevc", width=320, height=180, fps=None, parameter_sets=sets)
    track = _track(describe("", shown))
    assert (track.codec, track.parameter_sets) == ("hevc", sets)


@pytest.mark.parametrize(
    ("session", "media", "presentation_url", "url"),
    [
        ("", "", BASE, BASE),
        ("a=control:*\r\n", "a=control:video\r\n", BASE, f"{BASE}video"),
        ("a=control:all\r\n", "a=control:rtsp://other/v?x=1\r\n", f"{BASE}all", "rtsp://other/v?x=1"),
    ],
)
def test_control_urls_are_relative_to_the_base_or_absolute(
    session: str, media: str, presentation_url: str, url: str
) -> None:
    track = _track(f"v=0\r\n{session}m=audio 0 RTP/AVP 0\r\na=control:sound\r\n{VIDEO}{media}")
    assert (track.presentation_url, track.url) == (presentation_url, url)


def test_the_map_of_another_payload_type_is_not_ours() -> None:
    track = _track("m=video 0 RTP/AVP 97 96\r\na=rtpmap:96 JPEG/90000\r\na=rtpmap:97 H265/90000\r\n")
    assert (track.payload_type, track.codec) == (97, "hevc")


@pytest.mark.parametrize(
    ("description", "error"),
    [
        ("", ProtocolViolation),
        ("m=audio 0 RTP/AVP 0\r\n", ProtocolViolation),
        ("m=video 0 RTP/AVP 26\r\n", RequestInvalid),
        ("m=video 0 RTP/AVP 96\r\na=rtpmap:96 MP4V-ES/90000\r\n", RequestInvalid),
        ("m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/0\r\n", ProtocolViolation),
        ("m=video 0 RTP/AVP ²\r\na=rtpmap:² H264/90000\r\n", ProtocolViolation),
        (f"{VIDEO}a=control:rtsp://[\r\n", ProtocolViolation),
    ],
)
def test_what_cannot_be_played_is_told(description: str, error: type[VmsError]) -> None:
    with pytest.raises(error, match=r"^video: "):
        _track(description)


def test_parameter_sets_that_are_no_base64_come_in_the_stream() -> None:
    assert _track(f"{VIDEO}a=fmtp:96 sprop-parameter-sets=%%%\r\n").parameter_sets == ()


@given(st.text(max_size=200).map(lambda text: f"m=video 0 RTP/AVP 96\r\na={text}\r\n"))
def test_any_description_is_understood_or_told(description: str) -> None:
    try:
        track = _track(description)
    except VmsError:
        return
    assert track.clock_rate > 0
