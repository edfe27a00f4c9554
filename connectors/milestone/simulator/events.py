"""Events, whichever door they came through, the alarms they raise, and the Events REST interface (notes §4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from connectors.milestone.simulator.alarms import AlarmBook
from connectors.milestone.simulator.config_rest import REST
from connectors.milestone.simulator.publishing import PublishGate
from connectors.milestone.simulator.rest import (
    JsonObject,
    RestRefused,
    array,
    data,
    json_body,
    paged,
    require_known,
    required_text,
)
from connectors.milestone.simulator.routing import Routes
from connectors.milestone.simulator.site import Camera, NamedEvent, Site, fresh_id, rest_time
from connectors.protocols.simulation import Ledger
from core.contracts import Clock
from core.types import Json

_PROPERTIES = frozenset({"type", "source"})
_MAX_SIZE = 2000


@dataclass(slots=True, kw_only=True)
class EventBook:
    """Takes events in: ledger, alarm definitions, and the store where retention asks for it."""

    site: Site
    clock: Clock
    ledger: Ledger
    alarms: AlarmBook
    retention_days: int
    stored: dict[str, JsonObject] = field(default_factory=dict)

    def accept(
        self, event_type: NamedEvent, camera: Camera | None, details: Mapping[str, Json], interface: str
    ) -> JsonObject:
        """Carries out one event and returns it as Events REST shows it. ``details`` go into the ledger as they are."""
        event: JsonObject = {
            "specversion": "1.0",
            "id": fresh_id(),
            "type": event_type.event_type_id,
            "time": rest_time(self.clock.utc()),
        }
        fields: dict[str, Json] = {**details, "event_type": event_type.name, "interface": interface}
        if camera is not None:
            event["source"] = f"cameras/{camera.camera_id}"
            fields |= {"camera": camera.camera_id, "camera_name": camera.name}
        self.ledger.add("event", **fields)
        if self.retention_days:
            self.stored[str(event["id"])] = event
        if camera is not None:
            self._raise_alarms(event_type, camera, details)
        return event

    def _raise_alarms(self, event_type: NamedEvent, camera: Camera, details: Mapping[str, Json]) -> None:
        for definition in self.site.definitions_for(event_type.event_type_id, camera.camera_id):
            self.alarms.raise_alarm(
                name=definition.name,
                message=event_type.name,
                camera=camera,
                source=camera.camera_id,
                priority_id=definition.priority_id,
                details=dict(details),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsRest:
    """Serves ``/events``."""

    site: Site
    book: EventBook
    gate: PublishGate

    def add_to(self, routes: Routes) -> None:
        """Registers its paths."""
        routes.add("POST", f"{REST}/events", self._post)
        routes.add("GET", f"{REST}/events", self._list)
        routes.add("GET", f"{REST}/events/{{id}}", self._get)

    async def _post(self, request: web.BaseRequest, _id: str) -> web.Response:
        return await self.gate.guard(request, lambda: self._create(request))

    async def _create(self, request: web.BaseRequest) -> web.Response:
        """``data`` is refused: its structure is not published (notes §12)."""
        body = await json_body(request)
        require_known(body, _PROPERTIES)
        event_type = self.site.event_type(required_text(body, "type"))
        if event_type is None:
            raise RestRefused(400, f"Unknown event type '{body['type']}'", property_name="type")
        event = self.book.accept(event_type, self._source(body), {}, "rest")
        return data(event, 202)

    async def _list(self, request: web.BaseRequest, _id: str) -> web.Response:
        return array(paged(request, [*self.book.stored.values()][::-1], _MAX_SIZE))

    async def _get(self, _request: web.BaseRequest, event_id: str) -> web.Response:
        """Events of types with a retention of 0 days are accepted, but not stored."""
        if event_id not in self.book.stored:
            raise RestRefused(404, "Not Found, the requested id does not exist", property_name="id")
        return data(self.book.stored[event_id])

    def _source(self, body: JsonObject) -> Camera | None:
        if "source" not in body:
            return None
        source = required_text(body, "source")
        collection, _, camera_id = source.partition("/")
        camera = self.site.camera(camera_id) if collection == "cameras" else None
        if camera is None:
            raise RestRefused(400, f"Unknown source '{source}'", property_name="source")
        return camera
