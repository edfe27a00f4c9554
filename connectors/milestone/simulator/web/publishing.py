"""The fault ``publish``: what may befall any request that makes an event, alarm or bookmark."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from connectors.protocols.simulation import FaultBoard

OUTCOMES = frozenset({"503", "drop", "accept-then-drop", "slow"})
"""``503`` turned away; ``drop`` cut off, without effect; ``accept-then-drop`` done, then cut off without a reply;
``slow`` done at once, answered late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishGate:
    """Lets publishing requests through, or does to them what the fault board orders."""

    faults: FaultBoard
    slow_s: float

    async def guard(self, request: web.BaseRequest, publish: Callable[[], Awaitable[web.Response]]) -> web.Response:
        """Takes one outcome of the plan for this request."""
        match self.faults.next("publish"):
            case "503":
                return web.Response(status=503, text="Service Unavailable")
            case "drop":
                return cut_off(request)
            case "accept-then-drop":
                await publish()
                return cut_off(request)
            case "slow":
                response = await publish()
                await asyncio.sleep(self.slow_s)
                return response
            case _:
                return await publish()


def cut_off(request: web.BaseRequest) -> web.Response:
    """Closes the connection under the request; the response returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
