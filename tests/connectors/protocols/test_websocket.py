from __future__ import annotations

import asyncio
import gc
import http
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.http11 import Request, Response

from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.serving import listening_to_streams
from connectors.protocols.websocket import WebSocket

pytestmark = pytest.mark.slow

WAIT_S = 10.0
AT_ONCE_S = 1.0
MAX_BYTES = 100_000


class Server:
    """Echoes. ``/long`` says too much at once, ``/long-and-deaf`` then reads no more, ``/bye`` hangs up.

    ``/moved`` is elsewhere, ``/no`` is refused.
    """

    def __init__(self) -> None:
        self.port: Future[int] = Future()
        self.headers: list[str] = []
        self.live: set[ServerConnection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()
        self._changed = threading.Condition()

    async def run(self, tls: ssl.SSLContext | None) -> None:
        self._loop = asyncio.get_running_loop()
        async with serve(
            self._serve, "127.0.0.1", 0, ssl=tls, process_request=self._admit, ping_interval=None, close_timeout=0.1
        ) as server:
            self.port.set_result(next(iter(server.sockets)).getsockname()[1])
            await self._over.wait()
            for connection in self.live:
                connection.transport.abort()

    def stop(self) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._over.set)

    def read_nothing(self) -> None:
        """From now on it reads no more, hence neither answers a ping nor a farewell."""
        assert self._loop is not None
        for connection in self.live:
            self._loop.call_soon_threadsafe(connection.transport.pause_reading)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, WAIT_S)

    async def _serve(self, connection: ServerConnection) -> None:
        self._change(self.live.add, connection)
        try:
            assert connection.request is not None
            if connection.request.path.startswith("/long"):
                if connection.request.path == "/long-and-deaf":
                    connection.transport.pause_reading()
                await connection.send("x" * (MAX_BYTES + 1))
            elif connection.request.path == "/bye":
                await connection.close(1001, "recycling")
            async for text in connection:
                await connection.send(text)
        except ConnectionClosedError:
            pass
        finally:
            self._change(self.live.discard, connection)

    def _change(self, change: Callable[[Any], object], what: Any) -> None:
        with self._changed:
            change(what)
            self._changed.notify_all()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self._change(self.headers.append, request.headers.get("Authorization", ""))
        if request.path == "/no":
            return connection.respond(http.HTTPStatus.UNAUTHORIZED, "no\n")
        if request.path == "/moved":
            answer = connection.respond(http.HTTPStatus.FOUND, "")
            answer.headers["Location"] = "/echo"
            return answer
        return None


@contextmanager
def in_thread(run: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join(WAIT_S)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> SiteAuthority:
    return SiteAuthority.create(tmp_path_factory.mktemp("ca"))


class OneThread(ssl.SSLObject):
    """Remembers which threads enter OpenSSL."""

    entered: set[int]

    def read(self, *arguments: Any) -> Any:
        self.entered.add(threading.get_ident())
        return super().read(*arguments)

    def write(self, data: Any) -> int:
        self.entered.add(threading.get_ident())
        return super().write(data)


class Site:
    """A server, and connections to it."""

    def __init__(self, server: Server, tls: ssl.SSLContext | None) -> None:
        self.server = server
        self.tls = tls

    def url(self, path: str) -> str:
        return f"{'wss' if self.tls else 'ws'}://127.0.0.1:{self.server.port.result(WAIT_S)}{path}"

    def open(self, path: str = "/echo", connection: WebSocket | None = None, **changes: Any) -> WebSocket:
        connection = connection or WebSocket(farewell_s=0.2)
        opening(connection, **{"url": self.url(path), "tls": self.tls, **changes})
        return connection


def opening(connection: WebSocket, **changes: Any) -> None:
    options: dict[str, Any] = {
        "tls": None,
        "headers": {"Authorization": "Bearer jwt"},
        "timeout_s": WAIT_S,
        "max_bytes": MAX_BYTES,
        "max_queue": 16,
    }
    connection.open(**{**options, **changes})


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread for thread in set(threading.enumerate()) - before if thread.name == "websocket"]
    for thread in left:
        thread.join(WAIT_S)
    assert not any(thread.is_alive() for thread in left)
    gc.collect()  # a socket or a transport that was left behind warns now, and a warning fails the test


@contextmanager
def running(authority: SiteAuthority, *, has_tls: bool) -> Iterator[Site]:
    server_tls, client_tls = None, None
    if has_tls:
        server_tls, client_tls = authority.server_context(["127.0.0.1"]), authority.client_context()
        server_tls.minimum_version = ssl.TLSVersion.TLSv1_3
    server = Server()
    with in_thread(lambda: asyncio.run(server.run(server_tls)), server.stop):
        server.port.result(WAIT_S)
        yield Site(server, client_tls)


@pytest.fixture(params=[True, False], ids=["TLS 1.3", "plain"])
def site(request: pytest.FixtureRequest, authority: SiteAuthority) -> Iterator[Site]:
    with running(authority, has_tls=request.param) as site:
        yield site


@pytest.fixture
def secure(authority: SiteAuthority) -> Iterator[Site]:
    with running(authority, has_tls=True) as site:
        yield site


@contextmanager
def waiting(act: Callable[[], object]) -> Iterator[Future[object]]:
    """Does it in a thread of its own."""
    done: Future[object] = Future()

    def body() -> None:
        try:
            done.set_result(act())
        except Exception as error:  # noqa: BLE001 - thread edge: the test looks at it
            done.set_exception(error)

    with in_thread(body, lambda: None):
        yield done


def aborted_at_once(connection: WebSocket, done: Future[object]) -> None:
    began = time.monotonic()
    connection.abort()
    assert isinstance(done.exception(WAIT_S), ConnectionAbortedError)
    assert time.monotonic() - began < AT_ONCE_S


def test_what_is_sent_comes_back(site: Site) -> None:
    connection = site.open()
    for text in ("one", "two", "x" * MAX_BYTES):
        connection.send(text, WAIT_S)
        assert connection.receive(WAIT_S) == text
    assert connection.ping(WAIT_S).wait(WAIT_S)
    connection.close()
    connection.close()
    site.server.wait_until(lambda: not site.server.live)
    assert site.server.headers == ["Bearer jwt"]


def test_openssl_is_entered_by_one_thread_only(secure: Site) -> None:
    assert secure.tls is not None
    entered: set[int] = set()
    secure.tls.sslobject_class = type("Watched", (OneThread,), {"entered": entered})
    connection = secure.open()
    with waiting(lambda: connection.receive(WAIT_S)) as received:
        connection.send("hello", WAIT_S)
        assert received.result(WAIT_S) == "hello"
    connection.close()
    assert len(entered) == 1
    assert threading.get_ident() not in entered


def test_a_hundred_connections_one_after_the_other_hang_nowhere(secure: Site) -> None:
    for number in range(100):
        connection = secure.open()
        connection.send(str(number), WAIT_S)
        assert connection.receive(WAIT_S) == str(number)
        connection.close()


def test_nothing_received_in_time_loses_nothing(site: Site) -> None:
    connection = site.open()
    with pytest.raises(TimeoutError):
        connection.receive(0.01)
    connection.send("late", WAIT_S)
    assert connection.receive(WAIT_S) == "late"
    connection.close()


def test_abort_wakes_who_receives(site: Site) -> None:
    connection = site.open()
    with waiting(lambda: connection.receive(WAIT_S)) as done:
        connection.send("read this first", WAIT_S)
        done.result(WAIT_S)
    with waiting(lambda: connection.receive(60.0)) as done:
        aborted_at_once(connection, done)
    site.server.wait_until(lambda: not site.server.live)
    connection.close()


def test_abort_while_messages_wait_unread(site: Site) -> None:
    connection = site.open(max_queue=1)
    for _ in range(20):
        connection.send("x" * 10_000, WAIT_S)
    assert connection.receive(WAIT_S)
    connection.abort()
    site.server.wait_until(lambda: not site.server.live)
    for act in (lambda: connection.receive(1.0), lambda: connection.send("", 1.0), lambda: connection.ping(1.0)):
        with pytest.raises(ConnectionAbortedError):
            act()


@contextmanager
def deaf_server(tls: ssl.SSLContext | None) -> Iterator[tuple[int, threading.Event]]:
    """Takes the upgrade and never answers it; the port, and what is set once an upgrade came."""
    asked, over, port = threading.Event(), threading.Event(), Future[int]()

    async def take(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()

    async def run() -> None:
        async with listening_to_streams(take, "127.0.0.1", 0, ssl_context=tls) as number:
            port.set_result(number)
            await asyncio.get_running_loop().run_in_executor(None, over.wait, WAIT_S)

    with in_thread(lambda: asyncio.run(run()), over.set):
        yield port.result(WAIT_S), asked


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_abort_ends_an_upgrade_that_nobody_answers(authority: SiteAuthority, scheme: str) -> None:
    has_tls = scheme == "wss"
    connection = WebSocket()
    with deaf_server(authority.server_context(["127.0.0.1"]) if has_tls else None) as (port, asked):
        url, tls = f"{scheme}://127.0.0.1:{port}/", authority.client_context() if has_tls else None
        with waiting(lambda: opening(connection, url=url, tls=tls, timeout_s=60.0)) as done:
            assert asked.wait(WAIT_S)
            aborted_at_once(connection, done)
        with pytest.raises(TimeoutError, match=r"0\.2 s"):
            opening(WebSocket(), url=url, tls=tls, timeout_s=0.2)


def test_abort_ends_a_tls_handshake_that_nobody_answers(authority: SiteAuthority) -> None:
    connection = WebSocket()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.settimeout(WAIT_S)
        url, tls = f"wss://127.0.0.1:{mute.getsockname()[1]}/", authority.client_context()
        with waiting(lambda: opening(connection, url=url, tls=tls, timeout_s=60.0)) as done:
            peer, _ = mute.accept()
            with peer:
                peer.settimeout(WAIT_S)
                assert peer.recv(1)
                aborted_at_once(connection, done)
        with pytest.raises(TimeoutError):
            opening(WebSocket(farewell_s=0.2), url=url, tls=tls, timeout_s=0.2)


def test_abort_ends_a_look_up_that_no_name_server_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answered = threading.Event(), threading.Event()

    def look_up(*_: Any, **__: Any) -> list[Any]:
        asked.set()
        assert answered.wait(WAIT_S)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    connection = WebSocket()
    try:
        with waiting(lambda: opening(connection, url="ws://gateway.site.test/")) as done:
            assert asked.wait(WAIT_S)
            aborted_at_once(connection, done)
    finally:
        answered.set()


def test_the_second_address_of_a_host_is_tried(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, given, **rest: look_up(host, port, **rest) + look_up(host, given, **rest)
    )
    site.open().close()


def test_an_aborted_connection_does_not_open(site: Site) -> None:
    connection = WebSocket()
    connection.abort()
    with pytest.raises(ConnectionAbortedError):
        site.open(connection=connection)
    assert site.server.headers == []


def test_a_refused_upgrade_is_told_with_its_status(site: Site) -> None:
    with pytest.raises(InvalidStatus) as caught:
        site.open("/no")
    assert caught.value.response.status_code == 401


def test_a_redirect_is_not_followed(site: Site) -> None:
    with pytest.raises(ValueError, match="redirect"):
        site.open("/moved")
    assert len(site.server.headers) == 1


def test_a_proxy_is_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    site.open().close()
    assert len(site.server.headers) == 1


@pytest.mark.parametrize("path", ["/long", "/long-and-deaf"])
def test_an_oversized_message_ends_the_connection(site: Site, path: str) -> None:
    connection = site.open(path)
    with pytest.raises(ConnectionClosedError, match="1009"):
        connection.receive(0.5)
    connection.close()


def test_a_peer_that_hangs_up_is_told(site: Site) -> None:
    connection = site.open("/bye")
    with pytest.raises(ConnectionClosedOK, match="recycling"):
        connection.receive(WAIT_S)
    with pytest.raises(ConnectionClosedOK):
        connection.send("too late", WAIT_S)
    connection.close()


def test_a_ping_that_is_not_answered_stays_unset(site: Site) -> None:
    connection = site.open()
    site.server.wait_until(lambda: bool(site.server.live))
    site.server.read_nothing()
    pong = connection.ping(WAIT_S)
    connection.close()
    assert not pong.is_set()


def test_a_peer_of_another_authority_is_not_spoken_to(secure: Site, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        secure.open(tls=SiteAuthority.create(tmp_path).client_context())
    with pytest.raises(ssl.SSLCertVerificationError, match="match"):
        secure.open(url=secure.url("/echo").replace("127.0.0.1", "localhost"))
    assert secure.server.headers == []


def test_nobody_listening_is_an_os_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        opening(WebSocket(), url=f"ws://127.0.0.1:{port}/")
    with pytest.raises(ConnectionError, match="not open"):
        WebSocket().send("nothing", 1.0)
