from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from lxml import etree

from connectors.onvif.simulator.camera.login import REALM, Challenged, Credentials, Gate, Login
from connectors.onvif.simulator.camera.soap import SoapFault
from core.clock import ManualClock, SystemClock
from tests.connectors.onvif.simulator.camera.running import (
    NS,
    PASSWORD,
    USERNAME,
    Bridge,
    run,
    subcodes,
    username_token,
)

TARGET = "/onvif/device_service"
HASHES: dict[str, Callable[[bytes], hashlib._Hash]] = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def _gate(clock: ManualClock, login: Login = Login.BOTH) -> Gate:
    return Gate({USERNAME: PASSWORD}, login, clock, 60.0)


def _nonce(gate: Gate) -> str:
    with pytest.raises(Challenged) as challenged:
        gate.require(Credentials(method="POST", target=TARGET, authorization="", security=None))
    return challenged.value.challenges[0].partition('nonce="')[2].partition('"')[0]


def _digest(
    nonce: str, count: int = 1, *, algorithm: str = "MD5", password: str = PASSWORD, **changes: str
) -> Credentials:
    def hexed(text: str) -> str:
        return HASHES[algorithm](text.encode()).hexdigest()

    nc = f"{count:08x}"
    first, second = hexed(f"{USERNAME}:{REALM}:{password}"), hexed(f"POST:{TARGET}")
    given = {"username": USERNAME, "realm": REALM, "nonce": nonce, "uri": TARGET, "qop": "auth"}
    given["algorithm"] = changes.pop("said", algorithm)
    given |= {"nc": nc, "cnonce": "c", "response": hexed(f"{first}:{nonce}:{nc}:c:auth:{second}"), **changes}
    text = "Digest " + ", ".join(f'{name}="{value}"' for name, value in given.items() if value)
    return Credentials(method="POST", target=TARGET, authorization=text, security=None)


def _token(header: str) -> Credentials:
    root = etree.fromstring(f'<h xmlns:env="{NS["env"]}">{header}</h>')
    return Credentials(method="POST", target=TARGET, authorization="", security=root[0])


@pytest.mark.parametrize("algorithm", HASHES)
def test_a_digest_by_either_algorithm_is_taken_with_rising_counts(algorithm: str) -> None:
    gate = _gate(ManualClock())
    nonce = _nonce(gate)
    assert gate.require(_digest(nonce, 1, algorithm=algorithm)) == "digest"
    assert gate.require(_digest(nonce, 3, algorithm=algorithm)) == "digest"
    with pytest.raises(Challenged):
        gate.require(_digest(nonce, 3, algorithm=algorithm))


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "guess"},
        {"username": "nobody"},
        {"uri": "/onvif/media_service"},
        {"realm": "elsewhere"},
        {"qop": ""},
        {"nc": "1"},
        {"said": "MD4"},
        {"response": ""},
    ],
    ids=str,
)
def test_a_digest_that_does_not_fit_is_challenged_anew(changes: dict[str, Any]) -> None:
    gate = _gate(ManualClock())
    with pytest.raises(Challenged):
        gate.require(_digest(_nonce(gate), **changes))


@pytest.mark.parametrize("kind", ["unknown", "old", "forgotten"])
def test_a_nonce_that_is_not_good_any_more_is_called_stale(kind: str) -> None:
    clock = ManualClock()
    gate = _gate(clock)
    nonce = "made-up" if kind == "unknown" else _nonce(gate)
    if kind == "old":
        clock.advance(61)
    if kind == "forgotten":
        gate.forget()
    with pytest.raises(Challenged) as challenged:
        gate.require(_digest(nonce))
    assert all(challenge.endswith("stale=true") for challenge in challenged.value.challenges)


def test_a_username_token_is_taken_once() -> None:
    clock = ManualClock()
    gate = _gate(clock)
    assert gate.require(_token(username_token(clock.utc()))) == "username-token"
    with pytest.raises(SoapFault, match="used before"):
        gate.require(_token(username_token(clock.utc())))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"password": "guess"}, "wrong"),
        ({"created": ""}, "nonce and creation"),
        ({"created": "yesterday"}, "is none"),
        ({"created": "2000-01-01T00:00:00Z"}, "too far"),
        ({"nonce": b""}, "nonce and creation"),
        ({"kind": "urn:PasswordText"}, "digest"),
        ({"digest": "%%"}, "wrong"),
    ],
    ids=str,
)
def test_a_username_token_that_does_not_fit_is_refused(changes: dict[str, Any], why: str) -> None:
    clock = ManualClock()
    header = username_token(clock.utc(), **changes)
    with pytest.raises(SoapFault, match=why):
        _gate(clock).require(_token(header))


@pytest.mark.parametrize("login", [Login.DIGEST, Login.USERNAME_TOKEN])
def test_a_bridge_of_one_login_refuses_the_other(video: Path, login: Login) -> None:
    with run(video, "--http-only", "--login", login.value) as bridge:
        by_digest = bridge.ask("tr2:GetProfiles")
        header = username_token(SystemClock().utc())
        by_token = bridge.ask("tr2:GetProfiles", auth=None, header=header)
        assert (by_digest.status_code, by_token.status_code) == ((200, 401) if login is Login.DIGEST else (400, 200))
        bare = bridge.ask("tr2:GetProfiles", auth=None)
        assert bare.status_code == (401 if login is Login.DIGEST else 400)


def test_wrong_passwords_are_refused_by_both_ways(bridge: Bridge) -> None:
    wrong = requests.auth.HTTPDigestAuth(USERNAME, "guess")
    assert bridge.ask("tr2:GetProfiles", auth=wrong).status_code == 401
    response = bridge.ask("tr2:GetProfiles", auth=None, header=username_token(SystemClock().utc(), password="guess"))
    assert subcodes(response) == ["env:Sender", "ter:NotAuthorized"]
