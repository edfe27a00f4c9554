"""The management server's HTTPS port: API Gateway, identity provider and SOAP under one host (notes §1, §2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from aiohttp import WSCloseCode, web

from connectors.milestone.simulator.config.rest import REST
from connectors.milestone.simulator.gateway.ages import require_path
from connectors.milestone.simulator.gateway.faults import GatewayFaults
from connectors.milestone.simulator.idp.tokens import Tokens
from connectors.milestone.simulator.site import Site
from connectors.milestone.simulator.web.html import error_page
from connectors.milestone.simulator.web.rest import RestRefused
from connectors.milestone.simulator.web.routing import NoSuchMethod, NoSuchPath, Routes
from connectors.protocols.simulation import FaultBoard
from core.types import Json

HTML_ERRORS = frozenset({"500", "502", "503"})
"""Outcomes of the fault ``html-error``: an IIS page with that status instead of any answer."""

_MAX_BYTES = 16 * 1024 * 1024


class Service(Protocol):
    """Something that serves paths of the gateway."""

    def add_to(self, routes: Routes) -> None:
        """Registers its paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Puts the services behind one port: paths in any case, a Bearer token before every REST call."""

    site: Site
    tokens: Tokens
    faults: FaultBoard
    services: Sequence[Service]
    disasters: GatewayFaults
    sockets: set[web.WebSocketResponse]
    """Open WebSockets; whoever serves one puts it in and takes it out."""

    def app(self) -> web.Application:
        """The server."""
        routes = Routes()
        routes.add("GET", "/API/.well-known/uris", self._uris)
        for service in self.services:
            service.add_to(routes)

        async def serve(request: web.Request) -> web.StreamResponse:
            is_rest = self.site.release.has_gateway and request.path.lower().startswith(f"{REST.lower()}/")
            response = await self.disasters.guard(
                request, lambda: self._answer(routes, request, is_rest=is_rest), is_rest=is_rest
            )
            if not response.prepared:
                response.headers["Server"] = "Microsoft-IIS/10.0"
            return response

        app = web.Application(client_max_size=_MAX_BYTES)
        app.router.add_route("*", "/{path:.*}", serve)
        app.on_shutdown.append(self._shut_down)
        return app

    async def _shut_down(self, _app: web.Application) -> None:
        for socket in list(self.sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    async def _answer(self, routes: Routes, request: web.Request, *, is_rest: bool) -> web.StreamResponse:
        outcome = self.faults.next("html-error")
        if outcome in HTML_ERRORS:
            return error_page(int(outcome))
        release, nested = self.site.release, self.disasters.options.wrapper != "o22"
        try:
            if is_rest:
                self._require_bearer(request)
            require_path(request.path, release)
            handler, object_id = routes.find(request.method, request.path)
            return await handler(request, object_id)
        except RestRefused as refusal:
            return refusal.response(nested=nested)
        except NoSuchPath:
            # Config REST calls an unknown resource a bad request; only unknown ids are not found.
            unknown = RestRefused(400, "Unknown request")
            return unknown.response(nested=nested) if is_rest else error_page(HTTPStatus.NOT_FOUND)
        except NoSuchMethod:
            return error_page(HTTPStatus.METHOD_NOT_ALLOWED)

    def _require_bearer(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.tokens.is_bearer(token.strip()):
            raise RestRefused(401, "Unauthorized")

    async def _uris(self, _request: web.BaseRequest, _id: str) -> web.Response:
        """Where everything is; needs no token."""
        base = self.site.gateway_url
        is_secure = base.startswith("https:")
        body: dict[str, Json] = {
            "ProductVersion": self.site.release.version,
            "UnsecureManagementServer": "" if is_secure else base,
            "SecureManagementServer": base if is_secure else "",
            "IdentityProvider": f"{base}IDP",
            "ApiGateways": [f"{base}API/"],
        }
        return web.json_response(body)
