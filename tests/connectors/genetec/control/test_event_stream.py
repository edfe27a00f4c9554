"""Opening event streams of a role that answers as the test says."""

from __future__ import annotations

import base64
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from connectors.genetec.control.event_parts import KeepAlive, Opened
from connectors.genetec.control.event_stream import EventStreams, StreamLink, cut
from core.clock import ManualClock, SystemClock
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    ProtocolViolation,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from tests.connectors.genetec.samples import settings

pytestmark = pytest.mark.slow

WAIT_S = 5.0
OPENED = b"ConnectionId:1\r\n\r\n"
KEEP_ALIVE = b"--GENETECBOUNDARY\r\nContent-type: text/plain\r\n\r\nKeepAlive\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\n\r\n"


def answer(status: str, location: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n"
    return (head + (f"Location: {location}\r\n" if location else "") + "\r\n").encode()


@dataclass
class Role:
    """Gives each connection the next answer; keeps the last one open where it says so."""

    answers: list[bytes]
    stays: bool = True
    heads: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        for number, data in enumerate(self.answers, start=1):
            try:
                peer, _ = self.server.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(WAIT_S)
                self.heads.append(self._head(peer))
                peer.sendall(data)
                if self.stays and number == len(self.answers):
                    self.done.wait(WAIT_S)

    def _head(self, peer: socket.socket) -> str:
        head = b""
        while b"\r\n\r\n" not in head and (data := peer.recv(4096)):
            head += data
        return head.decode()


@contextmanager
def role(*answers: bytes, stays: bool = True) -> Iterator[Role]:
    made = Role(list(answers), stays)
    try:
        yield made
    finally:
        made.done.set()
        with suppress(OSError):  # Windows has nothing to wake here: closing does
            made.server.shutdown(socket.SHUT_RDWR)  # wakes an accept
        made.server.close()
        made.thread.join(WAIT_S)
        assert not made.thread.is_alive()


def streams(port: int, *, silence_s: float = WAIT_S, **given: Any) -> EventStreams:
    values = {"url": f"http://127.0.0.1:{port}/WebSdk", "allow_http": True, "timeout_s": 2.0} | given
    return EventStreams(
        settings(**values), lambda: ("vigie", "app", "pässword"), None, SystemClock(), silence_s=silence_s
    )


def ignore(_link: socket.socket) -> None:
    pass


def opened(made: EventStreams, hold: Callable[[socket.socket], None] = ignore) -> list[object]:
    """Everything until the end."""
    with made.opened(hold) as link:
        return list(link.parts())


def test_a_redirect_is_followed_with_the_credentials() -> None:
    with role(STREAM + OPENED + KEEP_ALIVE) as second:
        redirect = answer("302 Found", f"http://127.0.0.1:{second.port}/WebSdk/events?c=1")
        with role(redirect) as first, streams(first.port).opened(ignore) as link:
            parts = link.parts()
            assert next(parts) == Opened("1")
            assert next(parts) == KeepAlive()
        assert second.heads[0].startswith("GET /WebSdk/events?c=1 HTTP/1.1")
        account = base64.b64encode("vigie;app:pässword".encode()).decode()
        for head in (*first.heads, *second.heads):
            assert head.startswith("GET /WebSdk/events")
            assert f"Authorization: Basic {account}" in head
            assert "Accept: text/json" in head


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("http://elsewhere.example/WebSdk/events", VmsRefused),
        ("http://u:p@127.0.0.1/WebSdk/events", ProtocolViolation),
        ("ftp://127.0.0.1/events", ProtocolViolation),
        ("http://127.0.0.1:port/", ProtocolViolation),
        ("http://[::1/events", ProtocolViolation),
        ("", ProtocolViolation),
    ],
)
def test_a_redirect_elsewhere_is_not_followed(location: str, kind: type[VmsError]) -> None:
    with role(answer("302 Found", location)) as first, pytest.raises(kind):
        opened(streams(first.port))


def test_a_redirect_away_from_tls_is_not_followed() -> None:
    made = streams(1, url="https://sc.example/WebSdk", allow_http=True)
    response: Any = type("Response", (), {"status": 302, "headers": {"Location": "http://sc.example/WebSdk/events"}})()
    with pytest.raises(VmsRefused, match="without TLS"):
        made._target("https://sc.example/WebSdk/events", response)


def test_redirects_without_end_are_a_violation() -> None:
    redirects = [answer("302 Found", "/WebSdk/events")] * 4
    with role(*redirects, stays=False) as first, pytest.raises(ProtocolViolation, match="without end"):
        opened(streams(first.port))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("401 Unauthorized", AuthenticationRefused),
        ("403 Forbidden", AuthenticationRefused),
        ("404 Not Found", AuthenticationRefused),
        ("429 Too Many Requests", VmsUnavailable),
        ("500 Internal Server Error", VmsUnavailable),
        ("503 Service Unavailable", VmsUnavailable),
        ("204 No Content", VmsRefused),
    ],
)
def test_each_refusal_says_whether_waiting_helps(status: str, kind: type[VmsError]) -> None:
    with role(answer(status)) as first, pytest.raises(kind) as raised:
        opened(streams(first.port))
    assert type(raised.value) is kind


@pytest.mark.parametrize(
    ("data", "stays"),
    [
        (STREAM + OPENED, False),
        (STREAM + OPENED + b"--GENETEC", True),
        (STREAM, True),
        (b"", True),
        (b"", False),
        (b"SSH-2.0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nConn", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", False),
    ],
)
def test_a_stream_that_ends_or_falls_silent_may_come_back(data: bytes, stays: bool) -> None:
    with role(data, stays=stays) as first, pytest.raises(VmsUnavailable):
        opened(streams(first.port, silence_s=0.2, timeout_s=0.2))


class Pieces:
    """A response whose pieces come ``every`` so many seconds."""

    def __init__(self, clock: ManualClock, every: float, *pieces: bytes) -> None:
        self._clock = clock
        self._every = every
        self._pieces = list(pieces)

    def read1(self, _size: int) -> bytes:
        self._clock.advance(self._every)
        return self._pieces.pop(0) if self._pieces else b""

    def link(self, silence_s: float) -> StreamLink:
        return StreamLink(cast("http.client.HTTPResponse", self), "here", self._clock, silence_s)


def test_a_stream_that_trickles_nothing_whole_counts_as_silent() -> None:
    trickle = Pieces(ManualClock(), 20.0, OPENED, b"-", b"-", b"G", b"E", b"N")
    parts = trickle.link(60.0).parts()
    assert next(parts) == Opened("1")
    with pytest.raises(VmsUnavailable, match="nothing whole"):
        next(parts)


def test_a_reader_that_takes_its_time_is_not_a_stream_that_is_silent() -> None:
    clock = ManualClock()
    parts = Pieces(clock, 1.0, OPENED, KEEP_ALIVE).link(60.0).parts()
    assert next(parts) == Opened("1")
    clock.advance(600.0)
    assert next(parts) == KeepAlive()


def test_chunked_streams_are_read_as_they_come() -> None:
    chunk = OPENED + KEEP_ALIVE
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(chunk), chunk)
    with role(data) as first, streams(first.port).opened(ignore) as link:
        parts = link.parts()
        assert next(parts) == Opened("1")
        assert next(parts) == KeepAlive()


def test_a_stream_that_is_cut_from_another_thread_ends_at_once() -> None:
    held: list[socket.socket] = []
    ended = threading.Event()
    started = threading.Event()

    def listen(made: EventStreams) -> None:
        with made.opened(held.append) as link:
            for _ in link.parts():
                started.set()

    def read(made: EventStreams) -> None:
        with pytest.raises(VmsUnavailable):
            listen(made)
        ended.set()

    with role(STREAM + OPENED) as first:
        reader = threading.Thread(target=read, args=(streams(first.port),))
        reader.start()
        assert started.wait(WAIT_S)
        cut(held[0])
        assert ended.wait(1.0)
        reader.join(WAIT_S)
        assert held[0].fileno() == -1


def test_nobody_who_listens_is_told_as_unavailable() -> None:
    with pytest.raises(VmsUnavailable):
        opened(streams(1))


def test_a_ca_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    made = EventStreams(settings(), lambda: ("vigie", "app", "x"), tmp_path / "none.pem", SystemClock())
    with pytest.raises(CertificateRejected, match="CA file"):
        opened(made)
