"""Real sockets: what a slow, silent or unwilling client can do to the page."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import requests

from core.clock import ManualClock
from core.metrics import server as module
from core.metrics.server import MAX_CONNECTIONS, PageServer
from tests.core.metrics.pki import pki

pytestmark = pytest.mark.slow

WAIT_S = 5.0


class Running:
    """A server in a thread; ``entered`` is set by each request, which waits for ``release`` where ``is_held``."""

    def __init__(self, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.clock = ManualClock()
        self.entered = threading.Semaphore(0)
        self.release = threading.Event()
        self.is_held = False
        self.fails: Exception | None = None
        self._stopping = threading.Event()
        self.server = PageServer((host, 0), self._answer, tls=tls, clock=self.clock)
        self.port = self.server.server_port
        self._thread = threading.Thread(
            target=self.server.serve_until, args=(self._stopping.is_set,), name="test-server", daemon=True
        )
        self._thread.start()

    def _answer(self, environ: dict[str, object], start: Callable[..., object]) -> list[bytes]:
        self.entered.release()
        if self.fails:
            raise self.fails
        if self.is_held:
            assert self.release.wait(WAIT_S)
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"here"]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S)

    def stop(self) -> None:
        self.release.set()
        self._stopping.set()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    def serving(self) -> int:
        return len(self.server._open)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(PageServer, "timeout", 0.02)
    made = Running()
    yield made
    made.stop()


def ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def fetched(running: Running) -> str:
    return requests.get(f"http://127.0.0.1:{running.port}/", timeout=WAIT_S).text


def until(condition: Callable[[], bool]) -> None:
    """Waits for what no event tells: the end of a thread that the server keeps."""
    pause = threading.Event()
    for _ in range(500):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it never came true")


def test_a_request_is_answered(running: Running) -> None:
    assert fetched(running) == "here"


def test_a_client_that_says_nothing_does_not_keep_another_waiting(running: Running) -> None:
    with closing(running.connect()):
        assert fetched(running) == "here"


def test_a_client_that_says_nothing_is_cut(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module._Handler, "timeout", 0.05)
    with closing(running.connect()) as silent:
        assert ended(silent)


def test_a_client_that_drips_its_request_is_cut_when_its_time_is_over(running: Running) -> None:
    with closing(running.connect()) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        until(lambda: running.serving() == 1)
        slow.sendall(b"X: y\r\n")
        running.clock.advance(module.CONNECTION_S + 1)
        assert ended(slow)
    until(lambda: running.serving() == 0)


def test_no_more_threads_than_a_few_whatever_comes(running: Running) -> None:
    running.is_held = True
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS):
            held = stack.enter_context(closing(running.connect()))
            held.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert running.entered.acquire(timeout=WAIT_S)
        beyond = stack.enter_context(closing(running.connect()))
        assert ended(beyond)
        assert running.serving() == MAX_CONNECTIONS
        running.release.set()
    until(lambda: running.serving() == 0)
    assert fetched(running) == "here"


def test_a_client_that_leaves_in_the_middle_harms_nobody(running: Running) -> None:
    for _ in range(20):
        with closing(running.connect()) as leaving:
            leaving.sendall(b"GET / HT")
    until(lambda: running.serving() == 0)
    assert fetched(running) == "here"


@pytest.mark.parametrize("rubbish", [b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET\r\n\r\n", b"A" * 70_000 + b"\r\n"])
def test_rubbish_harms_nobody(running: Running, rubbish: bytes) -> None:
    with closing(running.connect()) as client:
        client.sendall(rubbish)
        until(lambda: running.serving() == 0)
    assert fetched(running) == "here"


def test_a_defect_in_the_page_ends_one_request_only(running: Running, capfd: pytest.CaptureFixture[str]) -> None:
    running.fails = RuntimeError("a defect")
    assert requests.get(f"http://127.0.0.1:{running.port}/", timeout=WAIT_S).status_code == 500
    running.fails = None
    assert fetched(running) == "here"
    assert capfd.readouterr().err == ""


def test_stopping_cuts_a_request_under_way_and_frees_the_address(running: Running) -> None:
    with closing(running.connect()) as silent:
        until(lambda: running.serving() == 1)
        running.stop()
        assert ended(silent)
    with closing(socket.socket()) as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", running.port))


def test_only_the_declared_address_is_open(running: Running) -> None:
    with pytest.raises(ConnectionRefusedError), closing(socket.socket()) as other:
        other.connect(("127.0.0.2", running.port))


def test_an_address_in_use_is_refused(running: Running) -> None:
    with pytest.raises(OSError, match=re.compile("in use", re.IGNORECASE)):
        PageServer(("127.0.0.1", running.port), running._answer, tls=None, clock=ManualClock())


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_ipv6_address_opens_no_ipv4_one() -> None:
    try:
        made = Running(host="::1")
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    try:
        assert requests.get(f"http://[::1]:{made.port}/", timeout=WAIT_S).text == "here"
        with pytest.raises(ConnectionRefusedError):
            made.connect()
    finally:
        made.stop()


def test_over_tls_the_handshake_of_one_client_keeps_nobody_waiting(tmp_path: Path) -> None:
    certificates = pki(tmp_path)
    made = Running(tls=certificates.server_context())
    try:
        with closing(made.connect()):  # never shakes hands
            answer = requests.get(f"https://127.0.0.1:{made.port}/", verify=str(certificates.ca), timeout=WAIT_S)
        assert answer.text == "here"
        with closing(made.connect()) as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            plain.recv(100)  # a TLS alert, or nothing
        assert requests.get(f"https://127.0.0.1:{made.port}/", verify=str(certificates.ca), timeout=WAIT_S).ok
    finally:
        made.stop()


def test_over_tls_a_client_that_never_shakes_hands_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PageServer, "timeout", 0.02)
    made = Running(tls=pki(tmp_path).server_context())
    try:
        with closing(made.connect()) as silent:
            until(lambda: made.serving() == 1)
            made.clock.advance(module.CONNECTION_S + 1)
            assert ended(silent)
        until(lambda: made.serving() == 0)
    finally:
        made.stop()
