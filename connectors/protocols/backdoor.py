"""The simulators' back door: faults to order, a ledger of what was accepted, and both over loopback HTTP."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import web
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from core.contracts import Clock
from core.errors import UsageError
from core.types import Json

OK = "ok"
"""The outcome where no fault is ordered."""


class FaultBoard:
    """Plans of what goes wrong, by name; each ``next`` takes the following outcome. Thread-safe.

    ``allowed`` (plan → outcomes, ``ok`` always) makes unknown plans and outcomes a ``UsageError``.
    """

    def __init__(self, allowed: Mapping[str, Collection[str]] | None = None) -> None:
        self._allowed = allowed
        self._plans: dict[str, _Plan] = {}
        self._lock = threading.Lock()

    def set(self, name: str, outcomes: Sequence[str], repeat: bool = True) -> None:
        """Orders outcomes; after the last one it starts again (``repeat``) or all is ``ok``. None at all clears."""
        self._require_known(name, outcomes)
        with self._lock:
            self._plans[name] = _Plan(outcomes=tuple(outcomes), repeat=repeat)

    def next(self, name: str) -> str:
        """The outcome for this time."""
        with self._lock:
            plan = self._plans.get(name)
            return plan.take() if plan else OK

    def current(self, name: str) -> str:
        """The outcome that ``next`` would give, without taking it: for faults that last."""
        with self._lock:
            plan = self._plans.get(name)
            return plan.outcome() if plan else OK

    def as_json(self) -> dict[str, Json]:
        """Every plan, with the number of outcomes taken."""
        with self._lock:
            return {name: plan.as_json() for name, plan in self._plans.items()}

    def _require_known(self, name: str, outcomes: Sequence[str]) -> None:
        if self._allowed is None:
            return
        if name not in self._allowed:
            raise UsageError(f"unknown fault {name!r}", remedy=f"Known: {', '.join(sorted(self._allowed))}.")
        for outcome in outcomes:
            if outcome not in {OK, *self._allowed[name]}:
                known = ", ".join([OK, *sorted(self._allowed[name])])
                raise UsageError(f"unknown outcome {outcome!r} of fault {name!r}", remedy=f"Known: {known}.")


@dataclass(slots=True, kw_only=True)
class _Plan:
    outcomes: tuple[str, ...]
    repeat: bool
    taken: int = 0

    def outcome(self) -> str:
        if not self.outcomes or (self.taken >= len(self.outcomes) and not self.repeat):
            return OK
        return self.outcomes[self.taken % len(self.outcomes)]

    def take(self) -> str:
        outcome = self.outcome()
        self.taken += 1
        return outcome

    def as_json(self) -> dict[str, Json]:
        return {"outcomes": list(self.outcomes), "repeat": self.repeat, "taken": self.taken}


class Ledger:
    """What the simulator accepted, in order, stamped with the moment of acceptance. Append-only, thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: list[dict[str, Json]] = []
        self._lock = threading.Lock()

    def add(self, kind: str, **fields: Json) -> None:
        """Writes one record down."""
        with self._lock:
            self._records.append({"kind": kind, "accepted_at": self._clock.utc(), **fields})

    def records(self, kind: str | None = None) -> list[dict[str, Json]]:
        """The records of one kind, or all, in the order of acceptance."""
        with self._lock:
            return [dict(record) for record in self._records if kind in {None, record["kind"]}]


Act: TypeAlias = Callable[[Mapping[str, Json]], Awaitable[Json]]
"""Something a person does in the simulated VMS; takes and returns JSON. Raises ``UsageError`` for what makes no sense."""


class _FaultOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    outcomes: list[str]
    repeat: bool = True


_ACT_ORDER: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class Admin:
    """The simulator's back door on loopback HTTP: read the ledger, order faults, act as a person would, end it."""

    def __init__(
        self, ledger: Ledger, faults: FaultBoard, stop: Callable[[], None], acts: Mapping[str, Act] | None = None
    ) -> None:
        self._ledger = ledger
        self._faults = faults
        self._stop = stop
        self._acts = acts if acts is not None else {}

    def app(self) -> web.Application:
        """GET /ledger[?kind=], GET /faults, PUT /faults/{name}, GET /acts, POST /acts/{name}, POST /shutdown."""
        app = web.Application()
        app.router.add_get("/ledger", self._get_ledger)
        app.router.add_get("/faults", self._get_faults)
        app.router.add_put("/faults/{name}", self._put_fault)
        app.router.add_get("/acts", self._get_acts)
        app.router.add_post("/acts/{name}", self._act)
        app.router.add_post("/shutdown", self._shutdown)
        return app

    async def _get_ledger(self, request: web.Request) -> web.Response:
        return web.json_response(self._ledger.records(request.query.get("kind")))

    async def _get_faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self._faults.as_json())

    async def _put_fault(self, request: web.Request) -> web.Response:
        try:
            order = _FaultOrder.model_validate_json(await request.read())
            self._faults.set(request.match_info["name"], order.outcomes, order.repeat)
        except ValidationError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        except UsageError as error:
            raise web.HTTPBadRequest(text=error.line()) from error
        return web.json_response(self._faults.as_json())

    async def _get_acts(self, _request: web.Request) -> web.Response:
        return web.json_response(sorted(self._acts))

    async def _act(self, request: web.Request) -> web.Response:
        act = self._acts.get(request.match_info["name"])
        if act is None:
            raise web.HTTPNotFound(text=f"Known: {', '.join(sorted(self._acts)) or 'none'}.")
        try:
            order = _ACT_ORDER.validate_json(await request.read() or b"{}")
            return web.json_response(await act(order))
        except ValidationError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        except UsageError as error:
            raise web.HTTPBadRequest(text=error.line()) from error

    async def _shutdown(self, _request: web.Request) -> web.Response:
        self._stop()
        return web.json_response({})
