"""The identity provider: OAuth2 tokens for basic users, Windows users and services (notes §1.1, §1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

from aiohttp import web

from connectors.milestone.simulator.idp.ntlm import NtlmGate, NtlmRefused
from connectors.milestone.simulator.idp.tokens import AUDIENCE, Tokens
from connectors.milestone.simulator.site import Site
from connectors.milestone.simulator.web.routing import Routes
from connectors.protocols.simulation import FaultBoard
from core.types import Json

IDP_OUTCOMES = frozenset({"503", "LockedOut", "ChangePassword"})
"""``503`` turned away; the others refuse the account with that ``error_code``."""

_WINDOWS_CLIENTS = {"windows_credentials": "GrantValidatorClient", "windows_auth": "winauthclient"}
"""By grant type: only an account that HTTP NTLM has proved gets these."""

_PASSWORD_CLIENTS = frozenset({"GrantValidatorClient", "VmsClient", "VmsAdminClient"})
_REFRESHING_CLIENT = "VmsClient"
_REASONS = {"LockedOut": "The user is locked out", "ChangePassword": "The user must change the password"}
"""Wording *unverified*; the codes are documented."""

_FORM = "application/x-www-form-urlencoded"


class _TokenRefused(Exception):
    def __init__(self, error: str, description: str = "", code: str = "") -> None:
        super().__init__(error)
        named = {"error": error, "error_description": description, "error_code": code}
        self.body = {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """Serves ``/IDP``, and the token address through the gateway."""

    site: Site
    tokens: Tokens
    faults: FaultBoard
    ntlm: NtlmGate

    def add_to(self, routes: Routes) -> None:
        """Registers its paths."""
        for base in ("/IDP", "/API/IDP"):
            routes.add("GET", f"{base}/.well-known/openid-configuration", self._configuration)
            routes.add("GET", f"{base}/.well-known/openid-configuration/jwks", self._jwks)
        routes.add("POST", "/IDP/connect/token", self._direct_token)
        routes.add("POST", "/API/IDP/connect/token", self._gateway_token)

    async def _configuration(self, _request: web.BaseRequest, _id: str) -> web.Response:
        base = self._issuer()
        body: dict[str, Json] = {
            "issuer": base,
            "jwks_uri": f"{base}/.well-known/openid-configuration/jwks",
            "authorization_endpoint": f"{base}/connect/authorize",
            "token_endpoint": f"{base}/connect/token",
            "external_providers_uri": f"{base}/externalProviders",
            "server_version": self.site.release.version,
            "scopes_supported": [AUDIENCE, "offline_access"],
            "grant_types_supported": ["password", "refresh_token", "client_credentials", *_WINDOWS_CLIENTS],
        }
        return web.json_response(body)

    async def _jwks(self, _request: web.BaseRequest, _id: str) -> web.Response:
        return web.json_response(self.tokens.signer.jwks())

    async def _direct_token(self, request: web.BaseRequest, _id: str) -> web.Response:
        """Straight to the provider: here alone are Windows accounts asked for NTLM."""
        form = await _form(request)
        if form.get("grant_type") not in _WINDOWS_CLIENTS:
            return self._answer(form)
        try:
            return self._answer(form, windows_user=self.ntlm.user(request))
        except NtlmRefused as refusal:
            return refusal.response

    async def _gateway_token(self, request: web.BaseRequest, _id: str) -> web.Response:
        """The gateway passes no NTLM through: the provider then knows no Windows user."""
        return self._answer(await _form(request))

    def _answer(self, form: dict[str, str], windows_user: str = "") -> web.Response:
        outcome = self.faults.next("idp")
        if outcome == "503":
            return web.Response(status=503, text="Service Unavailable")
        try:
            _obey(outcome)
            return web.json_response(self._granted(form, windows_user), headers={"Cache-Control": "no-store"})
        except _TokenRefused as error:
            return web.json_response(error.body, status=400)

    def _granted(self, form: dict[str, str], windows_user: str) -> dict[str, Json]:
        subject = self._subject(form, windows_user)
        body: dict[str, Json] = {
            "access_token": self.tokens.issue_bearer(self._issuer(), form["client_id"], subject),
            "expires_in": int(self.tokens.jwt_s),
            "token_type": "Bearer",
            "scope": AUDIENCE,
        }
        if form["client_id"] == _REFRESHING_CLIENT:
            body["refresh_token"] = self.tokens.issue_refresher()
        return body

    def _subject(self, form: dict[str, str], windows_user: str) -> str | None:
        """Whom the token is for: None the basic user, empty a service. Raises ``_TokenRefused``."""
        match form.get("grant_type", ""):
            case "password":
                self._require_password(form)
            case "refresh_token":
                self._require_refresher(form)
            case "client_credentials":
                self._require_client(form)
                return ""
            case grant if grant in _WINDOWS_CLIENTS:
                _require_windows(form, windows_user)
                return windows_user
            case "":
                raise _TokenRefused("invalid_request", "grant_type is missing")
            case _:
                raise _TokenRefused("unsupported_grant_type")
        return None

    def _require_client(self, form: dict[str, str]) -> None:
        if not self.tokens.is_client(form.get("client_id", ""), form.get("client_secret", "")):
            raise _TokenRefused("invalid_client")
        if form.get("scope") != AUDIENCE:
            raise _TokenRefused("invalid_scope")

    def _require_password(self, form: dict[str, str]) -> None:
        if form.get("client_id") not in _PASSWORD_CLIENTS:
            raise _TokenRefused("invalid_client")
        if not self.tokens.is_account(form.get("username", ""), form.get("password", "")):
            raise _TokenRefused("invalid_grant", "invalid_username_or_password", "InvalidCredentials")

    def _require_refresher(self, form: dict[str, str]) -> None:
        if form.get("client_id") != _REFRESHING_CLIENT:
            raise _TokenRefused("invalid_client")
        if not self.tokens.use_refresher(form.get("refresh_token", "")):
            raise _TokenRefused("invalid_grant")

    def _issuer(self) -> str:
        return f"{self.site.gateway_url}IDP"


def _obey(outcome: str) -> None:
    if outcome in _REASONS:
        raise _TokenRefused("invalid_grant", _REASONS[outcome], outcome)


def _require_windows(form: dict[str, str], windows_user: str) -> None:
    """The scope of ``windows_auth`` is told by its one public user and not required here."""
    if not windows_user:
        raise _TokenRefused("unsupported_grant_type")
    if form.get("client_id") != _WINDOWS_CLIENTS[form["grant_type"]]:
        raise _TokenRefused("invalid_client")


async def _form(request: web.BaseRequest) -> dict[str, str]:
    """The fields of a form; empty when the request is not one, which is then refused as incomplete."""
    if request.content_type != _FORM:
        return {}
    text = (await request.read()).decode(errors="replace")
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}
