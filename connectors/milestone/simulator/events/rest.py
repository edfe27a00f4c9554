"""Events REST (notes §4.1): beta in 2023 R2, final in 2024 R2."""

from __future__ import annotations

import json
from dataclasses import dataclass

from aiohttp import web

from connectors.milestone.simulator.config.rest import REST
from connectors.milestone.simulator.events.book import EventBook
from connectors.milestone.simulator.events.event_types import BUILT_IN
from connectors.milestone.simulator.idp.tokens import Tokens
from connectors.milestone.simulator.site import Camera, NamedEvent, Site
from connectors.milestone.simulator.web.publishing import PublishGate
from connectors.milestone.simulator.web.rest import (
    JsonObject,
    RestRefused,
    array,
    data,
    json_body,
    option,
    paged,
    require_known,
    required_text,
)
from connectors.milestone.simulator.web.routing import Routes
from core.types import Json

_PROPERTIES = frozenset({"type", "source", "datatype", "data"})
_MAX_SIZE = 2000
_MULTI_STATUS = 207


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsRest:
    """Serves ``/events``."""

    site: Site
    book: EventBook
    gate: PublishGate
    tokens: Tokens

    def add_to(self, routes: Routes) -> None:
        """Registers its paths."""
        routes.add("POST", f"{REST}/events", self._post)
        routes.add("POST", f"{REST}/events/bulk", self._post_bulk)
        routes.add("GET", f"{REST}/events", self._list)
        routes.add("GET", f"{REST}/events/{{id}}", self._get)

    async def _post(self, request: web.BaseRequest, _id: str) -> web.Response:
        async def publish() -> web.Response:
            return data(self._create(await json_body(request), is_service=self._is_service(request)), 202)

        return await self.gate.guard(request, publish)

    async def _post_bulk(self, request: web.BaseRequest, _id: str) -> web.Response:
        return await self.gate.guard(request, lambda: self._create_all(request))

    async def _create_all(self, request: web.BaseRequest) -> web.Response:
        """How the single answers are wrapped is *unverified*; only the status 207 has been seen."""
        try:
            items = json.loads(await request.read())
        except ValueError as error:
            raise RestRefused(400, "Incorrect formatted JSON") from error
        if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
            raise RestRefused(400, "The body must be a JSON array of events")
        is_service = self._is_service(request)
        answers: list[Json] = [self._one_of_many(item, is_service=is_service) for item in items]
        return web.json_response({"array": answers}, status=_MULTI_STATUS)

    def _one_of_many(self, body: JsonObject, *, is_service: bool) -> JsonObject:
        try:
            return {"status": 202, "data": self._create(body, is_service=is_service)}
        except RestRefused as error:
            return {"status": error.status, "error": error.body()}

    def _create(self, body: JsonObject, *, is_service: bool) -> JsonObject:
        """``data`` is taken as it comes: its structure is not published (notes §12)."""
        require_known(body, _PROPERTIES)
        event_type = self._event_type(required_text(body, "type"), is_service=is_service)
        if "data" in body and not isinstance(body["data"], dict):
            raise RestRefused(400, "'data' must be a JSON object", property_name="data")
        if "datatype" in body:
            required_text(body, "datatype")
        carried: JsonObject = {name: body[name] for name in ("datatype", "data") if name in body}
        return self.book.accept(event_type, self._source(body), {}, "rest", carried=carried)

    def _event_type(self, event_type_id: str, *, is_service: bool) -> NamedEvent:
        """Users trigger external and plug-in events only; services any (notes §4.1, to be re-checked there)."""
        event_type = self.site.event_type(event_type_id)
        if event_type is not None:
            return event_type
        built_in = BUILT_IN.get(event_type_id.lower())
        if built_in is None:
            raise RestRefused(400, f"Unknown event type '{event_type_id}'", property_name="type")
        if not is_service:
            raise RestRefused(403, "Only services may trigger this event type", property_name="type")
        return NamedEvent(
            event_type_id=built_in.event_type_id, name=built_in.name, description="", modified_at=self.site.created_at
        )

    def _is_service(self, request: web.BaseRequest) -> bool:
        return self.tokens.is_service(request.headers.get("Authorization", "").partition(" ")[2].strip())

    async def _list(self, request: web.BaseRequest, _id: str) -> web.Response:
        """Newest first; ``data`` only with ``include=data``."""
        page = paged(request, [*self.book.stored.values()][::-1], _MAX_SIZE)
        return array([_shown(request, event) for event in page])

    async def _get(self, request: web.BaseRequest, event_id: str) -> web.Response:
        """Events of types with a retention of 0 days are accepted, but not stored."""
        if event_id not in self.book.stored:
            raise RestRefused(404, "Not Found, the requested id does not exist", property_name="id")
        return data(_shown(request, self.book.stored[event_id]))

    def _source(self, body: JsonObject) -> Camera | None:
        if "source" not in body:
            return None
        source = required_text(body, "source")
        collection, _, camera_id = source.partition("/")
        camera = self.site.camera(camera_id) if collection == "cameras" else None
        if camera is None:
            raise RestRefused(400, f"Unknown source '{source}'", property_name="source")
        return camera


def _shown(request: web.BaseRequest, event: JsonObject) -> JsonObject:
    if option(request, "include") == "data":
        return event
    return {name: value for name, value in event.items() if name != "data"}
