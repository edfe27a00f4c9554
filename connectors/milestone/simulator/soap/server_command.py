"""``ServerCommandService``: SOAP login and the operations of a management server (notes §1.4, §1.5).

Result members come in alphabetical order, as data contracts without explicit order are written.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web
from lxml import etree

from connectors.milestone.simulator.idp.ntlm import NtlmGate, NtlmRefused
from connectors.milestone.simulator.idp.tokens import Tokens
from connectors.milestone.simulator.site import Site, rest_time, stable_id
from connectors.milestone.simulator.soap.messages import (
    ASMX,
    SERVER_COMMAND,
    SVC,
    UNSUPPORTED,
    Dialect,
    Parameters,
    SoapFault,
    Value,
    answer,
    first_body_element,
)
from connectors.milestone.simulator.soap.operations import Operation, OperationGroup, Operations
from connectors.milestone.simulator.web.html import unauthorized_page
from connectors.milestone.simulator.web.publishing import PublishGate
from connectors.milestone.simulator.web.routing import Routes

_SERVICE = "/ManagementServer/ServerCommandService.svc"
_OAUTH_SERVICE = "/ManagementServer/ServerCommandServiceOAuth.svc"
_LEGACY_SERVICE = "/ServerAPI/ServerCommandService.asmx"
_TOKEN_FAULT = 20001
_PRODUCT_CODE = "430"
_INTEGRATION = (
    "token",
    "instanceId",
    "integrationId",
    "integrationVersion",
    "integrationName",
    "manufacturerName",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCommand:
    """Serves the service behind HTTP Basic, behind a Bearer token (OAuth), and, older, behind NTLM (``.asmx``)."""

    site: Site
    tokens: Tokens
    ntlm: NtlmGate
    gate: PublishGate
    groups: Sequence[OperationGroup]

    def add_to(self, routes: Routes) -> None:
        """Registers its paths."""
        known = {**self._own_operations()}
        for group in self.groups:
            known.update(group.operations())

        async def basic(request: web.BaseRequest, _id: str) -> web.Response:
            if not self._is(self.tokens.is_account, request):
                return unauthorized_page('Basic realm="ManagementServer"')
            return await self._answered(request, known, SVC, is_oauth=False)

        async def oauth(request: web.BaseRequest, _id: str) -> web.Response:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not self.tokens.is_bearer(token.strip()):
                return unauthorized_page("Bearer")
            return await self._answered(request, known, SVC, is_oauth=True)

        async def legacy(request: web.BaseRequest, _id: str) -> web.Response:
            try:
                if not self._is(self.tokens.is_windows_account, request):
                    self.ntlm.user(request)
            except NtlmRefused as refusal:
                return refusal.response
            return await self._answered(request, known, ASMX, is_oauth=False)

        for path, handler in ((_SERVICE, basic), (_OAUTH_SERVICE, oauth), (_LEGACY_SERVICE, legacy)):
            routes.add("POST", path, handler)

    @staticmethod
    def _is(is_account: Callable[[str, str], bool], request: web.BaseRequest) -> bool:
        """Whether HTTP Basic names such an account."""
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            username, colon, password = b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return False
        return bool(colon) and is_account(username, password)

    async def _answered(
        self, request: web.BaseRequest, known: Operations, dialect: Dialect, *, is_oauth: bool
    ) -> web.Response:
        if request.content_type != "text/xml":
            return web.Response(status=415, text="Unsupported Media Type")
        try:
            return await self._called(request, known, dialect, is_oauth=is_oauth)
        except SoapFault as fault:
            return fault.response(dialect)

    async def _called(
        self, request: web.BaseRequest, known: Operations, dialect: Dialect, *, is_oauth: bool
    ) -> web.Response:
        call = first_body_element(await request.read(), dialect)
        name = etree.QName(call)
        operation = known.get(name.localname)
        if name.namespace != SERVER_COMMAND or operation is None:
            raise SoapFault(
                f"The message with Action '{name.localname}' cannot be processed",
                "a:ActionNotSupported",
                number=UNSUPPORTED,
            )
        parameters = Parameters(call, operation.parameters, dialect)
        if operation.needs_token:
            self._require_token(parameters.text("token"), is_oauth=is_oauth)

        async def carry_out() -> web.Response:
            return answer(name.localname, operation.carry_out(parameters), dialect)

        return await self.gate.guard(request, carry_out) if operation.publishes else await carry_out()

    def _own_operations(self) -> Operations:
        return {
            # An int; which one is unverified.
            "GetVersion": Operation(parameters=(), carry_out=lambda _: "25", needs_token=False),
            "GetServerVersion": Operation(
                parameters=(), carry_out=lambda _: self.site.release.version, needs_token=False
            ),
            "GetProductInfo": Operation(parameters=("token",), carry_out=self._product_info),
            "Login": Operation(parameters=("instanceId", "currentToken"), carry_out=self._login, needs_token=False),
            "RegisterIntegration": Operation(parameters=_INTEGRATION, carry_out=_register_integration),
        }

    def _require_token(self, token: str, *, is_oauth: bool) -> None:
        """The OAuth service knows the caller by the Bearer token and takes an empty one."""
        if token == "" and is_oauth:
            return
        if not self.tokens.is_soap(token):
            raise SoapFault(
                "VMO61008: The token is missing, invalid or expired.",
                "s:51000",
                number=_TOKEN_FAULT,
                sub_number=2 if token else 1,
            )

    def _product_info(self, _parameters: Parameters) -> Value:
        major, minor, service, build = self.site.release.version.split(".")
        return {
            "BuildConfiguration": "Release",
            "BuildDate": "2025-06-11T00:00:00Z",
            "BuildNumber": build,
            "MajorVersion": major,
            "MinorVersion": minor,
            "ProductCode": _PRODUCT_CODE,  # which product that is, is unverified
            "ProductLine": stable_id("product line", "simulated"),
            "ProductName": f"XProtect {self.site.edition} (simulated by Vigie)",
            "SLC": "M01-C01-100-01-SIMULA",
            "ServiceVersion": service,
            "SubProduct": stable_id("sub-product", "simulated"),
            "VendorId": stable_id("vendor", "simulated"),
        }

    def _login(self, parameters: Parameters) -> Value:
        """A renewal, with the old token in ``currentToken``, gets a new token like a first login."""
        parameters.guid("instanceId")
        token = self.tokens.issue_soap(self.site.host)
        return {
            "RegistrationTime": rest_time(token.registered_at),
            "TimeToLive": {"MicroSeconds": str(int(self.tokens.soap_s * 1_000_000))},
            "TimeToLiveLimited": "false",
            "Token": token.text,
        }


def _register_integration(parameters: Parameters) -> None:
    parameters.guid("integrationId")
