from __future__ import annotations

import re
from typing import Any

import pytest
from lxml import etree

from connectors.onvif.device import auth
from connectors.onvif.device.auth import NONCE_LIFE_S, TOKEN_WINDOW_S, HttpDigest, UsernameTokens, Verdict
from connectors.onvif.device.xml import parse
from connectors.protocols.digest import parameters
from core.clock import ManualClock, iso_utc
from tests.connectors.onvif.device.soap_support import ACCOUNTS, PATH, REALM, Login, request, token


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def digest(clock: ManualClock) -> HttpDigest:
    return HttpDigest(ACCOUNTS, clock, REALM)


def login_to(digest: HttpDigest, algorithm: str = "MD5") -> Login:
    return Login(digest.challenges(is_stale=False), algorithm)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_the_password_s_digest_is_accepted(digest: HttpDigest, algorithm: str) -> None:
    login = login_to(digest, algorithm)
    verdicts = [digest.judge(login.header(count), "POST", PATH) for count in (1, 2, 3)]
    assert verdicts == [Verdict.ACCEPTED] * 3


def test_both_algorithms_are_offered_with_one_nonce_md5_first(digest: HttpDigest) -> None:
    first, second = (parameters(text.removeprefix("Digest ")) for text in digest.challenges(is_stale=False))
    assert (first["algorithm"], second["algorithm"]) == ("MD5", "SHA-256")
    assert first["nonce"] == second["nonce"]
    assert first["qop"] == "auth"
    assert "stale" not in first


@pytest.mark.parametrize(
    "changed",
    [
        {"password": "wrong"},
        {"username": "nobody"},
        {"username": ""},
        {"realm": "other"},
        {"uri": "/onvif/media_service"},
        {"algorithm": "MD5-sess"},
        {"qop": "auth-int"},
    ],
)
def test_what_does_not_prove_the_password_for_this_request_is_refused(
    digest: HttpDigest, changed: dict[str, Any]
) -> None:
    assert digest.judge(login_to(digest).header(**changed), "POST", PATH) is Verdict.REFUSED


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("", Verdict.ABSENT),
        ("   ", Verdict.ABSENT),
        ("Basic dm1zOnMzY3JldA==", Verdict.REFUSED),
        ("Digest", Verdict.REFUSED),
        ("Digest \udcff=\udcfe", Verdict.REFUSED),
        ('Digest username="vms"', Verdict.REFUSED),
    ],
)
def test_other_headers_never_get_in(digest: HttpDigest, text: str, verdict: Verdict) -> None:
    assert digest.judge(text, "POST", PATH) is verdict


def test_a_replayed_request_gets_a_new_nonce_instead_of_an_answer(digest: HttpDigest) -> None:
    login = login_to(digest)
    header = login.header()
    assert [digest.judge(header, "POST", PATH) for _ in range(3)] == [Verdict.ACCEPTED, Verdict.STALE, Verdict.STALE]
    assert "stale=true" in digest.challenges(is_stale=True)[0]


def test_counts_may_arrive_out_of_order_but_each_only_once(digest: HttpDigest) -> None:
    login = login_to(digest)
    order = (5, 3, 4, 300, 299, 173, 172, 3, 0)
    verdicts = {count: digest.judge(login.header(count), "POST", PATH) for count in order}
    refused = {count for count, verdict in verdicts.items() if verdict is Verdict.STALE}
    assert refused == {172, 3, 0}


@pytest.mark.parametrize("count", ["1", "0000000g", "", "000000001", "-0000001"])
def test_a_malformed_count_is_no_count(digest: HttpDigest, count: str) -> None:
    assert digest.judge(login_to(digest).header(nc=count), "POST", PATH) is Verdict.STALE


def test_a_nonce_is_good_for_its_life_and_stale_after_it(digest: HttpDigest, clock: ManualClock) -> None:
    login = login_to(digest)
    clock.advance(NONCE_LIFE_S)
    assert digest.judge(login.header(1), "POST", PATH) is Verdict.ACCEPTED
    clock.advance(1)
    assert digest.judge(login.header(2), "POST", PATH) is Verdict.STALE
    assert digest.judge(login.header(2, password="wrong"), "POST", PATH) is Verdict.REFUSED


def test_a_nonce_from_before_a_restart_is_stale_not_wrong(clock: ManualClock) -> None:
    login = login_to(HttpDigest(ACCOUNTS, clock, REALM))
    assert HttpDigest(ACCOUNTS, clock, REALM).judge(login.header(), "POST", PATH) is Verdict.STALE


@pytest.mark.parametrize("change", [lambda nonce: "f" * 12 + nonce[12:], lambda nonce: nonce[:-1], lambda nonce: ""])
def test_a_nonce_that_is_not_ours_is_never_good(digest: HttpDigest, change: object) -> None:
    login = login_to(digest)
    assert callable(change)
    assert digest.judge(login.header(nonce=change(login.nonce)), "POST", PATH) is Verdict.STALE


def test_a_client_that_counts_nothing_may_use_a_nonce_once(digest: HttpDigest) -> None:
    login = login_to(digest)
    verdicts = [digest.judge(login.header(with_qop=False), "POST", PATH) for _ in range(2)]
    assert verdicts == [Verdict.ACCEPTED, Verdict.STALE]
    assert digest.judge(login.header(1), "POST", PATH) is Verdict.STALE


def test_memory_is_bounded_and_a_forgotten_nonce_cannot_be_replayed(
    digest: HttpDigest, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "MAX_NONCES", 8)
    headers = []
    for _ in range(20):
        clock.advance(0.01)
        headers.append(login_to(digest).header())
    assert all(digest.judge(header, "POST", PATH) is Verdict.ACCEPTED for header in headers)
    assert len(digest._book._counts) == 8
    assert all(digest.judge(header, "POST", PATH) is Verdict.STALE for header in headers)


def test_clients_without_the_password_leave_nothing_behind(digest: HttpDigest) -> None:
    for _ in range(100):
        digest.judge(login_to(digest).header(password="wrong"), "POST", PATH)
    assert not digest._book._counts


def token_element(text: str) -> etree._Element:
    found = parse(request("<tds:GetScopes/>", text)).find(".//{*}UsernameToken")
    assert found is not None
    return found


def test_a_username_token_is_good_once(clock: ManualClock) -> None:
    tokens = UsernameTokens(ACCOUNTS, clock)
    text = token_element(token(clock))
    assert [tokens.judge(text) for _ in range(2)] == [Verdict.ACCEPTED, Verdict.REFUSED]
    assert tokens.judge(token_element(token(clock, nonce=b"another"))) is Verdict.ACCEPTED
    assert tokens.judge(token_element(token(clock, username="ünïcode", password="pässword"))) is Verdict.ACCEPTED


@pytest.mark.parametrize(
    "changed",
    [
        {"password": "wrong"},
        {"username": "nobody"},
        {"username": "nobody", "password": "\0"},
        {"nonce": b""},
        {"created": ""},
        {"created": "yesterday"},
        {"created": "0001-01-01T00:00:00+23:59"},
        {"kind": "http://docs.oasis-open.org/wss#PasswordText"},
    ],
)
def test_a_token_that_proves_nothing_is_refused(clock: ManualClock, changed: dict[str, Any]) -> None:
    text = token_element(token(clock, **changed))
    assert UsernameTokens(ACCOUNTS, clock).judge(text) is Verdict.REFUSED


def test_a_token_that_is_not_base64_or_lacks_a_part_is_refused(clock: ManualClock) -> None:
    whole = token(clock)
    for part in ("Username", "Password", "Nonce", "Created"):
        removed = re.sub(rf"<ws(se|u):{part}\b.*?</ws(se|u):{part}>", "", whole)
        assert UsernameTokens(ACCOUNTS, clock).judge(token_element(removed)) is Verdict.REFUSED
    for part in ("Password", "Nonce"):
        garbled = re.sub(rf"(<wsse:{part}\b[^>]*>)[^<]*", r"\1né!", whole)
        assert UsernameTokens(ACCOUNTS, clock).judge(token_element(garbled)) is Verdict.REFUSED


@pytest.mark.parametrize(
    ("offset_s", "verdict"),
    [
        (0, Verdict.ACCEPTED),
        (-TOKEN_WINDOW_S, Verdict.ACCEPTED),
        (TOKEN_WINDOW_S, Verdict.ACCEPTED),
        (-TOKEN_WINDOW_S - 1, Verdict.REFUSED),
        (TOKEN_WINDOW_S + 1, Verdict.REFUSED),
    ],
)
def test_a_token_is_good_around_its_own_time(clock: ManualClock, offset_s: float, verdict: Verdict) -> None:
    text = token_element(token(clock, created=iso_utc(clock.utc() + offset_s)))
    assert UsernameTokens(ACCOUNTS, clock).judge(text) is verdict


def test_remembered_tokens_are_bounded_and_none_can_be_replayed(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "MAX_TOKENS", 8)
    tokens = UsernameTokens(ACCOUNTS, clock)
    sent = []
    for number in range(20):
        clock.advance(1)
        sent.append(token_element(token(clock, nonce=str(number).encode())))
        assert tokens.judge(sent[-1]) is Verdict.ACCEPTED
    assert len(tokens._used) == 8
    assert all(tokens.judge(text) is Verdict.REFUSED for text in sent)
    clock.advance(2 * TOKEN_WINDOW_S)
    assert tokens.judge(token_element(token(clock, nonce=b"later"))) is Verdict.ACCEPTED
    assert len(tokens._used) == 1
