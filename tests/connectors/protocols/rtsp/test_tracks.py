"""Two tracks under one path: video and metadata, alone and together."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from connectors.protocols.live import LiveListener, LivePacket
from connectors.protocols.rtsp import service
from connectors.protocols.rtsp.feeds import Document, VideoFeed, VideoFormat
from connectors.protocols.rtsp.message import InterleavedFrame, Response
from connectors.protocols.rtsp.mount import Flow, MulticastGroups
from connectors.protocols.serving import background
from tests.connectors.protocols.rtsp.harness import (
    FPS,
    JOINED,
    SECOND_TCP,
    TCP,
    RawClient,
    Serving,
    clip,
    connected,
    run,
    serving,
    until,
)

pytestmark = pytest.mark.slow

METADATA = "trackID=1"
NTP_EPOCH_S = 2_208_988_800


class SilentFeed(VideoFeed):
    """A video that shows its format, if any, when somebody listens."""

    def __init__(self, shown: VideoFormat | None = None) -> None:
        self._hidden = shown
        self._format: VideoFormat | None = None

    @property
    def format(self) -> VideoFormat | None:
        return self._format

    def gop(self) -> Sequence[LivePacket]:
        return ()

    @asynccontextmanager
    async def listen(self, limit: int = 256) -> AsyncIterator[LiveListener]:
        listener = LiveListener(limit)
        if self._hidden:
            self._format = self._hidden
            listener.offer(LivePacket(data=b"", captured_at=0.0, gop_captured_at=0.0, is_key=True, sequence=1))
        yield listener


async def _playing_metadata(client: RawClient, running: Serving, transport: str = TCP) -> Response:
    session = await client.set_up(running.url, transport, METADATA)
    return await client.ask("PLAY", running.url, Session=session)


async def _document(client: RawClient, channel: int = 0) -> list[InterleavedFrame]:
    """The packets of the next document."""
    packets: list[InterleavedFrame] = []
    while not packets or not packets[-1].data[1] & 0x80:
        packets += [frame for frame in [await client.frame()] if frame.channel == channel]
    return packets


def _utc_of(packet: bytes, report: bytes) -> float:
    """What a receiver computes of a packet's RTP time and a sender report."""
    ntp, rtp = struct.unpack(">QI", report[8:20])
    since = (int.from_bytes(packet[4:8], "big") - rtp + (1 << 31)) % (1 << 32) - (1 << 31)
    moment: float = ntp / (1 << 32) - NTP_EPOCH_S + since / 90_000
    return moment


def test_both_tracks_are_described_with_a_control_url_of_their_own() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            lines = (await client.ask("DESCRIBE", running.url)).body.decode().splitlines()
            video, metadata = lines.index("m=video 0 RTP/AVP 96"), lines.index("m=application 0 RTP/AVP 107")
            assert "a=control:trackID=0" in lines[video:metadata]
            assert lines[metadata + 1 :] == ["a=rtpmap:107 vnd.onvif.metadata/90000", "a=control:trackID=1"]

    run(body)


def test_metadata_alone_starts_with_a_report_and_the_present_state_that_rtp_info_names() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            response = await _playing_metadata(client, running)
            report, first = await client.frame(), await client.frame()
            assert (report.channel, report.data[1]) == (1, 200)
            _, kind, sequence, _, ssrc = struct.unpack(">BBHII", first.data[:12])
            assert kind == 107 | 0x80
            assert first.data[12:] == JOINED.data
            assert f"url={running.url}/trackID=1;seq={sequence};rtptime=" in response.header("RTP-Info")
            assert "trackID=0" not in response.header("RTP-Info")
            assert report.data[4:8] == ssrc.to_bytes(4, "big")
            assert _utc_of(first.data, report.data) == pytest.approx(JOINED.captured_at, abs=0.001)
            assert running.server.statistics()["pictures_sent"] == 0

    run(body)


def test_a_long_document_comes_in_fragments_of_one_time_and_the_last_is_marked() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            await _playing_metadata(client, running)
            await _document(client)
            text = b"<MetadataStream>" + b"x" * 5000 + b"</MetadataStream>"
            running.documents.push(Document(data=text, captured_at=1_700_000_001.0))
            packets = [frame.data for frame in await _document(client)]
            assert b"".join(packet[12:] for packet in packets) == text
            assert [packet[1] for packet in packets] == [107, 107, 107, 107 | 0x80]
            assert len({packet[4:8] for packet in packets}) == 1
            assert max(map(len, packets)) <= 1412

    run(body)


def test_both_tracks_of_one_session_play_by_one_request_and_tell_the_same_utc() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            async with running.feed.listen() as feed:
                picture = await anext(feed)
            session = await client.set_up(running.url)
            assert await client.set_up(running.url, SECOND_TCP, METADATA, Session=session) == session
            response = await client.ask("PLAY", running.url, Session=session)
            assert [part.partition(";")[0] for part in response.header("RTP-Info").split(",")] == [
                f"url={running.url}/trackID=0",
                f"url={running.url}/trackID=1",
            ]
            await until(lambda: running.documents.listeners == 1)
            running.documents.push(Document(data=b"<MetadataStream/>", captured_at=picture.captured_at))
            reports: dict[int, bytes] = {}
            moments: dict[int, set[float]] = {0: set(), 2: set()}
            while not moments[0] or not moments[2]:
                frame = await client.frame()
                if frame.channel in {1, 3}:
                    reports[frame.channel] = frame.data
                elif abs(_utc_of(frame.data, reports[frame.channel + 1]) - picture.captured_at) < 0.5 / FPS:
                    moments[frame.channel].add(_utc_of(frame.data, reports[frame.channel + 1]))
            for moment in moments[0] | moments[2]:
                assert moment == pytest.approx(picture.captured_at, abs=0.0001)

    run(body)


def test_tracks_may_also_play_in_sessions_of_their_own() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            video = await client.set_up(running.url)
            metadata = await client.set_up(running.url, SECOND_TCP, METADATA)
            assert video != metadata
            for session in (video, metadata):
                assert (await client.ask("PLAY", running.url, Session=session)).status == 200
            assert running.server.statistics()["playing"] == 2
            assert (await client.ask("TEARDOWN", running.url, Session=video)).status == 200
            await _document(client, channel=2)

    run(body)


def test_a_session_of_two_tracks_plays_as_one_and_may_lose_one_of_them() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            session = await client.set_up(running.url)
            await client.set_up(running.url, SECOND_TCP, METADATA, Session=session)
            track = f"{running.url}/{METADATA}"
            assert (await client.ask("PLAY", track, Session=session)).status == 460
            assert (await client.ask("PLAY", running.url, Session=session)).status == 200
            assert (await client.ask("PLAY", running.url, Session=session)).status == 200
            setup = await client.ask("SETUP", track, Transport=TCP, Session=session)
            assert setup.status == 455
            assert (await client.ask("TEARDOWN", f"{running.url}/trackID=0", Session=session)).status == 200
            assert (await client.ask("PLAY", track, Session=session)).status == 200
            assert (await client.ask("TEARDOWN", track, Session=session)).status == 200
            assert (await client.ask("GET_PARAMETER", track, Session=session)).status == 454

    run(body)


def test_a_track_that_is_not_there_is_not_found() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            running.mount = replace(running.mount, metadata=None)
            assert (await client.ask("SETUP", f"{running.url}/{METADATA}", Transport=TCP)).status == 404
            assert b"m=application" not in (await client.ask("DESCRIBE", running.url)).body

    run(body)


def test_who_joins_later_makes_the_present_state_come_at_once() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as first, connected(running) as second:
            await _playing_metadata(first, running)
            await _document(first)
            await _playing_metadata(second, running)
            assert [(await _document(client))[0].data[12:] for client in (first, second)] == [JOINED.data] * 2

    run(body)


def test_clients_of_a_track_share_its_packets_and_the_feed_is_let_go_with_the_last() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as first, connected(running) as second:
            sessions = []
            for client in (first, second):
                sessions.append(await client.set_up(running.url, track=METADATA))
                await client.ask("PLAY", running.url, Session=sessions[-1])
            assert running.documents.listeners == 1
            text = Document(data=b"<MetadataStream>now</MetadataStream>", captured_at=1_700_000_002.0)
            running.documents.push(text)
            found = []
            for client in (first, second):
                while (packet := (await _document(client))[0].data)[12:] != text.data:
                    pass
                found.append(packet)
            assert found[0] == found[1]
            for client, session in zip((first, second), sessions, strict=True):
                await client.ask("TEARDOWN", running.url, Session=session)
            await until(lambda: running.documents.listeners == 0)

    run(body)


@pytest.mark.parametrize("has_metadata", [True, False])
def test_a_video_that_does_not_show_itself_leaves_metadata_alone_or_nothing(
    monkeypatch: pytest.MonkeyPatch, has_metadata: bool
) -> None:
    monkeypatch.setattr(service, "VIDEO_WAIT_S", 0.05)

    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            documents = running.documents if has_metadata else None
            running.mount = replace(running.mount, video=SilentFeed(), metadata=documents)
            answer = await client.ask("DESCRIBE", running.url)
            assert answer.status == (200 if has_metadata else 503)
            assert b"m=video" not in answer.body
            assert (await client.ask("SETUP", f"{running.url}/trackID=0", Transport=TCP)).status == 503

    run(body)


def test_a_video_that_shows_itself_to_a_listener_is_described() -> None:
    shown = VideoFormat(codec="h264", width=64, height=48, fps=None)

    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            running.mount = replace(running.mount, video=SilentFeed(shown))
            lines = (await client.ask("DESCRIBE", running.url)).body.decode().splitlines()
            assert "a=fmtp:96 packetization-mode=1" in lines
            assert not any(line.startswith("a=framerate") for line in lines)

    run(body)


def test_another_codec_ends_the_viewers() -> None:
    class Changing(SilentFeed):
        codec = "h264"

        @property
        def format(self) -> VideoFormat | None:
            codec = self.codec
            return VideoFormat(codec="h264" if codec == "h264" else "hevc", width=64, height=48, fps=None)

        @asynccontextmanager
        async def listen(self, limit: int = 256) -> AsyncIterator[LiveListener]:
            self.listener = LiveListener(limit)
            yield self.listener

    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            feed = Changing()
            running.mount = replace(running.mount, video=feed)
            session = await client.set_up(running.url)
            await client.ask("PLAY", running.url, Session=session)
            key = LivePacket(data=clip().packets[0].data, captured_at=1.0, gop_captured_at=1.0, is_key=True, sequence=1)
            feed.listener.offer(key)
            assert (await _document(client))[0].data[1] & 0x7F == 96
            feed.codec = "hevc"
            feed.listener.offer(key)
            assert await client.ended()

    run(body)


def test_documents_wait_while_a_mount_is_frozen_and_the_report_comes_before_the_first() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            running.flow = Flow.FREEZE
            await _playing_metadata(client, running)
            await asyncio.sleep(0.01)
            assert running.server.statistics()["documents_sent"] == 0
            running.flow = Flow.OK
            running.documents.push(JOINED)
            assert [(await client.frame()).channel for _ in range(2)] == [1, 0]

    run(body)


def test_the_end_of_a_feed_ends_its_viewers() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            await _playing_metadata(client, running)
            await _document(client)
            running.documents.end()
            assert await client.ended()

    run(body)


def test_sixteen_clients_get_every_document() -> None:
    async def body() -> None:
        async with serving({}) as running:

            async def read() -> list[bytes]:
                async with connected(running) as client:
                    await _playing_metadata(client, running)
                    await joined.wait()
                    texts: list[bytes] = []
                    while len(texts) < 20:
                        text = b"".join(frame.data[12:] for frame in await _document(client))
                        texts += [text] if text != JOINED.data else []
                    return texts

            joined = asyncio.Event()

            async def push() -> None:
                await until(lambda: running.server.statistics()["playing"] == 16)
                joined.set()
                for number in range(20):
                    running.documents.push(Document(data=b"%d" % number * 2000, captured_at=1_700_000_000.0 + number))
                    await asyncio.sleep(0.002)

            async with background(push()):
                read_by_all = await asyncio.gather(*(read() for _ in range(16)))
            assert read_by_all == [[b"%d" % number * 2000 for number in range(20)]] * 16

    run(body)


@pytest.mark.parametrize(
    "transport", ["RTP/AVP;unicast;client_port=50000-50001", "RTP/AVP;multicast;destination=239.9.9.9;port=9000"]
)
def test_udp_and_groups_are_only_used_where_they_are_offered(transport: str) -> None:
    async def body() -> None:
        async with serving({}, udp=False) as running, connected(running) as client:
            assert (await client.ask("SETUP", f"{running.url}/{METADATA}", Transport=transport)).status == 461

    run(body)


def test_a_group_is_the_servers_choice_and_lasts_as_long_as_its_sessions() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client, connected(running) as other:
            groups = MulticastGroups(metadata=("239.1.2.3", 5004), ttl=7)
            running.mount = replace(running.mount, multicast=groups)
            wanted = "RTP/AVP/UDP;multicast;destination=224.0.0.1;port=9000-9001"
            answers = [
                await each.ask("SETUP", f"{running.url}/{METADATA}", Transport=wanted) for each in (client, other)
            ]
            told = {answer.header("Transport").partition(";ssrc=")[0] for answer in answers}
            assert told == {"RTP/AVP;multicast;destination=239.1.2.3;port=5004-5005;ttl=7"}
            assert (await client.ask("SETUP", f"{running.url}/trackID=0", Transport=wanted)).status == 461
            for each, answer in zip((client, other), answers, strict=True):
                session = answer.header("Session").partition(";")[0]
                assert (await each.ask("TEARDOWN", running.url, Session=session)).status == 200
            assert running.documents.listeners == 0

    run(body)
