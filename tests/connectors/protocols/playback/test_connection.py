from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.playback.connection import RtspConnection
from connectors.protocols.rtsp.auth import Authenticator, Scheme
from connectors.protocols.rtsp.message import InterleavedFrame, Request, Response
from connectors.protocols.rtsp_source import RtspTarget
from core.clock import SystemClock
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ProtocolViolation,
    RequestInvalid,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from tests.connectors.protocols.playback.scripted import Answer, Said, Scripted, scripted

pytestmark = pytest.mark.slow

PASSWORD = "s3cret"
OK = Response(status=200)


def _target(server: Scripted, **changes: object) -> RtspTarget:
    target = RtspTarget(url=server.url, username="vigie", password=PASSWORD, open_timeout_s=2.0, read_timeout_s=0.1)
    return replace(target, **changes)  # type: ignore[arg-type]


def _asked(answer: Answer) -> Response:
    with scripted(answer) as server, closing(RtspConnection(_target(server), SystemClock())) as connection:
        connection.open()
        return connection.ask("DESCRIBE", server.url)


def _guarded(authenticator: Authenticator) -> Answer:
    def answer(request: Request) -> Sequence[Said]:
        authorization = request.headers.get("authorization", "")
        if authenticator.user_of(authorization, request.method, request.url) is not None:
            return [OK]
        challenges = authenticator.challenges(authorization)
        return [Response(status=401, headers=tuple(("WWW-Authenticate", value) for value in challenges))]

    return answer


@pytest.mark.parametrize("schemes", [[Scheme.DIGEST_MD5], [Scheme.DIGEST_SHA256], [*Scheme]])
def test_a_challenge_is_answered_once_and_for_all(schemes: list[Scheme]) -> None:
    answer = _guarded(Authenticator({"vigie": PASSWORD}, "r", schemes))
    with scripted(answer) as server, closing(RtspConnection(_target(server), SystemClock())) as connection:
        connection.open()
        assert connection.ask("DESCRIBE", server.url).status == 200
        assert connection.ask("SETUP", f"{server.url}/trackID=0").status == 200
    assert [request.method for request in server.requests] == ["DESCRIBE", "DESCRIBE", "SETUP"]
    assert not any("Basic" in request.headers.get("authorization", "") for request in server.requests)


@pytest.mark.parametrize(
    "authenticator",
    [
        pytest.param(Authenticator({"vigie": "other"}, "r"), id="wrong password"),
        pytest.param(Authenticator({"vigie": PASSWORD}, "r", [Scheme.BASIC]), id="basic in clear"),
    ],
)
def test_a_login_that_is_refused_says_so_without_the_password(authenticator: Authenticator) -> None:
    with pytest.raises(AuthenticationRefused) as caught:
        _asked(_guarded(authenticator))
    assert PASSWORD not in f"{caught.value} {caught.value.remedy}"
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RequestInvalid),
        (403, AuthenticationRefused),
        (404, NotFoundInVms),
        (453, VmsUnavailable),
        (454, VmsUnavailable),
        (456, VmsRefused),
        (462, VmsRefused),
        (499, VmsRefused),
        (500, VmsUnavailable),
        (503, VmsUnavailable),
        (551, VmsUnavailable),
    ],
)
def test_each_refusal_is_the_error_that_it_means(status: int, error: type[VmsError]) -> None:
    with pytest.raises(error, match=rf"playback: DESCRIBE is answered by {status} \w") as caught:
        _asked(lambda _: [Response(status=status)])
    assert type(caught.value) is error


def test_an_interval_without_recording_is_an_answer() -> None:
    assert _asked(lambda _: [Response(status=457)]).status == 457


def test_packets_and_requests_of_the_server_may_come_before_the_answer() -> None:
    frame = InterleavedFrame(channel=0, data=b"abc")
    said: list[Said] = [frame, Request(method="OPTIONS", url="*", headers={"CSeq": "9"}).to_bytes(), OK, frame]
    with scripted(lambda _: said) as server, closing(RtspConnection(_target(server), SystemClock())) as connection:
        connection.open()
        assert connection.ask("PLAY", server.url).status == 200
        frames = connection.frames()
        assert [next(frames), next(frames)] == [frame, frame]
        with pytest.raises(VmsUnavailable, match="no data within"):
            next(frames)


def test_an_answer_to_an_earlier_request_is_not_this_ones() -> None:
    late = b"RTSP/1.0 404 Not Found\r\nCSeq: 77\r\n\r\n"
    assert _asked(lambda _: [late, OK]).status == 200


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        pytest.param(lambda _: [], VmsUnavailable, "no data within the time-out", id="silence"),
        pytest.param(lambda _: None, VmsUnavailable, "ended the connection|broke", id="hang-up"),
        pytest.param(lambda _: [b"HTTP/1.1 ???\r\n\r\n"], ProtocolViolation, "start line", id="another protocol"),
        pytest.param(lambda _: [b"$\0\0\0" * 5000], VmsUnavailable, "packets come where an answer", id="packets alone"),
    ],
)
def test_a_server_that_does_not_answer_is_told_with_its_place(answer: Answer, error: type[VmsError], text: str) -> None:
    with pytest.raises(error, match=rf"^video rtsp://127.0.0.1:\d+/cam/playback: .*({text})"):
        _asked(answer)


def test_who_does_not_listen_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    connection = RtspConnection(RtspTarget(url=f"rtsp://127.0.0.1:{port}/cam"), SystemClock())
    with pytest.raises(VmsUnavailable, match="no connection"):
        connection.open()
    connection.abort()
    connection.close()


@pytest.mark.parametrize("host", ["", "a..b", "x" * 70])
def test_a_host_that_cannot_be_one_is_unavailable(host: str) -> None:
    connection = RtspConnection(RtspTarget(url=f"rtsps://{host}:1/cam", open_timeout_s=0.5), SystemClock())
    with pytest.raises(VmsUnavailable):
        connection.open()


def test_tls_is_verified_and_basic_may_go_inside(tmp_path: Path) -> None:
    authority, other = (SiteAuthority.create(tmp_path / name) for name in ("site", "other"))
    answer = _guarded(Authenticator({"vigie": PASSWORD}, "r", [Scheme.BASIC]))
    with scripted(answer, tls=authority.server_context(["127.0.0.1"])) as server:
        target = _target(server, url=server.url.replace("rtsp:", "rtsps:"), ca=authority.ca)
        with closing(RtspConnection(target, SystemClock())) as connection:
            connection.open()
            assert connection.ask("DESCRIBE", target.url).status == 200
        for wrong in (other.ca, None, tmp_path / "absent.pem"):
            refused = RtspConnection(replace(target, ca=wrong), SystemClock())
            with pytest.raises(CertificateRejected):
                refused.open()


def test_abort_ends_a_wait_in_another_thread_and_all_further_ones() -> None:
    asked = threading.Event()

    def answer(_: Request) -> Sequence[Said]:
        asked.set()
        return []

    with scripted(answer) as server:
        connection = RtspConnection(_target(server, read_timeout_s=20.0), SystemClock())
        connection.open()

        def abort() -> None:
            asked.wait(10)
            connection.abort()

        threading.Thread(target=abort).start()
        with pytest.raises(VmsUnavailable, match=r"ended the connection|broke|closed"):
            connection.ask("DESCRIBE", server.url)
        with pytest.raises(VmsUnavailable, match="closed"):
            connection.tell("TEARDOWN", server.url)
        connection.abort()
        connection.close()
