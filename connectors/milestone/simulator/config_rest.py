"""Config REST: what the site is made of (notes §2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from connectors.milestone.simulator import config_objects as objects
from connectors.milestone.simulator.alarm_definitions import read_alarm_definition
from connectors.milestone.simulator.rest import (
    JsonObject,
    RestRefused,
    array,
    created,
    data,
    json_body,
    option,
    require_known,
    required_text,
    selected,
)
from connectors.milestone.simulator.routing import Handler, Routes
from connectors.milestone.simulator.site import NamedEvent, Site, fresh_id, is_guid, rest_time
from core.contracts import Clock

REST = "/API/rest/v1"
"""Root of every REST resource behind the gateway."""

_ANALYTICS_EVENT_PROPERTIES = frozenset({"name", "description"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRest:
    """Serves the configuration collections."""

    site: Site
    clock: Clock

    def add_to(self, routes: Routes) -> None:
        """Registers its paths."""
        for collection, members in self._collections().items():
            routes.add("GET", f"{REST}/{collection}", _list(members))
            routes.add("GET", f"{REST}/{collection}/{{id}}", _single(members))
        routes.add("GET", f"{REST}/hardware", self._hardware_list)
        routes.add("GET", f"{REST}/recordingServers/{{id}}/hardware", self._hardware_of_recorder)
        routes.add("GET", f"{REST}/hardware/{{id}}/cameras", self._cameras_of_hardware)
        routes.add("GET", f"{REST}/streams/{{id}}", self._streams)
        routes.add("GET", f"{REST}/cameras/{{id}}/streams", self._streams)
        routes.add("POST", f"{REST}/analyticsEvents", self._add_analytics_event)
        routes.add("POST", f"{REST}/alarmDefinitions", self._add_alarm_definition)

    def _collections(self) -> dict[str, Callable[[], list[JsonObject]]]:
        owner = self.site
        return {
            "sites": lambda: [objects.site(owner)],
            "recordingServers": lambda: [objects.recording_server(owner)],
            "hardware": lambda: [objects.hardware(owner, camera) for camera in owner.cameras],
            "cameras": lambda: [objects.camera(owner, camera) for camera in owner.cameras],
            "analyticsEvents": lambda: [objects.analytics_event(event) for event in owner.analytics_events.values()],
            "userDefinedEvents": lambda: [
                objects.user_defined_event(event) for event in owner.user_defined_events.values()
            ],
            "alarmDefinitions": lambda: [
                objects.alarm_definition(definition) for definition in owner.alarm_definitions.values()
            ],
        }

    async def _hardware_list(self, request: web.BaseRequest, _id: str) -> web.Response:
        """With ``includeChildren=cameras`` each has its cameras inside: in no documentation, but on live systems."""
        listed = selected(request, self._collections()["hardware"]())
        children = option(request, "includeChildren")
        if children is None:
            return array(listed)
        if children.lower() != "cameras":
            raise RestRefused(400, f"Children '{children}' are not simulated", property_name="includeChildren")
        return array([{**item, "cameras": [*self._cameras_in(request, str(item["id"]))]} for item in listed])

    async def _hardware_of_recorder(self, request: web.BaseRequest, recorder_id: str) -> web.Response:
        _require_found(recorder_id, [self.site.recorder_id])
        return array(selected(request, self._collections()["hardware"]()))

    async def _cameras_of_hardware(self, request: web.BaseRequest, hardware_id: str) -> web.Response:
        _require_found(hardware_id, [camera.hardware_id for camera in self.site.cameras])
        return array(self._cameras_in(request, hardware_id))

    def _cameras_in(self, request: web.BaseRequest, hardware_id: str) -> list[JsonObject]:
        inside = [camera for camera in self.site.cameras if camera.hardware_id == hardware_id]
        shown = [camera for camera in inside if camera.is_enabled or option(request, "disabled") is not None]
        return [objects.camera(self.site, camera) for camera in shown]

    async def _streams(self, _request: web.BaseRequest, camera_id: str) -> web.Response:
        _require_found(camera_id, [camera.camera_id for camera in self.site.cameras])
        return data(next(objects.streams(camera) for camera in self.site.cameras if camera.camera_id == camera_id))

    async def _add_analytics_event(self, request: web.BaseRequest, _id: str) -> web.Response:
        body = await json_body(request)
        require_known(body, _ANALYTICS_EVENT_PROPERTIES)
        name = required_text(body, "name")
        if self.site.analytics_event(name):
            raise RestRefused(400, f"An analytics event '{name}' exists already", property_name="name")
        event = NamedEvent(
            event_type_id=fresh_id(),
            name=name,
            description=str(body.get("description") or ""),
            modified_at=self.clock.utc(),
        )
        self.site.analytics_events[event.event_type_id] = event
        return created("analyticsEvents", event.event_type_id, name, rest_time(event.modified_at))

    async def _add_alarm_definition(self, request: web.BaseRequest, _id: str) -> web.Response:
        definition = read_alarm_definition(await json_body(request), self.site, self.clock.utc())
        self.site.alarm_definitions[definition.definition_id] = definition
        modified = rest_time(definition.modified_at)
        return created("alarmDefinitions", definition.definition_id, definition.name, modified)


def _list(members: Callable[[], list[JsonObject]]) -> Handler:
    async def handler(request: web.BaseRequest, _id: str) -> web.Response:
        return array(selected(request, members()))

    return handler


def _single(members: Callable[[], list[JsonObject]]) -> Handler:
    async def handler(_request: web.BaseRequest, object_id: str) -> web.Response:
        known = {str(item["id"]): item for item in members()}
        _require_found(object_id, [*known])
        return data(known[object_id])

    return handler


def _require_found(object_id: str, known: Sequence[str]) -> None:
    if not is_guid(object_id):
        raise RestRefused(400, f"'{object_id}' is not a valid id", property_name="id")
    if object_id not in known:
        raise RestRefused(404, "Not Found, the requested id does not exist", property_name="id")
