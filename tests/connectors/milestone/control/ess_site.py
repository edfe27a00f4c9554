"""A server and a client of Events & State, for the tests of both their conversation and their connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connectors.milestone.control.ess import EssSource
from connectors.milestone.control.ess_link import EssDialer
from connectors.milestone.control.ess_memory import EssMemory
from core.clock import ManualClock
from core.types import EventSeen
from tests.connectors.listener import Listener
from tests.connectors.milestone.control.control_support import FakeInventory, FakeSession, eventually
from tests.connectors.milestone.control.ess_server import EssServer, event
from tests.connectors.milestone.support import settings

CAMERA = "11111111-1111-4111-8111-111111111111"
OTHER = "11111111-1111-4111-8111-222222222222"
ARM = "44444444-4444-4444-8444-444444444444"
DISARM = "55555555-5555-4555-8555-555555555555"
AT_TEN = 1_763_632_800.0  # 2025-11-20T10:00:00Z
CONTROL = [{"event": "Nuit", "state": "armed"}, {"event": "Jour", "state": "off"}]


class EssSite:
    """A server, and sources that share one memory as those of one connector do."""

    def __init__(self, server: EssServer, port: int, *, scheme: str = "http", ca: Path | None = None) -> None:
        self.server = server
        self.clock = ManualClock(AT_TEN + 60.0)
        self.session = FakeSession(gateway=f"{scheme}://127.0.0.1:{port}/API", clock=self.clock)
        self.session.answers["/events"] = {"array": []}
        self.inventory = FakeInventory({ARM: "Nuit", DISARM.upper(): "Jour", OTHER: "Something else"})
        self.memory = EssMemory()
        self.ca = ca
        self.changes: dict[str, Any] = {"hosts": ["127.0.0.1"], "allow_http": True, "control": CONTROL}

    def source(self, *, cameras: tuple[str, ...] = (CAMERA,), since: float = AT_TEN, **changes: Any) -> EssSource:
        made = settings(**{**self.changes, **changes})
        session = self.session.as_session()
        return EssSource(
            made,
            session,
            self.inventory.as_inventory(),
            EssDialer(made, session, self.ca, self.clock),
            self.clock,
            memory=self.memory,
            since=since,
            cameras=cameras,
        )

    def happened(self, listener: Listener, number: int, kind: str = ARM) -> EventSeen:
        """Lets event ``number`` happen and returns what is told of it."""
        self.server.happen(event(number, kind, f"userDefinedEvents/{kind}"))
        told = listener.next()
        assert isinstance(told, EventSeen)
        return told

    def let_it_ask(self, count: int) -> None:
        """Lets time pass until the state was asked for so often."""
        eventually(lambda: self.server.done.count("getState") >= count, lambda: self.clock.advance(5.0))
