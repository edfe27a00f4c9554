from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.connectors.milestone.simulator.running import PASSWORD, USERNAME, Running, run


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("path", ["/API/IDP/connect/token", "/api/idp/connect/token", "/IDP/connect/token"])
def test_a_basic_user_gets_a_token_that_opens_rest(simulator: Running, path: str) -> None:
    form = {
        "grant_type": "password",
        "username": USERNAME,
        "password": PASSWORD,
        "client_id": "GrantValidatorClient",
    }
    answer = simulator.send("POST", path, data=form)
    token = answer.json()
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 3600, "managementserver")
    assert "refresh_token" not in token
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert simulator.send("GET", "/API/REST/v1/cameras", headers=headers).status_code == 200


def test_the_token_is_a_jwt_whose_signature_verifies_with_the_published_key(simulator: Running) -> None:
    configuration = simulator.send("GET", "/IDP/.well-known/openid-configuration").json()
    assert int(configuration["server_version"].split(".")[0]) >= 21
    keys = requests.get(configuration["jwks_uri"], verify=simulator.ca, timeout=10).json()["keys"]
    header, payload, signature = simulator.bearer().split(".")
    assert json.loads(_decode(header))["alg"] == "RS256"
    claims = json.loads(_decode(payload))
    assert claims["iss"] == configuration["issuer"]
    assert claims["exp"] - claims["iat"] == 3600
    modulus, exponent = (int.from_bytes(_decode(keys[0][name])) for name in ("n", "e"))
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    key.verify(_decode(signature), f"{header}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256())


def test_only_the_refreshing_client_gets_a_refresh_token_and_it_works_once(simulator: Running) -> None:
    refresher = simulator.log_in(client_id="VmsClient").json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": refresher, "client_id": "VmsClient"}
    answer = simulator.send("POST", "/API/IDP/connect/token", data=form)
    assert answer.status_code == 200
    assert answer.json()["refresh_token"] != refresher
    again = simulator.send("POST", "/API/IDP/connect/token", data=form)
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize(
    ("fields", "error", "code"),
    [
        ({"password": "wrong"}, "invalid_grant", "InvalidCredentials"),
        ({"username": "nobody"}, "invalid_grant", "InvalidCredentials"),
        ({"client_id": "Unknown"}, "invalid_client", None),
        ({"grant_type": "implicit"}, "unsupported_grant_type", None),
        ({"grant_type": "client_credentials"}, "invalid_client", None),
        ({"grant_type": "windows_auth"}, "unsupported_grant_type", None),
        ({"grant_type": "windows_credentials"}, "unsupported_grant_type", None),
        ({"grant_type": ""}, "invalid_request", None),
        ({"grant_type": "refresh_token", "client_id": "VmsClient"}, "invalid_grant", None),
        ({"grant_type": "refresh_token"}, "invalid_client", None),
    ],
)
def test_a_wrong_token_request_is_refused_with_its_reason(
    simulator: Running, fields: dict[str, str], error: str, code: str | None
) -> None:
    answer = simulator.log_in(**fields)
    assert answer.status_code == 400
    assert (answer.json()["error"], answer.json().get("error_code")) == (error, code)
    assert PASSWORD not in answer.text


@pytest.mark.parametrize("code", ["LockedOut", "ChangePassword"])
def test_an_account_can_be_locked_or_due_for_a_new_password(fresh: Running, code: str) -> None:
    fresh.order("idp", code)
    answer = fresh.log_in()
    assert (answer.status_code, answer.json()["error"], answer.json()["error_code"]) == (400, "invalid_grant", code)
    assert fresh.log_in().status_code == 200


def test_a_service_logs_in_with_client_credentials_and_is_no_user(video: Path) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": "vigie-service",
        "client_secret": "s=cret",
        "scope": "managementserver",
        "username": "",
        "password": "",
    }
    with run(video, "--client", "vigie-service=s=cret") as site:
        token = site.log_in(**form).json()["access_token"]
        claims = json.loads(_decode(token.split(".")[1]))
        assert (claims["client_id"], "sub" in claims) == ("vigie-service", False)
        headers = {"Authorization": f"Bearer {token}"}
        assert site.send("GET", "/API/rest/v1/cameras", headers=headers).status_code == 200
        wrong = [site.log_in(**{**form, name: "x"}) for name in ("client_id", "client_secret", "scope")]
    assert [answer.json()["error"] for answer in wrong] == ["invalid_client", "invalid_client", "invalid_scope"]


def test_credentials_in_json_are_no_form(simulator: Running) -> None:
    answer = simulator.send("POST", "/IDP/connect/token", json={"grant_type": "password", "username": USERNAME})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_windows_account_is_asked_for_ntlm_only_without_the_gateway(simulator: Running) -> None:
    form = {"grant_type": "windows_credentials", "client_id": "GrantValidatorClient"}
    answer = simulator.send("POST", "/IDP/connect/token", data=form)
    assert answer.status_code == 401
    assert "NTLM" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("charset", ["utf-8", "unheard-of"])
def test_a_form_that_is_no_text_is_refused_as_any_other(simulator: Running, charset: str) -> None:
    headers = {"Content-Type": f"application/x-www-form-urlencoded; charset={charset}"}
    answer = simulator.send("POST", "/API/IDP/connect/token", data=b"grant_type=\xff\xfe", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
