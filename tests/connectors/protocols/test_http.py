from __future__ import annotations

import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.http import HttpSession, require_success
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ReplyLost,
    RequestInvalid,
    RightMissing,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)

pytestmark = pytest.mark.slow

WHAT = "raise the event"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> SiteAuthority:
    return SiteAuthority.create(tmp_path_factory.mktemp("ca"))


@contextmanager
def listening(serve: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serves one connection with ``serve``; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        thread = threading.Thread(target=_serve_one, args=(listener, serve, tls))
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)
        assert not thread.is_alive()


def _serve_one(listener: socket.socket, serve: Callable[[socket.socket], None], tls: ssl.SSLContext | None) -> None:
    try:
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(5)
            with tls.wrap_socket(peer, server_side=True) if tls else peer as wrapped:
                serve(wrapped)
    except OSError:
        return


def after_request(answer: bytes) -> Callable[[socket.socket], None]:
    """Reads one request, sends ``answer``, closes."""

    def serve(peer: socket.socket) -> None:
        _read_request(peer)
        peer.sendall(answer)

    return serve


def reset_after_request(peer: socket.socket) -> None:
    _read_request(peer)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent_after_request(peer: socket.socket) -> None:
    _read_request(peer)
    peer.recv(1)


def _read_request(peer: socket.socket) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        received += peer.recv(4096)


def ask(url: str, *, ca: Path | None = None, timeout_s: float = 5.0) -> str:
    session = HttpSession(ca=ca, timeout_s=timeout_s)
    try:
        return session.request("GET", url, what=WHAT).text
    finally:
        session.close()


def failure(url: str, *, ca: Path | None = None, timeout_s: float = 5.0) -> VmsError:
    with pytest.raises(VmsError) as caught:
        ask(url, ca=ca, timeout_s=timeout_s)
    assert WHAT in str(caught.value)
    assert caught.value.__cause__
    return caught.value


def test_nobody_listening_certainly_had_no_effect() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert type(failure(f"http://127.0.0.1:{port}/")) is VmsUnavailable


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "[::1", "127.0.0.1:99999"])
def test_an_unknown_host_certainly_had_no_effect(host: str) -> None:
    assert type(failure(f"http://{host}/")) is VmsUnavailable


@pytest.mark.skipif(sys.platform == "win32", reason="a full backlog refuses instead of waiting")
def test_a_time_out_before_the_connection_certainly_had_no_effect() -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for other in (first, second):
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        assert type(failure(f"http://127.0.0.1:{full.getsockname()[1]}/", timeout_s=0.2)) is VmsUnavailable


@pytest.mark.parametrize(
    "serve",
    [
        reset_after_request,
        after_request(b""),
        after_request(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
        after_request(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        after_request(b"not HTTP at all\r\n\r\n"),
        silent_after_request,
    ],
    ids=["reset", "closed", "half-answer", "broken-chunk", "not-http", "time-out"],
)
def test_a_failure_after_the_request_left_may_have_had_effect(serve: Callable[[socket.socket], None]) -> None:
    with listening(serve) as port:
        assert type(failure(f"http://127.0.0.1:{port}/", timeout_s=0.3)) is ReplyLost


def test_the_sites_authority_is_trusted(authority: SiteAuthority) -> None:
    answer = after_request(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    with listening(answer, authority.server_context(["localhost"])) as port:
        assert ask(f"https://localhost:{port}/", ca=authority.ca) == "ok"


@pytest.mark.parametrize(
    ("certified", "is_trusted"),
    [("localhost", False), ("other.example", True)],
    ids=["wrong-ca", "wrong-name"],
)
def test_a_certificate_that_does_not_verify_is_refused(
    authority: SiteAuthority, tmp_path: Path, certified: str, is_trusted: bool
) -> None:
    ca = authority.ca if is_trusted else SiteAuthority.create(tmp_path).ca
    with listening(after_request(b""), authority.server_context([certified])) as port:
        error = failure(f"https://localhost:{port}/", ca=ca)
    assert type(error) is CertificateRejected
    assert error.remedy


@pytest.mark.parametrize(
    "content", [None, "", "no PEM", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"]
)
def test_a_ca_file_that_cannot_be_used_is_named_before_anything_is_sent(tmp_path: Path, content: str | None) -> None:
    ca = tmp_path / "site-ca.pem"
    if content is not None:
        ca.write_text(content)
    with listening(lambda peer: None) as port:
        error = failure(f"https://localhost:{port}/", ca=ca)
        if content is None:  # requests does not even connect
            socket.create_connection(("localhost", port)).close()
    assert type(error) is CertificateRejected
    assert "the CA file cannot be used" in str(error)
    assert "'ca:'" in error.remedy


def test_without_an_authority_only_public_ones_are_trusted(authority: SiteAuthority) -> None:
    with listening(after_request(b""), authority.server_context(["localhost"])) as port:
        assert type(failure(f"https://localhost:{port}/")) is CertificateRejected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, RequestInvalid),
        (401, AuthenticationRefused),
        (403, RightMissing),
        (404, NotFoundInVms),
        (408, VmsUnavailable),
        (409, VmsRefused),
        (411, RequestInvalid),
        (429, VmsUnavailable),
        (500, ReplyLost),
        (502, ReplyLost),
        (503, VmsUnavailable),
    ],
)
def test_each_status_has_its_meaning(status: int, expected: type[VmsError]) -> None:
    body = b"password=hunter22"
    answer = b"HTTP/1.1 %d Status\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
    with listening(after_request(answer)) as port:
        session = HttpSession(ca=None, timeout_s=5.0)
        response = session.request("GET", f"http://127.0.0.1:{port}/", what=WHAT)
        with pytest.raises(VmsError) as caught:
            require_success(response, WHAT)
        session.close()
    assert type(caught.value) is expected
    assert str(status) in str(caught.value)
    assert "hunter22" not in str(caught.value)


def test_an_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with listening(after_request(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as port:
        assert ask(f"http://127.0.0.1:{port}/") == "ok"


@pytest.mark.parametrize(
    "serve",
    [lambda peer: None, lambda peer: peer.recv(4096), lambda peer: peer.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")],
    ids=["closed", "closed-midway", "not-tls"],
)
def test_a_tls_handshake_that_fails_is_unavailable_rather_than_untrusted(
    authority: SiteAuthority, serve: Callable[[socket.socket], None]
) -> None:
    with listening(serve) as port:
        assert isinstance(failure(f"https://localhost:{port}/", ca=authority.ca), VmsUnavailable)
