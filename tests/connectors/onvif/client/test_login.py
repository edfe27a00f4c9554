from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.onvif.client.login import DigestLogin
from core.errors import AuthenticationRefused, ProtocolViolation, RightMissing
from tests.connectors.onvif.client.answers import fault
from tests.connectors.onvif.client.bridge import PASSWORD, USER, client_of, digest_fields, running_bridge, services_for


@pytest.mark.parametrize("login", ["digest", "sha256", "both"])
@pytest.mark.parametrize("settings", ["auto", "digest"])
def test_a_digest_of_either_kind_lets_in(login: str, settings: str) -> None:
    with running_bridge(login=login) as bridge, client_of(bridge, login=settings) as client:
        assert client.information().model == "Bridge"
        assert not bridge.tried


def test_a_challenge_costs_one_exchange_and_a_stale_one_is_renewed() -> None:
    with running_bridge() as bridge, client_of(bridge) as client:
        client.information()
        client.information()
        assert len(bridge.asked("GetDeviceInformation")) == 3
        bridge.nonce = "another"
        assert client.information().model


@pytest.mark.parametrize("settings", ["auto", "username_token"])
@pytest.mark.parametrize("ahead_s", [0.0, 7200.0, -7200.0])
def test_a_bridge_that_knows_only_tokens_gets_one_of_its_own_time(settings: str, ahead_s: float) -> None:
    with running_bridge(login="username_token", ahead_s=ahead_s) as bridge, client_of(bridge, login=settings) as client:
        assert client.cameras()


def test_what_let_in_once_is_tried_first_from_then_on() -> None:
    with running_bridge(login="username_token") as bridge, client_of(bridge) as client:
        client.information()
        tried = bridge.tried
        client.information()
        assert bridge.tried == tried + 1


def test_a_bridge_whose_clock_was_set_meanwhile_is_asked_for_its_time_again() -> None:
    with running_bridge(login="username_token") as bridge, client_of(bridge) as client:
        client.information()
        bridge.ahead_s = 500.0
        assert client.information().model
        assert len(bridge.asked("GetSystemDateAndTime")) == 2


@pytest.mark.parametrize("login", ["digest", "username_token"])
@pytest.mark.parametrize("settings", ["auto", "digest", "username_token"])
def test_a_wrong_password_is_refused_with_a_remedy(login: str, settings: str) -> None:
    services = services_for(secrets=lambda _: "wrong")
    with running_bridge(login=login) as bridge, client_of(bridge, services, login=settings) as client:
        with pytest.raises(AuthenticationRefused) as caught:
            client.information()
        assert not isinstance(caught.value, RightMissing)
        assert "username" in caught.value.remedy
        assert bridge.tried <= 3


def test_an_account_without_the_right_is_told_from_a_wrong_password() -> None:
    script = {"GetDeviceInformation": lambda _: fault("ter:NotAuthorized")}
    with running_bridge(script=script) as bridge, client_of(bridge) as client:
        with pytest.raises(RightMissing):
            client.information()
        assert len(bridge.asked("GetDeviceInformation")) == 2


def test_the_time_is_asked_without_a_login() -> None:
    with running_bridge(login="username_token") as bridge, client_of(bridge) as client:
        client.measured_offset_s()
        ((_, envelope, _),) = bridge.requests
    assert envelope.find(".//{*}Security") is None


def expected(algorithm: str, challenge: dict[str, str], told: dict[str, str], uri: str) -> str:
    def hashed(text: str) -> str:
        return hashlib.new(algorithm, text.encode()).hexdigest()

    account = hashed(f"{USER}:{challenge['realm']}:{PASSWORD}")
    if "qop" in told:
        return hashed(f"{account}:{challenge['nonce']}:{told['nc']}:{told['cnonce']}:auth:{hashed(f'POST:{uri}')}")
    return hashed(f"{account}:{challenge['nonce']}:{hashed(f'POST:{uri}')}")


@pytest.mark.parametrize(
    ("headers", "algorithm"),
    [
        (['Digest realm="a", nonce="b"'], "md5"),
        (['Digest realm="a", nonce="b", qop="auth,auth-int", opaque="o"'], "md5"),
        (['digest realm="a",nonce="b",algorithm=md5,qop=auth'], "md5"),
        (['Digest realm="x", nonce="y", algorithm=MD5', 'Digest realm="a", nonce="b", algorithm=SHA-256'], "sha256"),
        (['Digest realm="a", nonce="b", algorithm=SHA-256, Digest realm="x", nonce="y", algorithm=MD5'], "sha256"),
        (['Basic realm="c", Digest realm="a", nonce="b", qop="auth"'], "md5"),
        (['Digest realm="a", nonce="b", Basic realm="c"'], "md5"),
        (['Digest realm="z", nonce="y", algorithm=SHA-512-256', 'Digest realm="a", nonce="b"'], "md5"),
    ],
)
def test_the_strongest_challenge_that_can_be_answered_is_answered(headers: list[str], algorithm: str) -> None:
    login = DigestLogin(USER, lambda: PASSWORD)
    assert login.authorization("POST", "https://h/x") == ""
    assert login.challenged(headers)
    told = digest_fields(login.authorization("POST", "https://h/onvif/x?y=1"))
    assert told["response"] == expected(algorithm, {"realm": "a", "nonce": "b"}, told, "/onvif/x?y=1")


@pytest.mark.parametrize(
    "headers",
    [[], [""], ['Basic realm="a"'], ["Digest"], ['Digest realm="a"'], ['Digest realm="a", nonce="b", qop="auth-int"']],
)
def test_what_cannot_be_answered_is_said_so(headers: list[str]) -> None:
    assert not DigestLogin(USER, lambda: PASSWORD).challenged(headers)


def test_the_counter_of_a_challenge_goes_up() -> None:
    login = DigestLogin(USER, lambda: PASSWORD)
    login.challenged(['Digest realm="a", nonce="b", qop="auth"'])
    counts = [digest_fields(login.authorization("GET", "http://h/"))["nc"] for _ in range(3)]
    assert counts == ["00000001", "00000002", "00000003"]


@given(st.text(max_size=200))
def test_any_challenge_is_answered_or_not_but_never_fails_otherwise(header: str) -> None:
    login = DigestLogin(USER, lambda: PASSWORD)
    try:
        told: Any = login.challenged([header, f"Digest {header}"])
    except ProtocolViolation:
        return
    assert bool(login.authorization("POST", "http://h/")) is told


def test_a_challenge_that_is_given_twice_is_counted_on() -> None:
    login = DigestLogin(USER, lambda: PASSWORD)
    offer = ['Digest realm="a", nonce="b", qop="auth"']
    counts = []
    for _ in range(2):
        login.challenged(offer)
        counts.append(digest_fields(login.authorization("GET", "http://h/"))["nc"])
    assert counts == ["00000001", "00000002"]


@pytest.mark.parametrize(("stale", "expected"), [("", False), (", stale=false", False), (", stale=TRUE", True)])
def test_a_refused_answer_is_only_given_again_where_it_was_too_old(stale: str, expected: bool) -> None:
    login = DigestLogin(USER, lambda: PASSWORD)
    assert login.challenged([f'Digest realm="a", nonce="b"{stale}'], only_stale=True) is expected
