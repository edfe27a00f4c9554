from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.protocols.certificates import SiteAuthority
from core.errors import (
    AuthenticationRefused,
    CertificateRejected,
    NotFoundInVms,
    ProtocolViolation,
    RightMissing,
    VmsRefused,
    VmsUnavailable,
)
from core.types import Linked
from tests.connectors.listener import listening
from tests.connectors.milestone.control.control_support import eventually
from tests.connectors.milestone.control.ess_server import (
    ess_server,
)
from tests.connectors.milestone.control.ess_site import EssSite

pytestmark = pytest.mark.slow


@pytest.fixture
def site() -> Iterator[EssSite]:
    with ess_server() as (server, port):
        yield EssSite(server, port)


@pytest.mark.parametrize("ending", ["drop", "recycle"])
def test_a_recycled_gateway_is_unavailable(site: EssSite, ending: str) -> None:
    with listening(site.source()) as listener:
        listener.next()
        getattr(site.server, ending)()
        assert type(listener.ended_with()) is VmsUnavailable


def test_a_refused_token_is_renewed_once(site: EssSite) -> None:
    site.session.tokens = ["old", "jwt-1"]
    with listening(site.source()) as listener:
        assert listener.next() == Linked()
    assert site.server.upgrades == ["Bearer old", "Bearer jwt-1"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationRefused),
        (403, RightMissing),
        (404, NotFoundInVms),
        (500, VmsUnavailable),
        (503, VmsUnavailable),
        (302, ProtocolViolation),
        (200, ProtocolViolation),
    ],
)
def test_a_refused_upgrade_is_told_by_its_status(site: EssSite, status: int, kind: type[Exception]) -> None:
    site.server.upgrade_status = status
    with listening(site.source()) as listener:
        assert type(listener.ended_with()) is kind
    assert "jwt-1" not in str(listener.error)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status": 400, "error": {"errorText": "unknown filter"}}, "unknown filter"),
        ({"status": 403, "error": {"errorText": "not allowed"}}, "not allowed"),
    ],
)
def test_a_refused_command_is_told_in_the_servers_words(site: EssSite, answer: dict[str, Any], kind: str) -> None:
    site.server.answers["addSubscription"] = answer
    with listening(site.source()) as listener:
        error = listener.ended_with()
    assert isinstance(error, VmsRefused)
    assert "addSubscription" in str(error)
    assert kind in str(error)


@pytest.mark.parametrize("text", ["[]", "{}", "no JSON", '{"commandId": 77, "status": 200}', '{"events": 3}', "7"])
def test_what_is_no_message_is_a_violation(site: EssSite, text: str) -> None:
    with listening(site.source()) as listener:
        listener.next()
        site.server.say(text)
        assert isinstance(listener.ended_with(), ProtocolViolation)


def test_a_peer_that_answers_no_ping_is_unavailable() -> None:
    with ess_server() as (server, port):
        site = EssSite(server, port)
        with listening(site.source()) as listener:
            listener.next()
            site.server.wait_for("getState")
            with server.reading_nothing():
                eventually(lambda: listener.error is not None, lambda: site.clock.advance(1.0))
            assert "no answer to a ping" in str(listener.ended_with())


def test_a_quiet_link_lives_by_its_pings(site: EssSite) -> None:
    with listening(site.source()) as listener:
        listener.next()
        site.let_it_ask(3)
        assert site.happened(listener, 1).event == "Nuit"


def test_an_undeclared_gateway_is_not_contacted(site: EssSite) -> None:
    with listening(site.source(hosts=[])) as listener:
        assert isinstance(listener.ended_with(), VmsRefused)
    assert "does not declare" in str(listener.error)
    assert site.server.upgrades == []


def test_nobody_listening_is_unavailable() -> None:
    with ess_server() as (server, port):
        site = EssSite(server, port)
    with listening(site.source()) as listener:
        assert type(listener.ended_with()) is VmsUnavailable


def test_close_ends_a_waiting_link_at_once_and_leaves_no_thread(site: EssSite) -> None:
    before = set(threading.enumerate())
    source = site.source()
    with listening(source) as listener:
        listener.next()
        source.close()
        source.close()
        listener.join()
    assert listener.error is None
    site.server.wait_until_left()
    assert [thread for thread in set(threading.enumerate()) - before if "websocket" in thread.name] == []
    assert list(source.messages()) == []


def test_close_ends_an_upgrade_that_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, ess_server() as (server, _):
        deaf.settimeout(10.0)
        site = EssSite(server, deaf.getsockname()[1])
        with listening(site.source(timeout_s=60.0)) as listener:
            peer, _ = deaf.accept()
            peer.settimeout(10.0)
            assert b"Upgrade" in peer.recv(4096)
            listener.source.close()
            listener.join()
            peer.close()
        assert listener.error is None


@pytest.fixture
def authority(tmp_path: Path) -> SiteAuthority:
    return SiteAuthority.create(tmp_path / "ca")


def tls_of(authority: SiteAuthority) -> ssl.SSLContext:
    return authority.server_context(["127.0.0.1"])


def test_the_link_is_verified_against_the_sites_authority(authority: SiteAuthority, tmp_path: Path) -> None:
    with ess_server(tls_of(authority)) as (server, port):
        site = EssSite(server, port, scheme="https", ca=authority.ca)
        with listening(site.source(allow_http=False)) as listener:
            assert listener.next() == Linked()
            assert site.happened(listener, 1).event == "Nuit"
        site.ca = SiteAuthority.create(tmp_path / "other").ca
        with listening(site.source()) as listener:
            assert isinstance(listener.ended_with(), CertificateRejected)
