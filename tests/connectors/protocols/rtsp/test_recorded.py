"""Recordings as the server plays them, seen by a client that speaks RTSP by hand."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from connectors.protocols.live_packets import LivePacket
from connectors.protocols.rtsp.clock_range import clock_time, parse_clock_range
from connectors.protocols.rtsp.feeds import VideoFormat
from connectors.protocols.rtsp.mount import Flow, Mount, Recording
from connectors.protocols.rtsp.rtcp import goodbye
from connectors.protocols.rtsp.rtp import CLOCK_RATE, RtpStream
from connectors.protocols.rtsp.server import RtspServer
from core.types import UtcSeconds
from tests.connectors.protocols.rtsp.harness import RawClient, connected_to, run

pytestmark = pytest.mark.slow

BEGIN = 1_795_169_700.0
FORMAT = VideoFormat(codec="h264", width=16, height=16, fps=10.0)
PICTURES = 300
LARGE = 100_000


def _pictures(size: int, begin: UtcSeconds, end: UtcSeconds) -> Iterator[LivePacket]:
    for index in range(PICTURES):
        captured_at = BEGIN + index / 10
        if begin <= captured_at <= end:
            data = b"\0\0\0\1\x65" + bytes([index % 255 + 1]) * size
            yield LivePacket(
                data=data, captured_at=captured_at, gop_captured_at=captured_at, is_key=True, sequence=index
            )


class _Playing:
    def __init__(self, server: RtspServer) -> None:
        self.server = server
        self.flow = Flow.OK

    @property
    def url(self) -> str:
        return f"{self.server.url}/cam/playback"

    async def play(self, client: RawClient, begin: float, end: float) -> tuple[int, str, str]:
        """Status, Range and RTP-Info of the answer."""
        session = await client.set_up(self.url)
        span = f"clock={clock_time(BEGIN + begin)}-{clock_time(BEGIN + end)}"
        answer = await client.ask("PLAY", self.url, Session=session, Range=span)
        return answer.status, answer.header("Range"), answer.header("RTP-Info")


@asynccontextmanager
async def _playing(size: int = 100, *, send_timeout_s: float = 10.0) -> AsyncIterator[_Playing]:
    recording = Recording(format=FORMAT, pictures=lambda begin, end: _pictures(size, begin, end))
    state: list[_Playing] = []
    mount = Mount(recording=recording, flow=lambda: state[0].flow)
    mounts = {"/cam/playback": mount}
    async with RtspServer("127.0.0.1", 0, mounts.get, {}, send_timeout_s=send_timeout_s) as server:
        state.append(_Playing(server))
        yield state[0]


async def _rtp_until_goodbye(client: RawClient) -> list[bytes]:
    packets: list[bytes] = []
    while True:
        frame = await client.frame()
        if frame.channel == 0:
            packets.append(frame.data)
        elif frame.data[1] == goodbye(RtpStream(96))[1]:
            return packets


def test_the_answer_names_the_first_picture_and_goodbye_follows_the_last_one() -> None:
    async def body() -> None:
        async with _playing() as playing, connected_to(playing.server.port) as client:
            status, span, info = await playing.play(client, 1.04, 3.0)
            packets = await _rtp_until_goodbye(client)
            times = [int.from_bytes(packet[4:8], "big") for packet in packets]
            begin, _ = parse_clock_range(span) or (0.0, 0.0)
            assert status == 200
            assert begin == pytest.approx(BEGIN + 1.1, abs=0.001)
            named = re.search(r"seq=(\d+);rtptime=(\d+)", info)
            assert named
            assert named.groups() == (str(int.from_bytes(packets[0][2:4], "big")), str(times[0]))
            assert [(time - times[0]) % 2**32 for time in times] == pytest.approx(
                [index * CLOCK_RATE / 10 for index in range(20)], abs=1
            )
            assert playing.server.statistics()["pictures_sent"] == 20
            assert (await client.ask("GET_PARAMETER", playing.url)).status == 200  # the connection stays

    run(body)


@pytest.mark.parametrize("span", ["", "npt=0-", "clock=nonsense-", "clock=19700101T000000Z-19700101T000100Z"])
def test_what_is_not_recorded_is_an_invalid_range(span: str) -> None:
    async def body() -> None:
        async with _playing() as playing, connected_to(playing.server.port) as client:
            session = await client.set_up(playing.url)
            given = {"Range": span} if span else {}
            assert (await client.ask("PLAY", playing.url, Session=session, **given)).status == 457

    run(body)


def test_a_recording_is_played_once_in_a_session() -> None:
    async def body() -> None:
        async with _playing() as playing, connected_to(playing.server.port) as client:
            session = await client.set_up(playing.url)
            span = f"clock={clock_time(BEGIN)}-"
            first = await client.ask("PLAY", playing.url, Session=session, Range=span)
            again = await client.ask("PLAY", playing.url, Session=session, Range=span)
            assert (first.status, again.status) == (200, 457)

    run(body)


def test_a_recording_goes_inside_the_connection_only_and_is_described_as_no_live_video() -> None:
    async def body() -> None:
        async with _playing() as playing, connected_to(playing.server.port) as client:
            udp = await client.ask(
                "SETUP", f"{playing.url}/trackID=0", Transport="RTP/AVP;unicast;client_port=5000-5001"
            )
            metadata = await client.ask("SETUP", f"{playing.url}/trackID=1", Transport="RTP/AVP/TCP")
            described = await client.ask("DESCRIBE", playing.url)
            assert (udp.status, metadata.status, described.status) == (461, 404, 200)
            assert b"H264/90000" in described.body
            assert b"range" not in described.body

    run(body)


def test_a_client_that_pauses_gets_every_picture_and_little_waits_for_it() -> None:
    async def body() -> None:
        async with _playing(LARGE) as playing, connected_to(playing.server.port) as client:
            await playing.play(client, 0.0, 60.0)
            sent = -1
            while sent != (now := playing.server.statistics()["pictures_sent"]):
                sent = now
                await asyncio.sleep(0.1)
            packets = await _rtp_until_goodbye(client)
            assert sent < PICTURES * 2 // 3  # the rest waits for the sockets and the 1 MiB
            assert sum(packet[1] >> 7 for packet in packets) == PICTURES
            assert playing.server.statistics()["pictures_dropped"] == 0

    run(body)


def test_a_client_that_takes_nothing_is_disconnected() -> None:
    async def body() -> None:
        async with _playing(LARGE, send_timeout_s=0.2) as playing, connected_to(playing.server.port) as client:
            await playing.play(client, 0.0, 60.0)
            while not playing.server.statistics()["clients_too_slow"]:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.02)
            assert await client.ended()

    run(body)


def test_faults_freeze_and_drop_a_recording() -> None:
    async def body() -> None:
        async with _playing() as playing, connected_to(playing.server.port) as client:
            playing.flow = Flow.FREEZE
            await playing.play(client, 0.0, 60.0)
            assert (await client.frame()).channel == 1  # the report
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await client.frame()
            playing.flow = Flow.OK
            assert (await client.frame()).channel == 0
            playing.flow = Flow.DROP
            with pytest.raises(AssertionError, match="closed the connection"):
                await _rtp_until_goodbye(client)

    run(body)


def test_teardown_ends_a_recording_that_is_sent() -> None:
    async def body() -> None:
        async with _playing() as playing, connected_to(playing.server.port) as client:
            playing.flow = Flow.FREEZE
            session = await client.set_up(playing.url)
            await client.ask("PLAY", playing.url, Session=session, Range=f"clock={clock_time(BEGIN)}-")
            assert (await client.ask("TEARDOWN", playing.url, Session=session)).status == 200
            assert await _rtp_until_goodbye(client) == []
            assert playing.server.statistics()["playing"] == 0

    run(body)
