from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import replace

import pytest

from connectors.protocols.rtsp.mount import Flow
from connectors.protocols.rtsp.server import RtspServer
from core.clock import ManualClock
from core.errors import UsageError
from tests.connectors.protocols.rtsp.harness import FPS, TCP, RawClient, connected, digest, run, serving

pytestmark = pytest.mark.slow


async def _playing(client: RawClient, url: str, transport: str = TCP) -> str:
    session = await client.set_up(url, transport)
    response = await client.ask("PLAY", url, Session=session)
    assert response.status == 200
    return session


def test_options_and_describe_answer_what_clients_need() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            options = await client.ask("OPTIONS", "*")
            assert {"DESCRIBE", "SETUP", "PLAY", "TEARDOWN", "GET_PARAMETER"} <= set(
                options.header("Public").split(", ")
            )
            described = await client.ask("DESCRIBE", running.url, Accept="application/sdp")
            assert described.header("Content-Type") == "application/sdp"
            assert described.header("Content-Base") == f"{running.url}/"
            assert b"m=video 0 RTP/AVP 96" in described.body

    run(body)


@pytest.mark.parametrize("index", [0, 1])
def test_a_digest_opens_the_door(index: int) -> None:
    async def body() -> None:
        async with serving() as running, connected(running) as client:
            refused = await client.ask("DESCRIBE", running.url)
            challenges = [value for name, value in refused.headers if name == "WWW-Authenticate"]
            assert refused.status == 401
            assert all("nonce=" in challenge for challenge in challenges)
            header = digest(challenges[index], "DESCRIBE", running.url)
            assert (await client.ask("DESCRIBE", running.url, Authorization=header)).status == 200

    run(body)


def test_an_unknown_path_is_not_told_to_strangers() -> None:
    async def body() -> None:
        async with serving() as running, connected(running) as client:
            assert (await client.ask("DESCRIBE", f"{running.url}/other")).status == 401

    run(body)


ERRORS = [
    pytest.param("DESCRIBE", "x", {}, 404, id="unknown path"),
    pytest.param("DESCRIBE", "", {"Accept": "text/plain"}, 406, id="only SDP"),
    pytest.param("DESCRIBE", "", {"Require": "onvif-replay"}, 551, id="unknown option"),
    pytest.param("SETUP", "", {"Transport": TCP}, 459, id="set up of the aggregate"),
    pytest.param("SETUP", "x/trackID=0", {"Transport": TCP}, 404, id="set up of an unknown path"),
    pytest.param("SETUP", "/trackID=0", {}, 461, id="no transport"),
    pytest.param("SETUP", "/trackID=0", {"Transport": "RTP/AVP;multicast"}, 461, id="multicast"),
    pytest.param("SETUP", "/trackID=0", {"Transport": "RTP/SAVP;unicast;client_port=5000-5001"}, 461, id="SRTP"),
    pytest.param("SETUP", "/trackID=0", {"Transport": "RTP/AVP;unicast"}, 461, id="UDP without ports"),
    pytest.param(
        "SETUP", "/trackID=0", {"Transport": "RTP/AVP;unicast;client_port=70000-70001"}, 461, id="no such port"
    ),
    pytest.param("SETUP", "/trackID=0", {"Transport": "RTP/AVP/TCP;unicast;interleaved=x"}, 461, id="no such channel"),
    pytest.param("SETUP", "/trackID=0", {"Transport": f"{TCP};mode=record"}, 461, id="recording"),
    pytest.param("PLAY", "", {}, 454, id="play without session"),
    pytest.param("PLAY", "", {"Session": "unknown"}, 454, id="play of an unknown session"),
    pytest.param("TEARDOWN", "", {"Session": "unknown"}, 454, id="tear-down of an unknown session"),
    pytest.param("GET_PARAMETER", "", {"Session": "unknown"}, 454, id="keep-alive of an unknown session"),
    pytest.param("PAUSE", "", {}, 405, id="pause of live video"),
    pytest.param("DANCE", "", {}, 501, id="unknown method"),
]


@pytest.mark.parametrize(("method", "suffix", "headers", "status"), ERRORS)
def test_a_wrong_request_gets_its_error_and_the_connection_stays(
    method: str, suffix: str, headers: dict[str, str], status: int
) -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            assert (await client.ask(method, f"{running.url}{suffix}", **headers)).status == status
            assert (await client.ask("OPTIONS", "*")).status == 200

    run(body)


def test_the_state_and_the_url_of_a_session_are_watched() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            session = await client.set_up(running.url)
            track = f"{running.url}/trackID=0"
            assert (await client.ask("SETUP", track, Transport=TCP, Session=session)).status == 455
            assert (await client.ask("SETUP", track, Transport=TCP, Session="unknown")).status == 454
            assert (await client.ask("PLAY", f"{running.url}/trackID=1", Session=session)).status == 404
            assert (await client.ask("PLAY", f"{running.url}x", Session=session)).status == 404
            assert (
                await client.ask("PLAY", running.url, Session=session, Range="clock=20261120T101500Z-")
            ).status == 457

    run(body)


def test_parameters_are_not_understood_but_keep_alive() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            session = await client.set_up(running.url)
            assert (await client.ask("GET_PARAMETER", running.url, Session=session)).status == 200
            request = f"SET_PARAMETER {running.url} RTSP/1.0\r\nCSeq: 9\r\nContent-Length: 4\r\n\r\na: b"
            assert (await client.exchange(request.encode())).status == 451

    run(body)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"OPTIONS * RTSP/1.0\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: x\r\n\r\n", 400),
        (b"OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\r\n\r\n", 400),
    ],
)
def test_what_is_no_rtsp_request_is_a_bad_request(data: bytes, status: int) -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            assert (await client.exchange(data)).status == status

    run(body)


def test_interleaved_video_starts_with_a_report_and_a_key_frame_that_rtp_info_names() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            async with running.feed.listen() as feed:
                await anext(feed)
            session = await client.set_up(running.url, "RTP/AVP/TCP;unicast;interleaved=4-5")
            response = await client.ask("PLAY", running.url, Session=session, Range="npt=0.000-")
            report, first = await client.frame(), await client.frame()
            assert (report.channel, report.data[1]) == (5, 200)
            assert first.channel == 4
            _, _, sequence, timestamp, _ = struct.unpack(">BBHII", first.data[:12])
            assert response.header("RTP-Info") == f"url={running.url}/trackID=0;seq={sequence};rtptime={timestamp}"
            assert response.header("Range").startswith("clock=20")
            assert first.data[12] & 0x1F in {7, 24}  # SPS, alone or with the PPS

    run(body)


def test_channels_that_are_taken_are_not_given_twice() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            answers = [
                await client.ask("SETUP", f"{running.url}/trackID=0", Transport=transport)
                for transport in (TCP, TCP, "RTP/AVP/TCP;unicast")
            ]
            given = [answer.header("Transport").partition("interleaved=")[2].partition(";")[0] for answer in answers]
            assert given == ["0-1", "2-3", "4-5"]

    run(body)


def test_udp_packets_come_from_the_announced_ports() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp:
                rtp.bind(("127.0.0.1", 0))
                rtp.settimeout(5)
                port = rtp.getsockname()[1]
                transport = f"RTP/AVP;unicast;client_port={port}-{port + 1}"
                answer = await client.ask("SETUP", f"{running.url}/trackID=0", Transport=transport)
                session = answer.header("Session").partition(";")[0]
                await client.ask("PLAY", running.url, Session=session)
                _, (_, source) = await asyncio.to_thread(rtp.recvfrom, 2048)
                assert f"server_port={source}-{source + 1}" in answer.header("Transport")
                assert (await client.ask("TEARDOWN", running.url, Session=session)).status == 200
                assert running.server.statistics()["playing"] == 0

    run(body)


def test_a_session_belongs_to_its_user() -> None:
    async def body() -> None:
        users = {"vigie": "one", "other": "two"}
        async with serving(users) as running, connected(running) as client, connected(running) as thief:
            challenge = (await client.ask("DESCRIBE", running.url)).header("WWW-Authenticate")
            track = f"{running.url}/trackID=0"
            header = digest(challenge, "SETUP", track, "vigie", "one")
            session = await client.set_up(running.url, Authorization=header)
            challenge = (await thief.ask("DESCRIBE", running.url)).header("WWW-Authenticate")
            header = digest(challenge, "TEARDOWN", running.url, "other", "two")
            answer = await thief.ask("TEARDOWN", running.url, Session=session, Authorization=header)
            assert answer.status == 454

    run(body)


def test_a_client_that_says_nothing_is_sent_away() -> None:
    async def body() -> None:
        async with serving({}, session_timeout_s=0.2) as running, connected(running) as client:
            assert await client.ended()

    run(body)


TIMEOUT_S = 2.0


def test_a_session_without_sign_of_life_times_out() -> None:
    async def body() -> None:
        clock = ManualClock()
        async with serving({}, session_timeout_s=TIMEOUT_S, clock=clock) as running, connected(running) as client:
            await _playing(client, running.url)
            clock.advance(TIMEOUT_S + 0.1)
            assert await client.ended()
            assert running.server.statistics()["sessions_timed_out"] == 1

    run(body)


@pytest.mark.parametrize("sign", ["request", "rtcp"])
def test_signs_of_life_keep_a_session(sign: str) -> None:
    async def body() -> None:
        clock = ManualClock()
        async with serving({}, session_timeout_s=TIMEOUT_S, clock=clock) as running, connected(running) as client:
            session = await _playing(client, running.url)
            clock.advance(TIMEOUT_S - 0.1)
            if sign == "rtcp":
                client.writer.write(b"$\x01\x00\x04\x80\xc9\x00\x00")
                await client.ask("OPTIONS", "*")  # answered after the report was read
            else:
                await client.ask("GET_PARAMETER", running.url, Session=session)
            clock.advance(TIMEOUT_S - 0.1)
            async with running.feed.listen() as feed:
                for _ in range(round(TIMEOUT_S / 4 * FPS) + 2):  # until sessions were looked at
                    await anext(feed)
            assert running.server.statistics()["playing"] == 1
            assert running.server.statistics()["sessions_timed_out"] == 0

    run(body)


async def _play_without_reading(deaf: socket.socket, url: str, sessions: int) -> None:
    """Many sessions in one connection, to fill the buffers soon."""
    loop = asyncio.get_running_loop()
    names: list[str] = []
    for index in range(sessions):
        transport = f"RTP/AVP/TCP;unicast;interleaved={2 * index}-{2 * index + 1}"
        request = f"SETUP {url}/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: {transport}\r\n\r\n"
        await loop.sock_sendall(deaf, request.encode())
        answer = await loop.sock_recv(deaf, 4096)
        names.append(answer.partition(b"Session: ")[2].partition(b";")[0].decode())
    for name in names:
        await loop.sock_sendall(deaf, f"PLAY {url} RTSP/1.0\r\nCSeq: 2\r\nSession: {name}\r\n\r\n".encode())


@pytest.mark.slow
def test_a_client_that_does_not_read_is_disconnected() -> None:
    async def body() -> None:
        async with serving({}, send_timeout_s=0.3) as running:
            with socket.socket() as deaf:
                deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                deaf.setblocking(False)
                await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", running.server.port))
                await _play_without_reading(deaf, running.url, sessions=100)
                async with running.feed.listen() as feed:
                    async for _ in feed:
                        if running.server.statistics()["clients_too_slow"]:
                            break

    run(body)


def test_a_dropped_mount_closes_its_viewers_and_a_frozen_one_keeps_them() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client, running.feed.listen() as feed:
            await _playing(client, running.url)
            await client.frame()
            running.flow = Flow.FREEZE
            await anext(feed)
            await anext(feed)
            sent = running.server.statistics()["pictures_sent"]
            for _ in range(5):
                await anext(feed)
            assert running.server.statistics()["pictures_sent"] == sent
            running.flow = Flow.OK
            async for packet in feed:
                if packet.is_key:
                    break
            await anext(feed)
            await anext(feed)
            assert running.server.statistics()["pictures_sent"] > sent
            running.flow = Flow.DROP
            assert await client.ended()

    run(body)


def test_a_viewer_who_comes_while_the_mount_drops_is_dropped_by_the_very_first_look() -> None:
    async def body() -> None:
        async with serving({}) as running, connected(running) as client:
            looks = iter([Flow.DROP])
            running.mount = replace(running.mount, flow=lambda: next(looks, Flow.OK))
            await _playing(client, running.url)
            assert await client.ended()

    run(body)


def test_a_connection_whose_only_session_another_one_ended_is_sent_away_when_it_stays_silent() -> None:
    async def body() -> None:
        async with (
            serving({}, session_timeout_s=0.2) as running,
            connected(running) as owner,
            connected(running) as other,
        ):
            session = await owner.set_up(running.url, "RTP/AVP;unicast;client_port=50000-50001")
            assert (await other.ask("TEARDOWN", running.url, Session=session)).status == 200
            assert await owner.ended()

    run(body)


def test_a_port_that_is_taken_is_told() -> None:
    async def body() -> None:
        async with serving() as running:
            with pytest.raises(UsageError, match="cannot listen"):
                await RtspServer("127.0.0.1", running.server.port, lambda _: None, {}).start()

    run(body)
