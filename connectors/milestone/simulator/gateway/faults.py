"""What befalls the gateway's port as a whole: recycling, slow lists, cut connections, refusals without reason (notes §11)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from weakref import WeakSet

from aiohttp import web

from connectors.milestone.simulator.rest_options import RestOptions
from connectors.milestone.simulator.web.html import error_page
from connectors.milestone.simulator.web.publishing import cut_off
from connectors.milestone.simulator.web.rest import RestRefused
from connectors.protocols.simulation import FaultBoard
from core.contracts import Clock

GATEWAY_FAULTS = {
    "gateway-recycle": frozenset({"now"}),
    "slow-list": frozenset({"slow"}),
    "rest-drop": frozenset({"before", "after"}),
    "unauthorized": frozenset({"now"}),
}
"""Faults by name, with their outcomes."""

_LOOK_EVERY_S = 0.1
_SLOWEST_LIST_S = (30.0, 120.0)

Answer = Callable[[], Awaitable[web.StreamResponse]]


@dataclass(slots=True, kw_only=True)
class GatewayFaults:
    """Stands before every request of the port. Used on one event loop only."""

    faults: FaultBoard
    clock: Clock
    options: RestOptions
    _transports: WeakSet[asyncio.Transport] = field(default_factory=WeakSet)
    _down_since: float | None = None
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        # Chance that only has to be the same in every run.
        self._chance = random.Random(self.options.seed)  # noqa: S311

    async def watch(self) -> None:
        """Recycles once when the fault is ordered, which clears it, and as often as ``--recycle-every`` says."""
        every_s = self.options.recycle_every_s
        due = None if every_s is None else self.clock.monotonic() + every_s
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            is_due = due is not None and self.clock.monotonic() >= due
            if self._is_down() or not (is_due or self.faults.next("gateway-recycle") == "now"):
                continue
            self.faults.set("gateway-recycle", ())
            self.recycle()
            due = None if every_s is None else self.clock.monotonic() + every_s

    def recycle(self) -> None:
        """Drops every connection, WebSockets too, and answers 502, then 503, for a while."""
        self._down_since = self.clock.monotonic()
        for transport in list(self._transports):
            transport.abort()

    async def guard(self, request: web.Request, answer: Answer, *, is_rest: bool) -> web.StreamResponse:
        """Lets the request through to ``answer``, or does to it what was ordered."""
        if isinstance(request.transport, asyncio.Transport):
            self._transports.add(request.transport)
        if self._is_down():
            return self._down_page()
        if not is_rest:
            return await answer()
        if self.faults.next("unauthorized") == "now":
            return RestRefused(HTTPStatus.UNAUTHORIZED, "Unauthorized").response()
        outcome = self._drop()
        if outcome == "before":
            return cut_off(request)
        response = await answer()
        if outcome == "after":
            return cut_off(request)
        if request.method == "GET" and self._is_list(response) and self.faults.next("slow-list") == "slow":
            await asyncio.sleep(self.list_delay_s())
        return response

    def _is_down(self) -> bool:
        since = self._down_since
        if since is not None and self.clock.monotonic() - since >= self.options.recycle_s:
            self._down_since = None
        return self._down_since is not None

    def _down_page(self) -> web.Response:
        """While the old process ends the proxy has nobody to ask; then the new one is not ready yet."""
        elapsed = self.clock.monotonic() - (self._down_since or 0.0)
        is_early = elapsed < self.options.recycle_s / 2
        return error_page(HTTPStatus.BAD_GATEWAY if is_early else HTTPStatus.SERVICE_UNAVAILABLE)

    def _drop(self) -> str:
        ordered = self.faults.next("rest-drop")
        if ordered in GATEWAY_FAULTS["rest-drop"] or not self.options.drop_share:
            return ordered
        if self._chance.random() >= self.options.drop_share:
            return ordered
        return self._chance.choice(("before", "after"))

    def list_delay_s(self) -> float:
        """How late the next slow list answers."""
        fixed = self.options.slow_list_s
        return self._chance.uniform(*_SLOWEST_LIST_S) if fixed is None else fixed

    @staticmethod
    def _is_list(response: web.StreamResponse) -> bool:
        body = response.body if isinstance(response, web.Response) else None
        return isinstance(body, bytes) and body.startswith(b'{"array"')
