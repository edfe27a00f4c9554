"""The identity provider: OAuth2 tokens for basic users (notes §1.1, §1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

from aiohttp import web

from connectors.milestone.simulator.routing import Routes
from connectors.milestone.simulator.site import VERSION, Site
from connectors.milestone.simulator.tokens import AUDIENCE, Tokens
from connectors.protocols.simulation import FaultBoard
from core.types import Json

_PASSWORD_CLIENTS = frozenset({"GrantValidatorClient", "VmsClient", "VmsAdminClient"})
_REFRESHING_CLIENT = "VmsClient"
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
            "server_version": VERSION,
            "scopes_supported": [AUDIENCE, "offline_access"],
            "grant_types_supported": ["password", "refresh_token"],
        }
        return web.json_response(body)

    async def _jwks(self, _request: web.BaseRequest, _id: str) -> web.Response:
        return web.json_response(self.tokens.signer.jwks())

    async def _direct_token(self, request: web.BaseRequest, _id: str) -> web.Response:
        """Straight to the provider: here alone would Windows accounts be asked for NTLM, which is not simulated."""
        form = await _form(request)
        if form.get("grant_type") == "windows_credentials":
            return web.Response(status=401, headers={"WWW-Authenticate": "Negotiate, NTLM"})
        return self._answer(form)

    async def _gateway_token(self, request: web.BaseRequest, _id: str) -> web.Response:
        return self._answer(await _form(request))

    def _answer(self, form: dict[str, str]) -> web.Response:
        if self.faults.next("idp") == "503":
            return web.Response(status=503, text="Service Unavailable")
        try:
            return web.json_response(self._granted(form), headers={"Cache-Control": "no-store"})
        except _TokenRefused as error:
            return web.json_response(error.body, status=400)

    def _granted(self, form: dict[str, str]) -> dict[str, Json]:
        match form.get("grant_type", ""):
            case "password":
                self._require_password(form)
            case "refresh_token":
                self._require_refresher(form)
            case "":
                raise _TokenRefused("invalid_request", "grant_type is missing")
            case _:
                raise _TokenRefused("unsupported_grant_type")
        body: dict[str, Json] = {
            "access_token": self.tokens.issue_bearer(self._issuer(), form["client_id"]),
            "expires_in": int(self.tokens.jwt_s),
            "token_type": "Bearer",
            "scope": AUDIENCE,
        }
        if form["client_id"] == _REFRESHING_CLIENT:
            body["refresh_token"] = self.tokens.issue_refresher()
        return body

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


async def _form(request: web.BaseRequest) -> dict[str, str]:
    """The fields of a form; empty when the request is not one, which is then refused as incomplete."""
    if request.content_type != _FORM:
        return {}
    return {name: values[-1] for name, values in parse_qs(await request.text(), keep_blank_values=True).items()}
