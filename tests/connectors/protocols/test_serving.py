from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager

import pytest
from aiohttp import web

from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.serving import _socket_of, listening, listening_to_streams
from core.errors import UsageError

pytestmark = pytest.mark.slow

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> SiteAuthority:
    return SiteAuthority.create(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What asyncio would have logged, were it not for a test that looks."""
    said: list[str] = []
    yield said
    gc.collect()  # a transport that was left behind warns now, and a warning fails the test
    assert said == []


def run(body: Callable[[], Awaitable[None]], complaints: list[str]) -> None:
    async def limited() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(str(context)))
        async with asyncio.timeout(10):
            await body()

    asyncio.run(limited())


def application() -> web.Application:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_get("/", answer)
    return app


async def ask(port: int, tls: ssl.SSLContext, rest: bytes) -> socket.socket:
    """A client of blocking sockets, which answers no farewell of TLS's."""

    def asked() -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", port), timeout=5)
        client = tls.wrap_socket(plain, server_hostname="127.0.0.1")
        client.sendall(REQUEST + rest)
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
        return client

    return await asyncio.to_thread(asked)


@pytest.mark.parametrize("rest", [b"\r\n", b"Connection: close\r\n\r\n"], ids=["kept-alive", "to-be-closed"])
def test_a_tls_client_that_stays_connected_is_let_go_at_once(
    authority: SiteAuthority, complaints: list[str], rest: bytes
) -> None:
    clients: list[socket.socket] = []

    async def body() -> None:
        tls = authority.server_context(["127.0.0.1"])
        async with asyncio.timeout(5), listening(application(), "127.0.0.1", 0, ssl_context=tls) as port:
            clients.append(await ask(port, authority.client_context(), rest))

    run(body, complaints)
    assert clients[0].recv(1) == b""
    clients[0].close()


@pytest.mark.parametrize("kind", ["http", "streams"])
def test_a_client_amid_the_tls_handshake_does_not_hold_the_end_up(
    authority: SiteAuthority, complaints: list[str], kind: str
) -> None:
    async def body() -> None:
        tls = authority.server_context(["127.0.0.1"])
        async with asyncio.timeout(5), opened(kind, tls) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()

    run(body, complaints)


def opened(kind: str, tls: ssl.SSLContext | None = None) -> AbstractAsyncContextManager[int]:
    if kind == "http":
        return listening(application(), "127.0.0.1", 0, ssl_context=tls)
    return listening_to_streams(echo, "127.0.0.1", 0, ssl_context=tls)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
        await writer.drain()


@pytest.mark.parametrize("is_secure", [True, False])
def test_connections_under_way_end_with_the_server(
    authority: SiteAuthority, complaints: list[str], is_secure: bool
) -> None:
    async def body() -> None:
        tls = authority.server_context(["127.0.0.1"]) if is_secure else None
        async with opened("streams", tls) as port:
            trusted = authority.client_context() if is_secure else None
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusted)
            writer.write(b"x")
            assert await reader.read(1) == b"x"
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.transport.abort()

    run(body, complaints)


def test_what_was_written_last_still_arrives(authority: SiteAuthority, complaints: list[str]) -> None:
    async def farewell(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 300_000)

    async def body() -> None:
        async with listening_to_streams(farewell, "127.0.0.1", 0) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert len(await reader.read()) == 300_000
            writer.close()

    run(body, complaints)


def test_connections_that_come_while_the_server_ends_leave_no_trace(complaints: list[str]) -> None:
    async def body() -> None:
        async with opened("streams") as port:
            clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
            await asyncio.sleep(0)  # some are accepted, none is served yet
        for client in clients:
            client.close()

    run(body, complaints)


@pytest.mark.parametrize("kind", ["http", "streams"])
def test_a_port_that_is_taken_is_told(complaints: list[str], kind: str) -> None:
    async def body() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            again = (
                listening(application(), "127.0.0.1", port)
                if kind == "http"
                else listening_to_streams(echo, "127.0.0.1", port)
            )
            with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}"):
                async with again:
                    pass

    run(body, complaints)


def test_a_tls_transport_that_has_let_go_of_its_protocol_has_no_socket_any_more() -> None:
    class LetGo(asyncio.BaseTransport):
        """As asyncio's own on 3.11, after its connection was lost."""

        def get_extra_info(self, name: str, default: object = None) -> object:
            raise AttributeError("'NoneType' object has no attribute '_get_extra_info'")

    assert _socket_of(LetGo()) is None
    assert _socket_of(None) is None
