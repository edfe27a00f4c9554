"""What the tests of the control channels share: a listener in a thread, a session and an inventory that follow a script."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import requests

from connectors.milestone.access.discovery import Addresses
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.access.tokens import Grant, Lease
from connectors.milestone.inventory.inventory import Inventory
from core.clock import ManualClock
from core.contracts import Clock, ControlSource
from core.errors import VmsError
from core.types import ControlMessage

WAIT_S = 10.0
TOKEN = "vigie:0123456789abcdef0123"
ALARM = "99999999-9999-4999-8999-999999999999"


@dataclass
class FakeRoutes:
    alarm_route: str = "rest"
    websocket: bool = True

    def alarms(self) -> str:
        return self.alarm_route

    def has_events_websocket(self) -> bool:
        return self.websocket


@dataclass
class FakeSession:
    """Tokens and REST as a table: path → body, or a function of the query, or an error."""

    gateway: str = "https://vms.site.test/API"
    clock: Clock = field(default_factory=ManualClock)
    tokens: list[str] = field(default_factory=lambda: ["jwt-1"])
    routes: FakeRoutes = field(default_factory=FakeRoutes)
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bearer = Lease(self._grant, self.clock, share=0.8)

    def _grant(self, _current: str) -> Grant:
        return Grant(self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0], 3600.0)

    def addresses(self) -> Addresses:
        return Addresses(gateway=self.gateway)

    def rest(self, method: str, path: str, *, what: str, params: Any = None, **_: Any) -> requests.Response:
        self.asked.append(f"{method} {path}")
        answer = self.answers.get(path, 404)
        return response(answer(params or {}) if callable(answer) else answer)

    def as_session(self) -> XProtectSession:
        return cast("XProtectSession", self)


def response(answer: Any) -> requests.Response:
    """An HTTP answer: a status, or a body with 200; an error is raised."""
    if isinstance(answer, Exception):
        raise answer
    made = requests.Response()
    made.status_code = answer if isinstance(answer, int) else 200
    if not isinstance(answer, int):
        made._content = json.dumps(answer).encode()
    return made


@dataclass
class FakeInventory:
    events: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    def user_defined_events(self) -> dict[str, str]:
        self.asked += 1
        return self.events

    def as_inventory(self) -> Inventory:
        return cast("Inventory", self)


class Listener:
    """Reads a source in a thread, as the engine does."""

    def __init__(self, source: ControlSource) -> None:
        self.source = source
        self.error: VmsError | None = None
        self._heard: queue.Queue[ControlMessage] = queue.Queue()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for message in self.source.messages():
                self._heard.put(message)
        except VmsError as error:
            self.error = error

    def next(self, timeout_s: float = WAIT_S) -> ControlMessage:
        try:
            return self._heard.get(timeout=timeout_s)
        except queue.Empty:
            raise AssertionError(f"nothing was told; ended with {self.error!r}") from self.error

    def take(self, count: int) -> list[ControlMessage]:
        return [self.next() for _ in range(count)]

    def rest(self) -> list[ControlMessage]:
        """What was heard and not taken yet."""
        return [self._heard.get_nowait() for _ in range(self._heard.qsize())]

    def join(self) -> None:
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    def ended_with(self) -> VmsError | None:
        """What the source raised, once it ends by itself."""
        self.join()
        return self.error


@contextmanager
def listening(source: ControlSource) -> Iterator[Listener]:
    listener = Listener(source)
    try:
        yield listener
    finally:
        source.close()
        listener.join()


def eventually(condition: Callable[[], bool], while_waiting: Callable[[], None] = lambda: None) -> None:
    """Waits until it holds; ``while_waiting`` turns a manual clock on, for example."""
    pause = threading.Event()
    for _ in range(int(WAIT_S / 0.01)):
        if condition():
            return
        while_waiting()
        pause.wait(0.01)
    raise AssertionError("it never came true")
