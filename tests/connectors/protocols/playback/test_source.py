"""Recordings from server to source, over real sockets, with real H.264."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import av
import pytest
from structlog.testing import capture_logs

from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.clips import nal_type, nal_units, parameter_sets
from connectors.protocols.live import LiveFeed
from connectors.protocols.playback.source import PlaybackSource
from connectors.protocols.recordings import CameraRecording, FeedRecording
from connectors.protocols.rtsp.message import InterleavedFrame, Response
from connectors.protocols.rtsp.mount import Flow, Mount, Recording
from connectors.protocols.rtsp.rtcp import goodbye, sender_report
from connectors.protocols.rtsp.rtp import CLOCK_RATE, RtpStream
from connectors.protocols.rtsp.server import RtspServer
from connectors.protocols.rtsp_source import RtspTarget
from core.clock import ManualClock, SystemClock
from core.errors import NotFoundInVms, ProtocolViolation, VmsError, VmsUnavailable
from core.types import Packet
from tests.connectors.protocols.playback.scripted import SDP, SESSION, Said, Scripted, playing, scripted
from tests.connectors.protocols.rtsp.harness import USERS, clip, run

pytestmark = pytest.mark.slow

NOW = 1_795_169_700.0
_START = 0xFFFF_8000
"""RTP time of the first scripted picture: it wraps at the third."""
GOODBYE = InterleavedFrame(channel=1, data=sender_report(RtpStream(96), NOW) + goodbye(RtpStream(96)))


class _Site:
    """A gateway with twenty seconds of recording up to ``NOW``, which miss what began from 12 to 8 seconds before."""

    def __init__(self, server: RtspServer) -> None:
        self.server = server
        self.flow = Flow.OK
        self.recording = CameraRecording(FeedRecording(clip(), NOW, 20.0, (12.0, 8.0)))
        feed = LiveFeed(clip(), ManualClock())
        recording = Recording(format=feed.format, pictures=self.recording.pictures)
        self.mount = Mount(recording=recording, flow=lambda: self.flow)

    def source(self, begin: float, end: float, **changes: object) -> PlaybackSource:
        target = RtspTarget(
            url=f"{self.server.url}/cam/playback", username="vigie", password=USERS["vigie"], open_timeout_s=2.0
        )
        changed = replace(target, **changes)  # type: ignore[arg-type]
        return PlaybackSource(changed, SystemClock(), begin=NOW + begin, end=NOW + end)

    def recorded(self, begin: float, end: float) -> list[float]:
        return [picture.captured_at for picture in self.recording.pictures(NOW + begin, NOW + end)]


@asynccontextmanager
async def _site(ssl_context: ssl.SSLContext | None = None) -> AsyncIterator[_Site]:
    state: list[_Site] = []
    server = RtspServer(
        "127.0.0.1",
        0,
        lambda path: state[0].mount if path == "/cam/playback" else None,
        USERS,
        ssl_context=ssl_context,
    )
    async with server:
        state.append(_Site(server))
        yield state[0]


def _decoded(packets: list[Packet]) -> int:
    """Number of pictures; corrupt ones are an error."""
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.options = {"err_detect": "explode"}
    given = [av.Packet(packet.data) for packet in packets]
    return sum(len(decoder.decode(packet)) for packet in [*given, None])


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        pytest.param(-18.0, -13.0, id="within a stretch"),
        pytest.param(-16.4, -4.3, id="over a gap, from and to the middle of groups"),
        pytest.param(-11.0, -7.0, id="from within a gap"),
        pytest.param(-100.0, 100.0, id="beyond both ends"),
    ],
)
def test_what_was_recorded_comes_with_its_own_times_and_can_be_decoded(begin: float, end: float) -> None:
    async def body() -> None:
        async with _site() as site:
            packets = await asyncio.to_thread(lambda: list(site.source(begin, end).packets()))
            expected = site.recorded(begin, end)
            assert packets[0].is_key
            assert len(packets) == len(expected) > 50
            assert [packet.captured_at for packet in packets] == pytest.approx(expected, abs=0.001)
            assert _decoded(packets) == len(packets)
            while site.server.statistics()["playing"]:  # noqa: ASYNC110 - it is torn down, and tells nobody
                await asyncio.sleep(0.01)

    run(body)


@pytest.mark.parametrize(("begin", "end"), [(-11.0, -9.5), (-60.0, -40.0), (5.0, 10.0)])
def test_an_interval_without_any_recording_yields_nothing(begin: float, end: float) -> None:
    async def body() -> None:
        async with _site() as site:
            assert await asyncio.to_thread(lambda: list(site.source(begin, end).packets())) == []

    run(body)


def test_over_tls_too(tmp_path: Path) -> None:
    async def body() -> None:
        authority = SiteAuthority.create(tmp_path)
        async with _site(authority.server_context(["127.0.0.1"])) as site:
            packets = await asyncio.to_thread(lambda: list(site.source(-18.0, -17.0, ca=authority.ca).packets()))
            assert _decoded(packets) == len(site.recorded(-18.0, -17.0))

    run(body)


def test_a_stream_that_is_not_there_is_told() -> None:
    async def body() -> None:
        async with _site() as site:
            source = site.source(-18.0, -17.0, url=f"{site.server.url}/other/playback")
            with pytest.raises(NotFoundInVms):
                await asyncio.to_thread(lambda: list(source.packets()))

    run(body)


@pytest.mark.parametrize("closing", ["before", "while it waits", "between two packets"])
def test_close_ends_it_without_an_error_from_any_thread(closing: str) -> None:
    async def body() -> None:
        async with _site() as site:
            site.flow = Flow.OK if closing == "between two packets" else Flow.FREEZE
            source = site.source(-18.0, -13.0, read_timeout_s=20.0)
            if closing == "before":
                source.close()
            packets = source.packets()
            if closing == "between two packets":
                await asyncio.to_thread(next, packets)
                source.close()
            rest = asyncio.create_task(asyncio.to_thread(lambda: list(packets)))
            if closing == "while it waits":
                while not site.server.statistics()["playing"]:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.01)
                source.close()
            left = await asyncio.wait_for(rest, 5.0)
            assert len(left) < 300
            source.close()
            assert list(source.packets()) == []

    run(body)


def _picture(number: int, *, unit: bytes = b"\x65\x88", sequence: int = 0, kind: int = 96) -> InterleavedFrame:
    """One per second."""
    head = bytes((0x80, 0x80 | kind)) + sequence.to_bytes(2, "big")
    timestamp = (_START + number * CLOCK_RATE) % 2**32
    return InterleavedFrame(channel=0, data=head + timestamp.to_bytes(4, "big") + bytes(4) + unit)


def _answer(*headers: tuple[str, str]) -> Response:
    return Response(status=200, headers=(SESSION, *headers))


def _played(
    *said: Said, play: Response | None = None, begin: float = 0.0, end: float = 10.0, described: str = SDP
) -> tuple[list[Packet], Scripted]:
    with scripted(playing(*said, play=play, described=described)) as server:
        target = RtspTarget(url=server.url, open_timeout_s=2.0, read_timeout_s=0.1)
        source = PlaybackSource(target, SystemClock(), begin=NOW + begin, end=NOW + end)
        return list(source.packets()), server


def test_whole_seconds_around_the_interval_are_asked_for() -> None:
    packets, server = _played(_picture(0), GOODBYE, begin=0.25, end=9.5)
    [play] = [request for request in server.requests if request.method == "PLAY"]
    assert play.headers["range"] == "clock=20261120T101500Z-20261120T101510Z"
    assert play.headers["session"] == "77"
    assert len(packets) == 1
    assert server.requests[-1].method == "TEARDOWN"


def test_a_server_that_sends_on_after_the_end_is_left() -> None:
    packets, _ = _played(*map(_picture, range(60)), play=_answer(("Range", "clock=20261120T101500Z-")), end=4.0)
    assert [packet.captured_at - NOW for packet in packets] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_the_described_parameter_sets_and_the_first_key_frame_begin_the_stream() -> None:
    packets, _ = _played(_picture(0, unit=b"\x41\x9a"), _picture(1), _picture(2, unit=b"\x41\x9a"), GOODBYE)
    assert [packet.is_key for packet in packets] == [True, False]
    assert [nal_type(unit, "h264") for unit in nal_units(packets[0].data)] == [7, 8, 5]
    assert len(parameter_sets(packets[0].data, "h264")) == 2


@pytest.mark.parametrize(
    ("headers", "first"),
    [
        pytest.param((("Range", "clock=20261120T101503.5Z-"),), 3.5, id="the first picture is where the range begins"),
        pytest.param(
            (("Range", "clock=20261120T101501Z-"), ("RTP-Info", f"url=x;seq=0;rtptime={_START - 2 * CLOCK_RATE}")),
            3.0,
            id="the RTP time is told",
        ),
        pytest.param(
            (("Range", "clock=20261120T101501Z-"), ("RTP-Info", f"url=x;rtptime={_START + 2 * CLOCK_RATE}")),
            -1.0,
            id="the key frame is in front",
        ),
        pytest.param(
            (("Range", "clock=20261120T101502Z-"), ("RTP-Info", "url=x;seq=0;rtptime=1073741824")),
            2.0,
            id="an RTP time that means nothing",
        ),
        pytest.param((("Range", "npt=0-"),), 0.0, id="another range"),
        pytest.param((("Range", "clock=20261399T101502Z-"),), 0.0, id="no moment"),
        pytest.param((), 0.0, id="nothing"),
    ],
)
def test_times_count_from_what_the_answer_tells(headers: tuple[tuple[str, str], ...], first: float) -> None:
    with capture_logs() as logs:
        packets, _ = _played(_picture(0), _picture(1), _picture(2), GOODBYE, play=_answer(*headers))
    assert [packet.captured_at - NOW for packet in packets] == pytest.approx([first, first + 1, first + 2], abs=1e-3)
    assert bool(logs) == (first == 0.0)


def test_a_server_that_says_nothing_more_near_the_end_has_sent_all() -> None:
    packets, _ = _played(*map(_picture, range(4)), end=3.5)
    assert len(packets) == 4


def test_a_server_that_falls_silent_before_the_end_is_an_error() -> None:
    with pytest.raises(VmsUnavailable, match="no data within"):
        _played(*map(_picture, range(4)), end=30.0)


def test_a_server_that_plays_nothing_of_a_short_interval_is_an_error() -> None:
    with pytest.raises(VmsUnavailable):
        _played(end=0.5)


def test_other_payloads_and_channels_are_not_the_video() -> None:
    noise = [_picture(0, kind=107), InterleavedFrame(channel=4, data=b"x"), InterleavedFrame(channel=1, data=b"\x80")]
    packets, _ = _played(*noise, _picture(1), GOODBYE)
    assert len(packets) == 1


@pytest.mark.parametrize(
    ("said", "text"), [(InterleavedFrame(channel=0, data=b"\x00"), "no head of version 2"), (b"\xff" * 20_000, "head")]
)
def test_what_is_no_video_is_told_with_its_place(said: Said, text: str) -> None:
    with pytest.raises(ProtocolViolation, match=rf"^video rtsp://127.0.0.1:\d+/cam/playback: .*{text}"):
        _played(said)


@pytest.mark.parametrize(
    ("setup", "error"),
    [
        pytest.param(Response(status=200, headers=(SESSION, ("Transport", "RTP/AVP/TCP;interleaved=4-5"))),
                     ProtocolViolation, id="other channels"),
        pytest.param(Response(status=200), ProtocolViolation, id="no session"),
        pytest.param(Response(status=453), VmsUnavailable, id="no stream left"),
    ],
)  # fmt: skip
def test_a_session_that_is_not_as_asked_is_an_error(setup: Response, error: type[VmsError]) -> None:
    usual = playing(_picture(0))
    with scripted(lambda request: [setup] if request.method == "SETUP" else usual(request)) as server:
        source = PlaybackSource(RtspTarget(url=server.url), SystemClock(), begin=NOW, end=NOW + 1.0)
        with pytest.raises(error):
            list(source.packets())


def test_a_long_recording_keeps_its_session_alive() -> None:
    clock = ManualClock(NOW)
    with scripted(playing(*(_picture(number) for number in range(5)), GOODBYE)) as server:
        source = PlaybackSource(RtspTarget(url=server.url), clock, begin=NOW, end=NOW + 10.0)
        for _ in source.packets():
            clock.advance(15.0)
    told = [request for request in server.requests if request.method == "GET_PARAMETER"]
    assert len(told) == 2
    assert {request.headers["session"] for request in told} == {"77"}


def test_an_analyser_that_stops_reading_lets_go_of_the_server() -> None:
    with scripted(playing(_picture(0))) as server:
        packets = PlaybackSource(RtspTarget(url=server.url), SystemClock(), begin=NOW, end=NOW + 10.0).packets()
        next(packets)
        packets.close()  # type: ignore[attr-defined]
    assert server.requests[-1].method == "TEARDOWN"
