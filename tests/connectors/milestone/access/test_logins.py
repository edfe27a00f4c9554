from __future__ import annotations

from collections.abc import Callable

import pytest
import responses

from connectors.milestone.access.logins import client_grant, password_grant, windows_grant
from connectors.milestone.access.tokens import Grant
from connectors.protocols.http import HttpSession
from core.errors import AuthenticationRefused, ProtocolViolation, ReplyLost, VmsUnavailable
from tests.connectors.milestone.support import API, PASSWORD, URL

TOKEN_URL = f"{API}/IDP/connect/token"
WINDOWS_URL = f"{URL}/IDP/connect/token"


def _grant() -> Grant:
    http = HttpSession(ca=None, timeout_s=5.0)
    try:
        return password_grant(http, f"{API}/IDP", "vigie", PASSWORD)
    finally:
        http.close()


@responses.activate
def test_the_password_grant_is_the_documented_form() -> None:
    form = {
        "grant_type": "password",
        "username": "vigie",
        "password": PASSWORD,
        "client_id": "GrantValidatorClient",
    }
    responses.post(
        TOKEN_URL,
        json={"access_token": "jwt", "expires_in": 1200, "token_type": "Bearer"},
        match=[responses.matchers.urlencoded_params_matcher(form)],
    )
    assert _grant() == Grant("jwt", 1200.0)


@responses.activate
def test_a_grant_without_life_gets_the_documented_hour() -> None:
    responses.post(TOKEN_URL, json={"access_token": "jwt"})
    assert _grant().life_s == 3600.0


@pytest.mark.parametrize(
    ("body", "status", "remedy"),
    [
        ({"error": "invalid_grant", "error_code": "InvalidCredentials"}, 400, "username and password"),
        ({"error": "invalid_grant", "error_description": "invalid_username_or_password"}, 400, "username and password"),
        ({"error": "invalid_grant", "error_code": "LockedOut"}, 400, "locked"),
        ({"error": "invalid_grant", "error_code": "ChangePassword"}, 400, "change its password"),
        ([], 401, "username and password"),
    ],
)
@responses.activate
def test_a_refused_login_says_what_to_mend(body: object, status: int, remedy: str) -> None:
    responses.post(TOKEN_URL, json=body, status=status)
    with pytest.raises(AuthenticationRefused) as caught:
        _grant()
    assert remedy in caught.value.remedy
    assert PASSWORD not in caught.value.line()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda: responses.post(TOKEN_URL, body="<html>Bad Gateway</html>", status=502), VmsUnavailable),
        (lambda: responses.post(TOKEN_URL, body="<html>starting</html>", status=503), VmsUnavailable),
        (lambda: responses.post(TOKEN_URL, body="<html>IIS</html>", status=200), ProtocolViolation),
        (lambda: responses.post(TOKEN_URL, json={"token_type": "Bearer"}), ProtocolViolation),
    ],
)
@responses.activate
def test_a_login_without_answer_is_unavailable_and_never_a_lost_reply(
    answer: Callable[[], object], kind: type[Exception]
) -> None:
    answer()
    with pytest.raises(kind) as caught:
        _grant()
    assert not isinstance(caught.value, ReplyLost)


def _with_http(call: Callable[[HttpSession], Grant]) -> Grant:
    http = HttpSession(ca=None, timeout_s=5.0)
    try:
        return call(http)
    finally:
        http.close()


@responses.activate
def test_the_windows_grant_names_no_account_as_ntlm_does_it() -> None:
    form = {"grant_type": "windows_credentials", "client_id": "GrantValidatorClient"}
    responses.post(
        WINDOWS_URL, json={"access_token": "jwt"}, match=[responses.matchers.urlencoded_params_matcher(form)]
    )
    assert _with_http(lambda http: windows_grant(http, f"{URL}/IDP", "SITE\\vigie")).token == "jwt"


@responses.activate
def test_the_client_grant_is_the_documented_form() -> None:
    form = {
        "grant_type": "client_credentials",
        "scope": "managementserver",
        "client_id": "vigie-app",
        "client_secret": PASSWORD,
    }
    responses.post(
        WINDOWS_URL, json={"access_token": "jwt"}, match=[responses.matchers.urlencoded_params_matcher(form)]
    )
    assert _with_http(lambda http: client_grant(http, WINDOWS_URL, "vigie-app", PASSWORD)).token == "jwt"


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        ({"error": "invalid_grant", "error_code": "InvalidCredentials"}, "is wrong"),
        ({"error": "invalid_grant", "error_code": "LockedOut"}, "is locked"),
        ({"error": "invalid_grant", "error_description": "Change password"}, "choose a new password"),
        ({"error": "invalid_client"}, "is wrong"),
    ],
)
@responses.activate
def test_each_kind_of_refusal_has_its_own_words(error: dict[str, str], meaning: str) -> None:
    responses.post(WINDOWS_URL, json=error, status=400)
    remedies = set()
    for grant in (
        lambda http: windows_grant(http, f"{URL}/IDP", "SITE\\vigie"),
        lambda http: password_grant(http, f"{URL}/IDP", "vigie", PASSWORD),
        lambda http: client_grant(http, WINDOWS_URL, "vigie-app", PASSWORD),
    ):
        with pytest.raises(AuthenticationRefused, match=meaning) as caught:
            _with_http(grant)
        remedies.add(caught.value.remedy)
    assert len(remedies) == 3, "each way of logging in has its own remedy"
