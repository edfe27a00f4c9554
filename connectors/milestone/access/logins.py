"""The ways to a bearer token: OAuth 2 at XProtect's identity provider (2021 R1 and later).

None of them gives a refresh token with these client ids: renewing is logging in again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import requests

from connectors.milestone.access.rest import json_object, succeeded, without_effect
from connectors.milestone.access.soap_transport import Sender
from connectors.milestone.access.tokens import Grant
from core.errors import AuthenticationRefused, ProtocolViolation
from core.redaction import redact

Login: TypeAlias = Literal["basic", "windows", "client"]

_CLIENT = "GrantValidatorClient"
"""XProtect's public client id for users."""
_SCOPE = "managementserver"
_DEFAULT_LIFE_S = 3600.0
"""Life of a bearer token when the identity provider does not say."""

_MEANINGS = {
    "InvalidCredentials": "user name or password is wrong",
    "LockedOut": "the account is locked",
    "ChangePassword": "the account must choose a new password first",
}
_SPELLINGS = {
    "invalid_username_or_password": "InvalidCredentials",
    "invalid_client": "InvalidCredentials",
    **{name: name for name in _MEANINGS},
}
REMEDIES: Mapping[Login, Mapping[str, str]] = {
    "basic": {
        "InvalidCredentials": "Check username and password: Management Client → Security → Basic Users.",
        "LockedOut": "The account is locked: Management Client → Security → Basic Users, clear its lockout.",
        "ChangePassword": "The account must change its password first: log in once with a Smart Client and choose a new one.",
    },
    "windows": {
        "InvalidCredentials": "Check username (DOMAIN\\user) and password, and that the user has a role: "
        "Management Client → Security → Roles.",
        "LockedOut": "The Windows account is locked: unlock it in Active Directory or on the management server.",
        "ChangePassword": "The Windows account must change its password first: log in to Windows once.",
    },
    "client": dict.fromkeys(_MEANINGS, "Check the client id in 'username' and its secret in 'password'."),
}
"""What to do, by the way of logging in."""


def password_grant(http: Sender, identity_provider: str, username: str, password: str) -> Grant:
    """For a basic user; the gateway passes it on."""
    form = {"grant_type": "password", "username": username, "password": password, "client_id": _CLIENT}
    return _granted(http, f"{identity_provider}/connect/token", form, username, "basic")


def windows_grant(ntlm: Sender, identity_provider: str, username: str) -> Grant:
    """For a Windows account, straight at the management server: the gateway passes no NTLM on."""
    form = {"grant_type": "windows_credentials", "client_id": _CLIENT}
    return _granted(ntlm, f"{identity_provider}/connect/token", form, username, "windows")


def client_grant(http: Sender, token_endpoint: str, client_id: str, secret: str) -> Grant:
    """For a service, which gets a token with broad rights."""
    form = {
        "grant_type": "client_credentials",
        "scope": _SCOPE,
        "client_id": client_id,
        "client_secret": secret,
    }
    return _granted(http, token_endpoint, form, client_id, "client")


def _granted(http: Sender, url: str, form: Mapping[str, str], account: str, login: Login) -> Grant:
    what = f"login of {account!r} at {url.removesuffix('/connect/token')}"
    with without_effect():
        response = http.request("POST", url, what=what, data=dict(form), allow_redirects=False)
        if response.status_code in {requests.codes.bad_request, requests.codes.unauthorized}:
            raise _refusal(response, what, login)
        body = json_object(succeeded(response, what), what)
    token = body.get("access_token")
    if not isinstance(token, str) or not token:
        raise ProtocolViolation(f"{what}: the answer has no access_token")
    return Grant(token, _life(body))


def _life(body: dict[str, Any]) -> float:
    try:
        return max(1.0, float(body.get("expires_in", _DEFAULT_LIFE_S)))
    except (TypeError, ValueError):
        return _DEFAULT_LIFE_S


def _refusal(response: requests.Response, what: str, login: Login) -> AuthenticationRefused:
    try:
        body = response.json()
    except ValueError:
        body = None
    told = body if isinstance(body, dict) else {}
    words = [str(told.get(key) or "") for key in ("error_code", "error", "error_description")]
    said = redact(" ".join(filter(None, words))) or f"HTTP {response.status_code}"
    reason = _reason(" ".join(words))
    return AuthenticationRefused(f"{what} is refused: {_MEANINGS[reason]} ({said})", remedy=REMEDIES[login][reason])


def _reason(words: str) -> str:
    folded = words.replace(" ", "").lower()
    return next((reason for spelling, reason in _SPELLINGS.items() if spelling.lower() in folded), "InvalidCredentials")
