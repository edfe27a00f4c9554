from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import spnego
from requests.auth import AuthBase
from requests_ntlm import HttpNtlmAuth

from connectors.milestone.simulator.idp.ntlm import WindowsAccount
from core.errors import UsageError
from tests.connectors.milestone.simulator.running import TIMEOUT_S, Running, run

USER, PASSWORD = "CORP\\guard", "N1ght!"
FORM = {"grant_type": "windows_credentials", "client_id": "GrantValidatorClient"}


@pytest.fixture(scope="module")
def domain(video: Path) -> Iterator[Running]:
    with run(video, "--windows-user", USER, "--windows-password", PASSWORD) as site:
        yield site


def _ask(site: Running, auth: AuthBase | None, path: str = "/IDP/connect/token", **fields: str) -> requests.Response:
    address = f"{site.announced.url}{path}"
    return requests.post(address, data={**FORM, **fields}, auth=auth, verify=site.ca, timeout=TIMEOUT_S)


@pytest.mark.parametrize("user", [USER, "corp\\GUARD"])
def test_a_windows_user_gets_a_token_that_opens_rest(domain: Running, user: str) -> None:
    answer = _ask(domain, HttpNtlmAuth(user, PASSWORD))
    assert answer.status_code == 200, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert domain.send("GET", "/API/rest/v1/cameras", headers=headers).status_code == 200


def test_the_other_grant_of_windows_has_a_client_of_its_own(domain: Running) -> None:
    own = {"grant_type": "windows_auth", "client_id": "winauthclient", "scope": "write:client"}
    assert _ask(domain, HttpNtlmAuth(USER, PASSWORD), **own).status_code == 200
    other = _ask(domain, HttpNtlmAuth(USER, PASSWORD), grant_type="windows_auth")
    assert (other.status_code, other.json()) == (400, {"error": "invalid_client"})


@pytest.mark.parametrize(
    ("user", "password"), [(USER, "wrong"), ("CORP\\nobody", PASSWORD), ("OTHER\\guard", PASSWORD)]
)
def test_wrong_windows_credentials_get_the_page_of_iis(domain: Running, user: str, password: str) -> None:
    answer = _ask(domain, HttpNtlmAuth(user, password))
    assert answer.status_code == 401
    assert "<fieldset>" in answer.text


def test_a_request_without_credentials_is_asked_for_negotiate_or_ntlm(domain: Running) -> None:
    answer = _ask(domain, None)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Negotiate, NTLM")


def test_the_gateway_passes_no_ntlm_through(domain: Running) -> None:
    answer = _ask(domain, HttpNtlmAuth(USER, PASSWORD), "/API/IDP/connect/token")
    assert (answer.status_code, answer.json()) == (400, {"error": "unsupported_grant_type"})


def test_nobody_logs_in_where_there_is_no_windows_user(simulator: Running) -> None:
    assert _ask(simulator, HttpNtlmAuth(USER, PASSWORD)).status_code == 401


def test_the_legs_belong_to_one_connection(domain: Running) -> None:
    """A third leg on another connection proves nothing; on its own it does, and the connection stays known."""
    address = f"{domain.announced.url}/IDP/connect/token"
    client = spnego.client(USER, PASSWORD, protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)

    def leg(session: requests.Session, token: bytes | None) -> requests.Response:
        headers = {} if token is None else {"Authorization": f"NTLM {b64encode(token).decode()}"}
        return session.post(address, data=FORM, headers=headers, verify=domain.ca, timeout=TIMEOUT_S)

    with requests.Session() as own, requests.Session() as other:
        challenge = leg(own, client.step())
        assert challenge.status_code == 401
        proof = client.step(b64decode(challenge.headers["WWW-Authenticate"].removeprefix("NTLM ")))
        assert leg(other, proof).status_code == 401
        assert leg(own, proof).status_code == 200
        assert leg(own, None).status_code == 200
        assert leg(other, None).status_code == 401


@pytest.mark.parametrize("token", ["!", b64encode(b"no NTLM message").decode()])
def test_a_token_that_is_no_ntlm_is_refused(domain: Running, token: str) -> None:
    headers = {"Authorization": f"Negotiate {token}"}
    assert domain.send("POST", "/IDP/connect/token", data=FORM, headers=headers).status_code == 401


@pytest.mark.parametrize(("name", "password"), [("guard", "x"), ("CORP\\", "x"), ("CORP\\guard", "a:b")])
def test_a_windows_user_has_a_domain_and_no_colon(name: str, password: str) -> None:
    with pytest.raises(UsageError, match="--windows-user"):
        WindowsAccount.of(name, password)
