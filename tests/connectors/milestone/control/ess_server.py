"""An Events & State WebSocket server of our own, written from the published protocol, that tests steer by hand."""

from __future__ import annotations

import asyncio
import http
import json
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from connectors.milestone.control.camera_states import ERROR, STARTED, STOPPED

WAIT_S = 10.0
PATH = "/API/ws/events/v1"
TOKEN = "jwt-1"


def event(number: int, kind: str, source: str, *, second: int | None = None) -> dict[str, Any]:
    """Event ``number``, at 10:00:00 and so many seconds."""
    at = number if second is None else second
    return {
        "specversion": "1.0",
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "type": kind,
        "source": source,
        "time": f"2025-11-20T10:{at // 60:02d}:{at % 60:02d}.0000000Z",
    }


def lost(device: str, number: int) -> dict[str, Any]:
    return event(number, STOPPED, f"cameras/{device}")


def broken(device: str, number: int) -> dict[str, Any]:
    return event(number, ERROR, f"cameras/{device}")


def back(device: str, number: int) -> dict[str, Any]:
    return event(number, STARTED, f"cameras/{device}")


@dataclass
class Session:
    """What a server remembers of one session."""

    subscriptions: list[list[dict[str, Any]]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)

    def wants(self, happened: dict[str, Any]) -> bool:
        collection, _, source = happened["source"].partition("/")
        return any(
            _matches(one, "resourceTypes", collection)
            and _matches(one, "sourceIds", source)
            and _matches(one, "eventTypes", happened["type"])
            for filters in self.subscriptions
            for one in filters
        )


def _matches(one: dict[str, Any], key: str, value: str) -> bool:
    return "*" in one[key] or value in one[key]


class EssServer:
    """One gateway's ``/API/ws/events/v1``, on a loop in its own thread. Whatever is set here holds from then on."""

    def __init__(self) -> None:
        self.tokens = {TOKEN}
        self.upgrade_status = 0
        self.inactive_s: int | None = 30
        self.states: list[dict[str, Any]] = []
        self.is_silent = False
        self.answers: dict[str, dict[str, Any]] = {}
        self.before_answer: dict[str, list[dict[str, Any]]] = {}
        self.unanswered: set[str] = set()
        self.commands: list[dict[str, Any]] = []
        self.upgrades: list[str] = []
        self.sessions: dict[str, Session] = {}
        self.done: list[str] = []
        self._live: dict[ServerConnection, str] = {}
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()

    def happen(self, happened: dict[str, Any]) -> None:
        """An event: pushed to whoever is subscribed and connected, kept for who may resume."""
        for session_id, session in self.sessions.items():
            if session.wants(happened):
                session.history.append(happened)
                for connection, connected in list(self._live.items()):
                    if connected == session_id and not self.is_silent:
                        self._do(connection.send(json.dumps({"events": [happened]})))

    def drop(self) -> None:
        """Every connection breaks, without a farewell."""
        self._do(self._each(lambda connection: connection.transport.abort()))

    def recycle(self) -> None:
        """Every connection is closed with a farewell."""
        for connection in list(self._live):
            self._do(connection.close(1001, "recycling"))

    def say(self, text: str) -> None:
        """Sends something to every connection as it is."""
        for connection in list(self._live):
            self._do(connection.send(text))

    @contextmanager
    def reading_nothing(self) -> Iterator[None]:
        """Meanwhile it reads no more, hence answers no ping."""
        self._do(self._each(lambda connection: connection.transport.pause_reading()))
        yield
        self._do(self._each(lambda connection: connection.transport.resume_reading()))

    async def _each(self, act: Callable[[ServerConnection], None]) -> None:
        for connection in list(self._live):
            act(connection)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)

    def wait_for(self, command: str, count: int = 1) -> None:
        """Waits until so many such commands were dealt with."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.done.count(command) >= count, WAIT_S), self.commands

    def commands_of(self, command: str) -> list[dict[str, Any]]:
        return [order for order in self.commands if order["command"] == command]

    def wait_until_left(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: not self._live, WAIT_S)

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """The upgrade: bearer token and path are checked here, and only here."""
        token = request.headers.get("Authorization", "")
        self.upgrades.append(token)
        if self.upgrade_status:
            return connection.respond(http.HTTPStatus(self.upgrade_status), "no\n")
        if request.path != PATH:
            return connection.respond(http.HTTPStatus.NOT_FOUND, "no\n")
        if token.removeprefix("Bearer ") not in self.tokens:
            return connection.respond(http.HTTPStatus.UNAUTHORIZED, "no\n")
        return None

    async def serve(self, connection: ServerConnection) -> None:
        self._live[connection] = ""
        try:
            async for text in connection:
                await self._command(connection, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            with self._changed:
                self._live.pop(connection, None)
                self._changed.notify_all()

    async def _command(self, connection: ServerConnection, order: dict[str, Any]) -> None:
        self.commands.append(order)
        answer, replayed = self._carried_out(connection, order)
        for early in self.before_answer.get(order["command"], []):
            await connection.send(json.dumps({"events": [early]}))
        if order["command"] not in self.unanswered:
            await connection.send(json.dumps({"commandId": order["commandId"], **answer}))
        if replayed:
            await connection.send(json.dumps({"events": replayed}))
        with self._changed:
            self.done.append(order["command"])
            self._changed.notify_all()

    def _carried_out(
        self, connection: ServerConnection, order: dict[str, Any]
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        command = order["command"]
        if command in self.answers:
            return self.answers[command], []
        if command == "startSession":
            return self._start(connection, order)
        session = self.sessions[self._live[connection]]
        if command == "addSubscription":
            session.subscriptions.append(order["filters"])
            return {"status": 200, "subscriptionId": f"sub-{len(session.subscriptions)}"}, []
        assert command == "getState", command
        return {"status": 200, "states": [state for state in self.states if session.wants(state)]}, []

    def _start(
        self, connection: ServerConnection, order: dict[str, Any]
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        known = self.sessions.get(order["sessionId"])
        session_id = order["sessionId"] if known else f"session-{len(self.sessions) + 1}"
        self._live[connection] = session_id
        told: dict[str, Any] = {"sessionId": session_id}
        if self.inactive_s is not None:
            told["inactiveTimeoutSeconds"] = self.inactive_s
        if known is None:
            self.sessions[session_id] = Session()
            return {"status": 201, **told}, []
        ids = [happened["id"] for happened in known.history]
        missed = known.history[ids.index(order["eventId"]) + 1 :] if order["eventId"] in ids else known.history
        return {"status": 200, **told}, missed

    async def run(self, tls: ssl.SSLContext | None, port: Future[int]) -> None:
        """Serves until ``stop``."""
        self._loop = asyncio.get_running_loop()
        async with serve(
            self.serve, "127.0.0.1", 0, process_request=self.admit, ssl=tls, ping_interval=None, close_timeout=1.0
        ) as server:
            port.set_result(next(iter(server.sockets)).getsockname()[1])
            await self._over.wait()

    def stop(self) -> None:
        assert self._loop is not None
        self.drop()
        self._loop.call_soon_threadsafe(self._over.set)


@contextmanager
def ess_server(tls: ssl.SSLContext | None = None) -> Iterator[tuple[EssServer, int]]:
    """The server and its port on loopback."""
    board, port = EssServer(), Future[int]()
    thread = threading.Thread(target=lambda: asyncio.run(board.run(tls, port)))
    thread.start()
    try:
        yield board, port.result(WAIT_S)
    finally:
        board.stop()
        thread.join(WAIT_S)
        assert not thread.is_alive()
