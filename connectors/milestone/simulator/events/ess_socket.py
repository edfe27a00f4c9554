"""One connection of the Events & State WebSocket: commands in, answers and pushes out (notes §4.7)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import WSCloseCode, WSMsgType, web

from connectors.milestone.simulator.events.ess_sessions import EssSessions, FilterRefused, Session, Subscription
from connectors.milestone.simulator.idp.tokens import Tokens
from connectors.milestone.simulator.releases import Release
from connectors.milestone.simulator.site import fresh_id
from connectors.milestone.simulator.web.rest import JsonObject
from connectors.protocols.serving import background

_LARGEST_PUSH = 100
"""Events in one message."""


class CommandRefused(Exception):
    """A command that is answered with an error."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class Malformed(Exception):
    """Something that is no command: the server closes the socket."""


@dataclass(slots=True, kw_only=True)
class EssSocket:
    """Serves one client. ``outcome`` is that of the fault ``ess``."""

    socket: web.WebSocketResponse
    sessions: EssSessions
    tokens: Tokens
    release: Release
    state_s: float
    outcome: str
    is_authenticated: bool
    session: Session | None = None
    queue: asyncio.Queue[JsonObject | None] | None = None

    async def serve(self) -> None:
        """Until either side closes."""
        began = asyncio.Event()
        try:
            async with background(self._push(began)):
                await self._obey(began)
        finally:
            if self.session is not None and self.queue is not None:
                self.sessions.leave(self.session, self.queue)
            await self.socket.close(code=WSCloseCode.GOING_AWAY)

    async def _obey(self, began: asyncio.Event) -> None:
        async for message in self.socket:
            if message.type is not WSMsgType.TEXT:
                break
            try:
                await self._answer(_read(message.data))
            except Malformed as error:
                await self.socket.close(code=WSCloseCode.INVALID_TEXT, message=str(error).encode())
                break
            if self.session is not None:
                began.set()
                if self.outcome == "recycle":
                    break

    async def _answer(self, command: JsonObject) -> None:
        answers: JsonObject = {"commandId": command["commandId"]}
        try:
            answers |= {"status": HTTPStatus.OK.value, **await self._carry_out(command)}
        except CommandRefused as refusal:
            answers |= {"status": refusal.status.value, "error": {"errorText": str(refusal)}}
        await self.socket.send_str(json.dumps(answers))

    async def _carry_out(self, command: JsonObject) -> JsonObject:
        name = str(command["command"])
        commands: Mapping[str, Callable[[JsonObject], Awaitable[JsonObject]]] = {
            "startSession": self._start,
            "addSubscription": self._subscribe,
            "removeSubscription": self._unsubscribe,
            "getState": self._state,
        }
        if name == "authenticate" and self.release.has_session_time_out:
            return self._authenticate(command)
        if not self.is_authenticated:
            raise CommandRefused(HTTPStatus.UNAUTHORIZED, "Not authenticated")
        if name not in commands:
            raise CommandRefused(HTTPStatus.BAD_REQUEST, f"Unknown command '{name}'")
        return await commands[name](command)

    def _authenticate(self, command: JsonObject) -> JsonObject:
        scheme, _, token = str(command.get("token", "")).partition(" ")
        if scheme.lower() != "bearer" or not self.tokens.is_bearer(token.strip()):
            raise CommandRefused(HTTPStatus.UNAUTHORIZED, "The token is not valid")
        self.is_authenticated = True
        return {}

    async def _start(self, command: JsonObject) -> JsonObject:
        session_id, event_id = command.get("sessionId"), command.get("eventId")
        if not isinstance(session_id, str) or not isinstance(event_id, str):
            raise CommandRefused(HTTPStatus.BAD_REQUEST, "'sessionId' and 'eventId' must be texts")
        if self.session is not None:
            raise CommandRefused(HTTPStatus.BAD_REQUEST, "This connection has a session")
        self.session, is_old = self.sessions.begin(session_id, event_id)
        self.queue = self.session.queue
        answer: JsonObject = {
            "status": HTTPStatus.OK.value if is_old else HTTPStatus.CREATED.value,
            "sessionId": self.session.session_id,
        }
        if self.release.has_session_time_out:
            answer["inactiveTimeoutSeconds"] = round(self.sessions.resume_s)
        return answer

    async def _subscribe(self, command: JsonObject) -> JsonObject:
        session = self._begun()
        try:
            subscription = Subscription.of(command.get("filters"))
        except FilterRefused as error:
            raise CommandRefused(HTTPStatus.BAD_REQUEST, str(error)) from error
        subscription_id = fresh_id()
        session.subscriptions[subscription_id] = subscription
        return {"subscriptionId": subscription_id}

    async def _unsubscribe(self, command: JsonObject) -> JsonObject:
        if self._begun().subscriptions.pop(str(command.get("subscriptionId")), None) is None:
            raise CommandRefused(HTTPStatus.NOT_FOUND, "There is no such subscription")
        return {}

    async def _state(self, _command: JsonObject) -> JsonObject:
        session = self._begun()
        await asyncio.sleep(self.state_s)
        return {"states": [*self.sessions.states(session)]}

    def _begun(self) -> Session:
        if self.session is None:
            raise CommandRefused(HTTPStatus.BAD_REQUEST, "There is no session: start one first")
        return self.session

    async def _push(self, began: asyncio.Event) -> None:
        await began.wait()
        queue = self.queue
        if queue is None:
            return
        if self.outcome == "malformed":
            await self.socket.send_str('{"events":[{"specversion":')
        while (events := await _waiting(queue)) is not None:
            if self.outcome != "silent":
                with suppress(ConnectionError):  # the reading side ends it
                    await self.socket.send_str(json.dumps({"events": events}))
        await self.socket.close(code=WSCloseCode.GOING_AWAY)


async def _waiting(queue: asyncio.Queue[JsonObject | None]) -> list[JsonObject] | None:
    """What waits in the queue, at least one event; None when the socket is to close."""
    event = await queue.get()
    events: list[JsonObject] = []
    while event is not None:
        events.append(event)
        if queue.empty() or len(events) >= _LARGEST_PUSH:
            return events
        event = queue.get_nowait()
    return None


def _read(text: str) -> JsonObject:
    """A command. Raises ``Malformed``."""
    try:
        command = json.loads(text)
    except ValueError as error:
        raise Malformed("not JSON") from error
    if not isinstance(command, dict) or not isinstance(command.get("command"), str):
        raise Malformed("no 'command'")
    if isinstance(command.get("commandId"), bool) or not isinstance(command.get("commandId"), int):
        raise Malformed("no 'commandId'")
    return command
