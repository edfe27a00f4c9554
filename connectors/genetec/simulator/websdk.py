"""The Web-based SDK role on HTTP: address, credentials, refusals, faults; and the second port for event streams.

Unverified: the order of the checks, the status of the redirect to the stream port, and what a path with ``%2f`` gets
(public sources only say that it does not work).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import unquote
from weakref import WeakSet

from aiohttp import web

from connectors.genetec.simulator.commands import Call, Commands, Route
from connectors.genetec.simulator.envelope import (
    SIMULATOR_REFUSAL,
    UNABLE_TO_RETRIEVE_ENTITY,
    UNSUFFICIENT_PRIVILEGE,
    Failure,
    Reply,
    form_of,
    render,
)
from connectors.genetec.simulator.sessions import Session, Sessions
from connectors.genetec.simulator.streams import CONTENT_TYPE, STREAM_OUTCOMES, Stream, StreamSettings
from connectors.protocols.backdoor import OK, FaultBoard
from core.errors import NotFoundInVms, RequestInvalid, RightMissing

FAULTS = {
    "publish": ("503", "drop", "accept-then-drop", "slow", "fail"),
    "web": ("503", "drop", "accept-then-drop", "slow"),
    "stream": STREAM_OUTCOMES,
    "auth": ("403",),
    "licence": ("missing",),
    "video": ("drop", "freeze"),
}
"""What can be ordered: ``publish`` counts requests that raise events, alarms or bookmarks, ``web`` those of the main port,
``stream`` connections to the second; ``licence`` lasts while it is ordered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSettings:
    """How the role is set up."""

    base_uri: str
    streams: StreamSettings
    slow_s: float
    flat_errors: bool


class WebSdkRole:
    """Answers the Web SDK's two ports."""

    def __init__(self, settings: RoleSettings, sessions: Sessions, commands: Commands, faults: FaultBoard) -> None:
        self._settings = settings
        self._sessions = sessions
        self._commands = commands
        self._faults = faults
        self._transports: WeakSet[asyncio.Transport] = WeakSet()
        self._streaming: dict[str, web.Request] = {}

    def app(self, stream_url: str | None) -> web.Application:
        """The main port; ``stream_url`` is where it sends who asks for events, None when it streams them itself."""
        app = web.Application()

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._answer(request, stream_url)

        app.router.add_route("*", "/{path:.*}", handle)
        return app

    def stream_app(self) -> web.Application:
        """The second port, which has event streams only."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._stream)
        return app

    def close_streams(self) -> None:
        """Ends every open stream."""
        self._sessions.close_streams()

    def go_down(self) -> None:
        """As when the role stops: every connection is cut, every logon is forgotten."""
        for transport in list(self._transports):
            transport.abort()
        self._sessions.forget_all()

    def drop_streams(self) -> int:
        """Cuts every open event stream off; their number."""
        requests = [request for request in self._streaming.values() if request.transport]
        for request in requests:
            _hang_up(request)
        self._sessions.close_streams()
        return len(requests)

    async def _answer(self, request: web.Request, stream_url: str | None) -> web.StreamResponse:
        self._note(request)
        segments = self._segments(request)
        session = self._session(request)
        if request.method == "GET" and segments == ("events",):
            if stream_url is None:
                return await self._stream(request)
            raise web.HTTPFound(stream_url)
        route, names = self._route(request.method, segments)
        call = Call(
            session=session,
            names=names,
            query=request.query,
            content_type=request.headers.get("Content-Type", ""),
            body=await request.read(),
        )
        outcome = self._outcome(route)
        reply = await self._carried_out(route, call, outcome)
        if outcome in {"drop", "accept-then-drop"}:
            _hang_up(request)
        form = form_of(request.headers.get("Accept", ""))
        return web.Response(
            body=render(reply, form, flat_errors=self._settings.flat_errors), content_type=form.value, charset="utf-8"
        )

    def _outcome(self, route: Route) -> str:
        """Both plans count; what ``publish`` orders goes first."""
        web_outcome = self._faults.next("web")
        publish_outcome = self._faults.next("publish") if route.is_publishing else OK
        return web_outcome if publish_outcome == OK else publish_outcome

    async def _carried_out(self, route: Route, call: Call, outcome: str) -> Reply | Failure:
        if outcome == "503":
            raise web.HTTPServiceUnavailable
        if outcome == "drop":
            return Reply()
        if outcome == "fail":
            return Failure(code=SIMULATOR_REFUSAL, message="this failure was ordered")
        reply = _run(route, call)
        if outcome == "slow":
            await asyncio.sleep(self._settings.slow_s)
        return reply

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self._note(request)
        if request.method != "GET" or self._segments(request) != ("events",):
            raise web.HTTPNotFound
        session = self._session(request)
        outcome = self._faults.next("stream")
        if outcome == "503":
            raise web.HTTPServiceUnavailable
        stream = Stream(form_of(request.headers.get("Accept", "")), self._settings.streams, outcome)
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-cache"})
        session.streams[stream.id] = stream
        self._streaming[stream.id] = request
        try:
            async with asyncio.timeout(self._settings.streams.longest_s):
                await response.prepare(request)
                async for part in stream.parts():
                    await response.write(part)
        except OSError:  # time-outs are OSError too
            _hang_up(request)
        finally:
            del session.streams[stream.id]
            del self._streaming[stream.id]
        return response

    def _note(self, request: web.Request) -> None:
        if isinstance(request.transport, asyncio.Transport):
            self._transports.add(request.transport)

    def _segments(self, request: web.Request) -> tuple[str, ...]:
        """Path below the base URI, decoded; its case does not matter there (unverified)."""
        if request.method == "POST" and "Content-Length" not in request.headers:
            raise web.HTTPLengthRequired
        raw = request.rel_url.raw_path
        if "%2f" in raw.lower() or "%23" in raw:
            raise web.HTTPNotFound(text="a path cannot hold an encoded slash or number sign")
        base, *rest = (unquote(segment) for segment in raw.strip("/").split("/"))
        if base.lower() != self._settings.base_uri.lower():
            raise web.HTTPNotFound
        return tuple(rest)

    def _session(self, request: web.Request) -> Session:
        authorization = request.headers.get("Authorization")
        if authorization is None:
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Basic realm="Web SDK"'})
        if self._faults.next("auth") == "403" or self._faults.current("licence") == "missing":
            raise web.HTTPForbidden
        session = self._sessions.log_on(authorization)
        if session is None:
            raise web.HTTPForbidden
        return session

    def _route(self, verb: str, segments: tuple[str, ...]) -> tuple[Route, dict[str, str]]:
        for route in self._commands.routes:
            names = route.match(verb, segments)
            if names is not None and self._commands.allows(names):
                return route, names
        raise web.HTTPNotFound(text="unknown command")


def _run(route: Route, call: Call) -> Reply | Failure:
    try:
        return route.run(call)
    except NotFoundInVms as error:
        return Failure(code=UNABLE_TO_RETRIEVE_ENTITY, message=str(error))
    except RightMissing as error:
        return Failure(code=UNSUFFICIENT_PRIVILEGE, message=str(error))
    except RequestInvalid as error:
        return Failure(code=SIMULATOR_REFUSAL, message=str(error))


def _hang_up(request: web.Request) -> None:
    """Cuts the connection without an answer."""
    if request.transport:
        request.transport.abort()
