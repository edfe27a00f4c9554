"""The event server's port for analytics events, 9090 on a real site (notes §4.3). Plain HTTP, no authentication."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from aiohttp import web

from connectors.milestone.simulator.events.analytics_event import EventRefused, parse, require_normalised
from connectors.milestone.simulator.events.book import EventBook
from connectors.milestone.simulator.events.event_text import EventText
from connectors.milestone.simulator.site import Camera, Site
from connectors.milestone.simulator.web.publishing import PublishGate

_MAX_BYTES = 64 * 1024 * 1024

UNKNOWN_MESSAGE = "Warning: Event message not known"
"""Body of a 200 answer where no analytics event of that name exists: nothing happened."""

UNKNOWN_SOURCE = "Warning: Event source not known"
"""The same where ``Source`` names no camera; the wording is *unverified*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventServer:
    """Takes analytics events in XML."""

    site: Site
    book: EventBook
    gate: PublishGate
    allowed: Collection[str]
    """Addresses that may send; any may when empty."""

    def app(self) -> web.Application:
        """The server; the path must be ``/``."""
        app = web.Application(client_max_size=_MAX_BYTES)
        app.router.add_route("*", "/{path:.*}", self._receive)
        return app

    async def _receive(self, request: web.Request) -> web.Response:
        if self.allowed and request.remote not in self.allowed:
            return web.Response(status=403, text="The address is not allowed")
        if problem := _envelope_problem(request):
            return web.Response(status=400, text=problem)
        return await self.gate.guard(request, lambda: self._accept(request))

    async def _accept(self, request: web.Request) -> web.Response:
        try:
            root = parse(await request.read())
            require_normalised(root)
        except EventRefused as error:
            return web.Response(status=400, text=f"Schema validation error: {error}")
        event = EventText.of(root)
        event_type = self.site.analytics_event(event.message)
        if event_type is None:
            return web.Response(text=UNKNOWN_MESSAGE)
        camera = self._source(event)
        if camera is None:
            return web.Response(text=UNKNOWN_SOURCE)
        self.book.accept(event_type, camera, event.as_json(), "analytics events", root)
        return web.Response(text="OK")

    def _source(self, event: EventText) -> Camera | None:
        """By id where the source has one, else by the address of the camera's hardware."""
        if event.source_id:
            return self.site.camera(event.source_id)
        return self.site.camera_at(event.source_name)


def _envelope_problem(request: web.Request) -> str:
    """What is wrong with the HTTP request itself; empty when nothing is."""
    if request.method != "POST" or request.path != "/":
        return "Only POST / is served"
    if request.content_type != "text/xml":
        return "The content type must be text/xml"
    if request.content_length is None:
        return "Content-Length is missing"
    return ""
