"""The Events & State WebSocket, ``/api/ws/events/v1`` (notes §4.7)."""

from __future__ import annotations

from collections.abc import MutableSet
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from connectors.milestone.simulator.events.ess_sessions import EssSessions
from connectors.milestone.simulator.events.ess_socket import EssSocket
from connectors.milestone.simulator.idp.tokens import Tokens
from connectors.milestone.simulator.site import Site
from connectors.milestone.simulator.web.rest import RestRefused
from connectors.milestone.simulator.web.routing import Routes
from connectors.protocols.simulation import FaultBoard

PATH = "/api/ws/events/v1"

OUTCOMES = frozenset({"recycle", "401", "503", "silent", "malformed"})
"""Of the fault ``ess``, one for each connection: dropped once its session began; turned away; served but told of no
event; sent half a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsWebSocket:
    """Takes connections."""

    site: Site
    tokens: Tokens
    faults: FaultBoard
    sessions: EssSessions
    state_s: float
    """How long ``getState`` takes."""
    sockets: MutableSet[web.WebSocketResponse]
    """The gateway's open sockets, which drop when it recycles."""

    def add_to(self, routes: Routes) -> None:
        """Registers its path."""
        routes.add("GET", PATH, self._connect)

    async def _connect(self, request: web.BaseRequest, _id: str) -> web.StreamResponse:
        outcome = self.faults.next("ess")
        if outcome == "503":
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text="Service Unavailable")
        socket = web.WebSocketResponse(compress=False)
        if not socket.can_prepare(request):
            raise RestRefused(HTTPStatus.BAD_REQUEST, "A WebSocket request is expected")
        is_authenticated = self._is_authenticated(request)
        if outcome == "401" or is_authenticated is None:
            raise RestRefused(HTTPStatus.UNAUTHORIZED, "Unauthorized")
        await socket.prepare(request)
        self.sockets.add(socket)
        try:
            await EssSocket(
                socket=socket,
                sessions=self.sessions,
                tokens=self.tokens,
                release=self.site.release,
                state_s=self.state_s,
                outcome=outcome,
                is_authenticated=is_authenticated,
            ).serve()
        finally:
            self.sockets.discard(socket)
        return socket

    def _is_authenticated(self, request: web.BaseRequest) -> bool | None:
        """None for what is refused; False where the command ``authenticate`` may follow (2024 R1)."""
        authorization = request.headers.get("Authorization")
        if authorization is None:
            return False if self.site.release.has_session_time_out else None
        scheme, _, token = authorization.partition(" ")
        return True if scheme.lower() == "bearer" and self.tokens.is_bearer(token.strip()) else None
