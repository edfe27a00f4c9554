"""What the tests of the control channels share: a session and an inventory that follow a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import requests

from connectors.milestone.access.discovery import Addresses
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.access.tokens import Grant, Lease
from connectors.milestone.inventory.inventory import Inventory
from core.clock import ManualClock
from core.contracts import Clock

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


def eventually(condition: Callable[[], bool], while_waiting: Callable[[], None] = lambda: None) -> None:
    """Waits until it holds; ``while_waiting`` turns a manual clock on, for example."""
    pause = threading.Event()
    for _ in range(int(WAIT_S / 0.01)):
        if condition():
            return
        while_waiting()
        pause.wait(0.01)
    raise AssertionError("it never came true")
