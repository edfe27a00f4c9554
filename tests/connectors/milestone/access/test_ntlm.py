from __future__ import annotations

import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator

import pytest

from connectors.milestone.access.ntlm import NtlmSession
from connectors.milestone.access.tokens import RefusalHold
from core.clock import ManualClock
from core.errors import AuthenticationRefused, ProtocolViolation, VmsUnavailable
from tests.connectors.milestone.support import WAIT_S, Link, ScriptedServer, scripted_server

CHALLENGE = (
    b"NTLMSSP\x00\x02\x00\x00\x00\x00\x00\x00\x00\x38\x00\x00\x00\x05\x82\x89\x62\x01\x23\x45\x67\x89\xab\xcd\xef"
    b"\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00\x08\x00\x38\x00\x00\x00\x0a\x00\x63\x45\x00\x00\x00\x0f"
    b"\x00\x00\x00\x00\x00\x00\x00\x00"
)
"""A bare NTLM challenge message without target information."""


def answer(status: str, *headers: str, body: str = "") -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def authorization(request: str) -> str:
    lines = [line for line in request.splitlines() if line.lower().startswith("authorization:")]
    return lines[0].partition(":")[2].strip() if lines else ""


class Clerk:
    """Serves one connection with the answers given, and keeps what it was asked."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, link: Link) -> None:
        for given in self.answers:
            request = link.request()
            if not request:
                return
            self.asked.append(authorization(request))
            link.send(given)
        link.wait_for_end()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ntlm(clock: ManualClock) -> Iterator[NtlmSession]:
    made = NtlmSession(
        ca=None,
        timeout_s=5.0,
        username="SITE\\vigie",
        password=lambda: "secret",
        hold=RefusalHold("SITE\\vigie", clock),
    )
    yield made
    made.close()


def get(ntlm: NtlmSession, server: ScriptedServer) -> int:
    return ntlm.request("GET", f"http://127.0.0.1:{server.port}/IDP", what="login").status_code


def get_and_leave(ntlm: NtlmSession, server: ScriptedServer) -> int:
    """The same; the connection is let go of, which the server waits for."""
    try:
        return get(ntlm, server)
    finally:
        ntlm.close()


OFFER = ("WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM")


@pytest.mark.parametrize("body", ["", "<html>401</html>"])
def test_the_handshake_is_three_legs_of_one_connection(ntlm: NtlmSession, body: str) -> None:
    challenge = f"WWW-Authenticate: NTLM {b64encode(CHALLENGE).decode()}"
    clerk = Clerk(
        answer("401 Unauthorized", *OFFER, body=body),
        answer("401 Unauthorized", challenge, body=body),
        answer("200 OK", body="{}"),
    )
    with scripted_server(clerk) as server:
        assert get(ntlm, server) == 200
        ntlm.close()
        assert server.connections == 1
    first, negotiate, authenticate = clerk.asked
    assert first == ""
    assert b64decode(negotiate.partition(" ")[2]).startswith(b"NTLMSSP\x00\x01")
    message = b64decode(authenticate.partition(" ")[2])
    assert message.startswith(b"NTLMSSP\x00\x03")
    assert "vigie".encode("utf-16-le") in message
    assert b"secret" not in message


def test_a_refused_account_is_not_tried_again_for_five_minutes(ntlm: NtlmSession, clock: ManualClock) -> None:
    clerk = Clerk(answer("401 Unauthorized", body="no NTLM here"), answer("200 OK"))
    with scripted_server(clerk) as server:
        assert get(ntlm, server) == 401
        for _ in range(3):
            with pytest.raises(AuthenticationRefused, match="was refused"):
                get(ntlm, server)
        assert len(clerk.asked) == 1
        clock.advance(300.0)
        assert get(ntlm, server) == 200
        ntlm.close()


def test_who_waits_for_a_request_that_is_refused_does_not_send_the_same_password(ntlm: NtlmSession) -> None:
    asked, other_waits = threading.Event(), threading.Event()

    def refuse(link: Link) -> None:
        link.request()
        asked.set()
        assert other_waits.wait(WAIT_S)
        link.send(answer("401 Unauthorized", body="no NTLM here"))
        link.wait_for_end()

    with scripted_server(refuse, Clerk(answer("200 OK"))) as server:
        first = threading.Thread(target=get, args=(ntlm, server))
        first.start()
        assert asked.wait(WAIT_S)
        refused: list[Exception] = []

        def come_later() -> None:
            other_waits.set()
            try:
                get(ntlm, server)
            except AuthenticationRefused as error:
                refused.append(error)

        second = threading.Thread(target=come_later)
        second.start()
        for thread in (first, second):
            thread.join(WAIT_S)
        ntlm.close()
        assert server.connections == 1
    assert len(refused) == 1


def test_a_server_that_offers_ntlm_and_gives_no_challenge_is_told_apart_from_a_wrong_password(
    ntlm: NtlmSession,
) -> None:
    clerk = Clerk(answer("401 Unauthorized", *OFFER), answer("401 Unauthorized", *OFFER))
    with scripted_server(clerk) as server, pytest.raises(ProtocolViolation, match="does not answer as NTLM"):
        get_and_leave(ntlm, server)


def test_a_server_that_hangs_up_is_unavailable(ntlm: NtlmSession) -> None:
    with scripted_server(lambda link: None) as server, pytest.raises(VmsUnavailable):
        get_and_leave(ntlm, server)
