"""SOAP, tunnelled RTSP and RTSPS on one port."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.rtsp import tunnel as tunnel_module
from connectors.protocols.rtsp.door import DoorLimits
from connectors.protocols.rtsp.message import InterleavedFrame, MessageReader, Request, Response
from connectors.protocols.rtsp.one_port import MAX_HEAD_BYTES, one_port, settle
from tests.connectors.protocols.rtsp.harness import JOINED, TCP, USERS, Serving, connected_to, digest, run, serving

pytestmark = pytest.mark.slow

ACCEPT = {"Accept": "application/x-rtsp-tunnelled"}
POSTED = {"Content-Type": "application/x-rtsp-tunnelled", "Content-Length": "32767"}


@dataclass(kw_only=True)
class OnePort:
    """The port, and the RTSP server behind it."""

    running: Serving
    port: int
    refused: list[int]

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/cam"


async def _echo(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.scheme} {len(await request.read())}")


async def _door_keeper(request: web.Request) -> web.Response:
    """Knows a client by its password."""
    if request.headers.get("Authorization") == "known":
        settle(request)
    return web.Response(text="answer")


@asynccontextmanager
async def opened(
    users: dict[str, str] | None = None,
    *,
    ssl_context: ssl.SSLContext | None = None,
    limits: DoorLimits | None = None,
    session_timeout_s: float = 60.0,
) -> AsyncIterator[OnePort]:
    app = web.Application()
    app.router.add_route("*", "/onvif/device_service", _echo)
    refused: list[int] = []
    async with (
        serving(users or {}, session_timeout_s=session_timeout_s) as running,
        one_port(
            app, running.server, "127.0.0.1", 0, ssl_context, limits=limits, refused=lambda: refused.append(1)
        ) as port,
    ):
        yield OnePort(running=running, port=port, refused=refused)


class TunnelClient:
    """Both halves of a tunnel, by hand."""

    def __init__(self, port: int, ssl_context: ssl.SSLContext | None = None) -> None:
        self._port = port
        self._ssl_context = ssl_context
        self._writers: list[asyncio.StreamWriter] = []
        self._messages = MessageReader()
        self._waiting: list[Response | InterleavedFrame] = []
        self._cseq = 0
        self.get: asyncio.StreamReader
        self.post: asyncio.StreamReader

    async def half(self, method: str, cookie: str, headers: dict[str, str]) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._ssl_context)
        lines = [f"{method} /cam HTTP/1.0", f"x-sessioncookie: {cookie}", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        self._writers.append(writer)
        return reader

    async def open(self, cookie: str = "abc") -> bytes:
        """The answer to the GET."""
        self.get = await self.half("GET", cookie, ACCEPT)
        head = await self.get.readuntil(b"\r\n\r\n")
        self.post = await self.half("POST", cookie, POSTED)
        return head

    def say(self, data: bytes) -> None:
        self._writers[-1].write(base64.b64encode(data))

    async def ask(self, method: str, url: str, **headers: str) -> Response:
        self._cseq += 1
        request = Request(method=method, url=url, headers={"CSeq": str(self._cseq), **headers})
        self.say(request.to_bytes())
        return await self.response()

    async def response(self) -> Response:
        while not isinstance(message := await self.next(), Response):
            pass
        return message

    async def next(self) -> Response | InterleavedFrame:
        while not self._waiting:
            data = await self.get.read(65536)
            assert data, "the server closed the tunnel"
            self._waiting += [item for item in self._messages.feed(data) if not isinstance(item, Request)]
        return self._waiting.pop(0)

    async def play_metadata(self, url: str) -> None:
        setup = await self.ask("SETUP", f"{url}/trackID=1", Transport=TCP)
        assert setup.status == 200
        session = setup.header("Session").partition(";")[0]
        assert (await self.ask("PLAY", url, Session=session)).status == 200

    def close(self, half: int = 0) -> None:
        self._writers[half].close()

    def leave(self) -> None:
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def tunnel(place: OnePort, ssl_context: ssl.SSLContext | None = None) -> AsyncIterator[TunnelClient]:
    client = TunnelClient(place.port, ssl_context)
    try:
        yield client
    finally:
        client.leave()


@pytest.mark.parametrize("has_tls", [False, True])
def test_http_goes_to_the_application_and_its_connection_stays(tmp_path: Path, has_tls: bool) -> None:
    async def body() -> None:
        authority = SiteAuthority.create(tmp_path)
        context = authority.server_context(["127.0.0.1"]) if has_tls else None
        scheme = "https" if has_tls else "http"
        verified: ssl.SSLContext | bool = authority.client_context() if has_tls else True
        async with opened(ssl_context=context) as place, ClientSession() as session:
            for size in (0, 10, 100_000):
                url = f"{scheme}://127.0.0.1:{place.port}/onvif/device_service"
                async with session.post(url, data=b"x" * size, ssl=verified) as answer:
                    assert await answer.text() == f"{scheme} {size}"

    run(body)


@pytest.mark.parametrize("has_tls", [False, True])
def test_a_tunnel_carries_requests_and_packets(tmp_path: Path, has_tls: bool) -> None:
    async def body() -> None:
        authority = SiteAuthority.create(tmp_path)
        context = authority.server_context(["127.0.0.1"]) if has_tls else None
        trusted = authority.client_context() if has_tls else None
        async with opened(ssl_context=context) as place, tunnel(place, trusted) as client:
            head = await client.open()
            assert head.startswith(b"HTTP/1.0 200 OK\r\n")
            assert b"Content-Type: application/x-rtsp-tunnelled\r\n" in head
            await client.play_metadata(place.url)
            kinds = [await client.next() for _ in range(2)]
            assert [kind.channel for kind in kinds if isinstance(kind, InterleavedFrame)] == [1, 0]
            assert kinds[1].data[12:] == JOINED.data if isinstance(kinds[1], InterleavedFrame) else False

    run(body)


def test_credentials_are_asked_by_rtsp_and_not_by_http() -> None:
    async def body() -> None:
        async with opened(USERS) as place, tunnel(place) as client:
            assert (await client.open()).startswith(b"HTTP/1.0 200")
            refused = await client.ask("DESCRIBE", place.url)
            assert refused.status == 401
            header = digest(refused.header("WWW-Authenticate"), "DESCRIBE", place.url)
            assert (await client.ask("DESCRIBE", place.url, Authorization=header)).status == 200

    run(body)


@pytest.mark.parametrize("transport", ["RTP/AVP;unicast;client_port=5000-5001", "RTP/AVP;multicast"])
def test_no_packet_leaves_a_tunnel_by_udp(transport: str) -> None:
    async def body() -> None:
        async with opened() as place, tunnel(place) as client:
            await client.open()
            assert (await client.ask("SETUP", f"{place.url}/trackID=1", Transport=transport)).status == 461

    run(body)


def test_a_post_that_ended_may_be_followed_by_another() -> None:
    async def body() -> None:
        async with opened() as place, tunnel(place) as client:
            await client.open()
            await client.play_metadata(place.url)
            client.close(1)
            while True:  # until the server has seen that the first one ended
                again = await client.half("POST", "abc", POSTED)
                client.say(Request(method="OPTIONS", url="*", headers={"CSeq": "77"}).to_bytes())
                refusal = asyncio.create_task(again.read(1))
                answer = asyncio.create_task(client.response())
                await asyncio.wait([refusal, answer], return_when=asyncio.FIRST_COMPLETED)
                is_answered = answer.done()
                refusal.cancel()
                answer.cancel()
                await asyncio.gather(refusal, answer, return_exceptions=True)
                if is_answered:
                    assert answer.result().header("CSeq") == "77"
                    return

    run(body)


def test_a_tunnel_ends_with_its_get() -> None:
    async def body() -> None:
        async with opened() as place, tunnel(place) as client:
            await client.open()
            await client.play_metadata(place.url)
            client.close(0)
            assert await client.post.read() == b""
            assert place.running.server.statistics()["playing"] == 0

    run(body)


def test_the_halves_of_a_tunnel_may_come_in_either_order() -> None:
    async def body() -> None:
        async with opened() as place, tunnel(place) as client:
            await client.half("POST", "abc", POSTED)
            client.say(Request(method="OPTIONS", url="*", headers={"CSeq": "5"}).to_bytes())
            async with connected_to(
                place.port
            ) as other:  # its answer shows that the POST was read before the GET comes
                assert (await other.ask("OPTIONS", "*")).status == 200
            client.get = await client.half("GET", "abc", ACCEPT)
            assert (await client.get.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.0 200")
            assert (await client.response()).header("CSeq") == "5"

    run(body)


def test_halves_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel_module, "GET_WAIT_S", 0.1)

    async def body() -> None:
        async with opened() as place, tunnel(place) as client:
            lonely = await client.half("POST", "unknown", POSTED)
            assert (await lonely.read()).startswith(b"HTTP/1.0 400")
            await client.open()
            second_get = await client.half("GET", "abc", ACCEPT)
            assert (await second_get.read()).startswith(b"HTTP/1.0 400")
            await asyncio.sleep(0)
            second_post = await client.half("POST", "abc", POSTED)
            assert (await second_post.read()).startswith(b"HTTP/1.0 400")

    run(body)


def test_what_is_not_base64_ends_the_tunnel() -> None:
    async def body() -> None:
        async with opened() as place, tunnel(place) as client:
            await client.open()
            client._writers[-1].write(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
            assert await client.get.read() == b""

    run(body)


@pytest.mark.parametrize("headers", [{}, {"x-sessioncookie": ""}, {"x-sessioncookie": "c" * 300, **ACCEPT}])
def test_a_get_without_a_usable_cookie_is_the_applications(headers: dict[str, str]) -> None:
    async def body() -> None:
        async with opened() as place, ClientSession() as session:
            url = f"http://127.0.0.1:{place.port}/onvif/device_service"
            async with session.get(url, headers=headers) as answer:
                assert await answer.text() == "http 0"

    run(body)


def test_plain_rtsp_is_served_on_the_same_port() -> None:
    async def body() -> None:
        async with opened() as place, connected_to(place.port) as client:
            assert (await client.ask("OPTIONS", "*")).status == 200
            assert (await client.ask("DESCRIBE", place.url)).status == 200

    run(body)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n" + b"x" * MAX_HEAD_BYTES, b"y" * 2 * MAX_HEAD_BYTES])
def test_a_head_without_end_is_refused(data: bytes) -> None:
    async def body() -> None:
        async with opened() as place:
            reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
            writer.write(data)
            assert (await reader.readline()).startswith(b"HTTP/1.1 431")
            writer.close()

    run(body)


def test_a_head_that_comes_too_slowly_is_cut_off() -> None:
    async def body() -> None:
        async with opened(limits=DoorLimits(patience_s=0.1)) as place:
            reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
            writer.write(b"POST /onvif/device_service HTTP/1.1\r\n")
            assert await reader.read() == b""
            assert place.refused == [1]
            writer.close()

    run(body)


def test_a_tunnel_without_a_session_is_cut_off_and_one_with_a_session_stays() -> None:
    async def body() -> None:
        async with opened(limits=DoorLimits(patience_s=0.3)) as place, tunnel(place) as idle, tunnel(place) as busy:
            await idle.open("idle")
            await busy.open("busy")
            await busy.play_metadata(place.url)
            assert await idle.get.read() == b""
            assert (await busy.ask("OPTIONS", "*")).status == 200

    run(body)


@pytest.mark.parametrize("has_tls", [False, True])
def test_hundreds_of_silent_connections_do_not_keep_a_client_out(tmp_path: Path, has_tls: bool) -> None:
    async def body() -> None:
        authority = SiteAuthority.create(tmp_path)
        context = authority.server_context(["127.0.0.1"]) if has_tls else None
        trusted = authority.client_context() if has_tls else True
        async with opened(ssl_context=context, limits=DoorLimits(newcomers=8, connections=16)) as place:
            silent = [await asyncio.open_connection("127.0.0.1", place.port) for _ in range(300)]
            url = f"{'https' if has_tls else 'http'}://127.0.0.1:{place.port}/onvif/device_service"
            async with ClientSession() as session, session.get(url, ssl=trusted) as answer:
                assert answer.status == 200
            assert len(place.refused) >= 290
            for _, writer in silent:
                writer.close()

    run(body)


def test_whoever_the_application_does_not_know_makes_room_for_others_and_who_is_known_stays() -> None:
    async def body() -> None:
        app = web.Application()
        app.router.add_route("*", "/", _door_keeper)
        limits = DoorLimits(newcomers=8, connections=16, patience_s=0.3)
        async with (
            serving() as running,
            one_port(app, running.server, "127.0.0.1", 0, limits=limits, app_settles=True) as port,
        ):
            known = await asyncio.open_connection("127.0.0.1", port)
            strangers = [known]
            for number in range(60):
                reader, writer = strangers[-1]
                word = b"Authorization: known\r\n" if number == 0 else b""
                writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n" + word + b"\r\n")
                assert (await reader.readuntil(b"answer")).startswith(b"HTTP/1.1 200")
                strangers.append(await asyncio.open_connection("127.0.0.1", port))
            assert await strangers[1][0].read() == b""
            await asyncio.sleep(0.4)  # nobody presses any more: patience with a request that was read has no end
            for reader, writer in (known, strangers[-2]):
                writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert (await reader.readuntil(b"answer")).startswith(b"HTTP/1.1 200")
            for _, writer in strangers:
                writer.close()

    run(body)
