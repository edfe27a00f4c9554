"""Config REST: what the site is made of, and its changes (notes §2)."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from aiohttp import web

from connectors.milestone.simulator.alarms.definitions import read_alarm_definition
from connectors.milestone.simulator.config import catalogue
from connectors.milestone.simulator.config.collections import Below, Collection, collections
from connectors.milestone.simulator.config.edits import ConfigEdits, require_free_name
from connectors.milestone.simulator.config.shown import definitions_of, presented, resources_of, tasks_of
from connectors.milestone.simulator.events.event_types import BUILT_IN_USER_DEFINED
from connectors.milestone.simulator.rest_options import RestOptions
from connectors.milestone.simulator.site import NamedEvent, Site, fresh_id, is_guid, rest_time
from connectors.milestone.simulator.web.rest import (
    JsonObject,
    RestRefused,
    created,
    json_body,
    option,
    require_known,
    required_text,
    selected,
)
from connectors.milestone.simulator.web.routing import Handler, Routes
from core.contracts import Clock
from core.types import Json

REST = "/API/rest/v1"
"""Root of every REST resource behind the gateway."""

_GROUPED = {"cameraGroups": "cameras", "metadataGroups": "metadata"}
_CREATED = {
    "analyticsEvents": frozenset({"name", "description"}),
    "userDefinedEvents": frozenset({"name"}),
    "cameraGroups": frozenset({"name", "description"}),
    "metadataGroups": frozenset({"name", "description"}),
    "registeredServices": frozenset(
        {"id", "name", "description", "enabled", "serviceType", "customData", "uris", "endpoints"}
    ),
}
"""Collection → properties that a creation may name."""

_FLAGS = frozenset({"tasks", "nodata", "definitions", "resources", "language", "disabled"})


@dataclass(slots=True, kw_only=True)
class ConfigRest:
    """Serves the configuration collections."""

    site: Site
    clock: Clock
    options: RestOptions = field(default_factory=RestOptions)
    edits: ConfigEdits = field(init=False)
    members: dict[str, set[str]] = field(default_factory=dict)
    """Group id → ids of devices."""
    _documents: catalogue.Documents = field(init=False)
    _collections: dict[str, Collection] = field(init=False)

    def __post_init__(self) -> None:
        self.edits = ConfigEdits(site=self.site, clock=self.clock)
        self._documents = catalogue.documents(self.site)
        made = collections(self.site, self._documents, self.members, self.options.wrapper)
        self._collections = {collection.name: collection for collection in made}

    def add_to(self, routes: Routes) -> None:
        """Registers its paths."""
        for collection in self._collections.values():
            self._add_collection(routes, collection)
        routes.add("POST", f"{REST}/alarmDefinitions", self._add_alarm_definition)
        for name in _CREATED.keys() & self._collections.keys():
            routes.add("POST", f"{REST}/{name}", self._creator(name))
        for name in ("analyticsEvents", "userDefinedEvents", "alarmDefinitions", "rules", "registeredServices"):
            if name in self._collections:
                routes.add("DELETE", f"{REST}/{name}/{{id}}", self._deleter(name))
        for groups, devices in _GROUPED.items():
            routes.add("DELETE", f"{REST}/{groups}/{{id}}", self._deleter(groups))
            routes.add("POST", f"{REST}/{groups}/{{id}}/{devices}", self._joiner(groups, devices))
            routes.add("DELETE", f"{REST}/{groups}/{{id}}/{devices}/{{id}}", self._leaver(groups, devices))
        routes.add("DELETE", f"{REST}/recordingServers/{{id}}/hardware/{{id}}", self._remove_hardware)

    def shown(self, name: str, object_id: str) -> JsonObject:
        """One object. Raises ``RestRefused`` for an id that is malformed or unknown."""
        collection = self._collections[name]
        items = collection.items()
        require_found(object_id, items)
        return self.edits.shown(name, object_id, collection.show(items[object_id]))

    def answer(self, body: JsonObject, status: int = 200) -> web.Response:
        """An answer, with booleans as the release writes them."""
        shown = body if self.site.release.has_json_booleans else presented(body)
        return web.json_response(shown, status=status)

    def _add_collection(self, routes: Routes, collection: Collection) -> None:
        path, name = f"{REST}/{collection.name}", collection.name
        if collection.is_listed:
            routes.add("GET", path, self._lister(collection))
        routes.add("GET", f"{path}/{{id}}", self._getter(name))
        is_opened = self.options.writable_settings and name in {"clientSettings", "hardwareDriverSettings"}
        if collection.is_writable or is_opened:
            routes.add("PATCH", f"{path}/{{id}}", self._changer(name, whole=False))
            routes.add("PUT", f"{path}/{{id}}", self._changer(name, whole=True))
        for child, below in collection.below.items():
            routes.add("GET", f"{path}/{{id}}/{child}", self._child_lister(name, below))
            routes.add("GET", f"{path}/{{id}}/{child}/{{id}}", self._child_getter(name, below))

    def _all(self, collection: Collection) -> list[JsonObject]:
        shown = self.edits.shown
        return [shown(collection.name, key, collection.show(item)) for key, item in collection.items().items()]

    def _lister(self, collection: Collection) -> Handler:
        async def handler(request: web.BaseRequest, _id: str) -> web.Response:
            listed = selected(request, self._enabled(request, self._all(collection)))
            return self.answer({"array": [self._with_children(request, collection, item) for item in listed]})

        return handler

    def _enabled(self, request: web.BaseRequest, listed: list[JsonObject]) -> list[JsonObject]:
        """Without devices whose hardware is disabled, unless ``disabled`` is given."""
        off = {key for key, item in self.site.hardware.items() if not item.is_enabled}
        if not off or option(request, "disabled") is not None:
            return listed
        return [item for item in listed if _parent_id(item) not in off]

    def _with_children(self, request: web.BaseRequest, collection: Collection, item: JsonObject) -> JsonObject:
        """With ``includeChildren`` each has its children inside: in no documentation, but on live systems (§2.1)."""
        asked = option(request, "includeChildren")
        if asked is None:
            return item
        inside: JsonObject = {}
        for name in asked.split(","):
            below = next((child for child in collection.below if child.lower() == name.strip().lower()), None)
            if below is None:
                raise RestRefused(400, f"Unknown children '{name}'", property_name="includeChildren")
            found = self._below(collection.below[below], _path(item)[1])
            shows_disabled = option(request, "disabled") is not None
            inside[below] = [child for child in found if shows_disabled or child.get("enabled", True)]
        return {**item, **inside}

    def _below(self, below: Below, parent_id: str) -> list[JsonObject]:
        return [self.edits.shown(*_path(item), item) if "relations" in item else item for item in below(parent_id)]

    def _getter(self, name: str) -> Handler:
        async def handler(request: web.BaseRequest, object_id: str) -> web.Response:
            item = self.shown(name, object_id)
            flags = {key.lower() for key in request.query}
            for flag in flags - _FLAGS:
                raise RestRefused(400, f"Unknown option '{flag}'", property_name=flag)
            body: JsonObject = {} if "nodata" in flags else {"data": item}
            if "tasks" in flags:
                body["tasks"] = tasks_of(name, self.options.wrapper)
            if "resources" in flags:
                body["resources"] = resources_of(self._collections[name].below)
            if "definitions" in flags:
                body["definitions"] = definitions_of(name, item)
            return self.answer(body)

        return handler

    def _child_lister(self, name: str, below: Below) -> Handler:
        async def handler(request: web.BaseRequest, parent_id: str) -> web.Response:
            require_found(parent_id, self._collections[name].items())
            return self.answer({"array": [*selected(request, self._below(below, parent_id))]})

        return handler

    def _child_getter(self, name: str, below: Below) -> Handler:
        """The official description has ``array`` around a single child too."""

        async def handler(_request: web.BaseRequest, ids: str) -> web.Response:
            parent_id, _, child_id = ids.partition("/")
            require_found(parent_id, self._collections[name].items())
            known = {_path(item)[1]: item for item in self._below(below, parent_id) if "relations" in item}
            require_found(child_id, known)
            return self.answer({"array": [known[child_id]]})

        return handler

    def _changer(self, name: str, *, whole: bool) -> Handler:
        async def handler(request: web.BaseRequest, object_id: str) -> web.Response:
            body = await json_body(request)
            self.edits.change(name, object_id, self.shown(name, object_id), body, whole=whole)
            return self.answer({"data": self.shown(name, object_id)})

        return handler

    def _creator(self, name: str) -> Handler:
        async def handler(request: web.BaseRequest, _id: str) -> web.Response:
            body = await json_body(request)
            require_known(body, _CREATED[name])
            return self._created(name, self._create(name, body))

        return handler

    def _create(self, name: str, body: JsonObject) -> str:
        text, now = required_text(body, "name"), self.clock.utc()
        description = str(body.get("description") or "")
        if name in {"analyticsEvents", "userDefinedEvents"}:
            require_free_name(self.edits.events(name), text)
            event = NamedEvent(event_type_id=fresh_id(), name=text, description=description, modified_at=now)
            self.edits.events(name)[event.event_type_id] = event
            return event.event_type_id
        if name == "registeredServices":
            return self._register(body, now)
        group_id = fresh_id()
        self._documents[name][group_id] = catalogue.group(name, group_id, text, description, now)
        return group_id

    def _register(self, body: JsonObject, now: float) -> str:
        for key in ("id", "serviceType"):
            if not is_guid(required_text(body, key)):
                raise RestRefused(400, f"'{key}' must be a GUID", property_name=key)
        service_id = str(body["id"]).lower()
        if service_id in self._documents["registeredServices"]:
            raise RestRefused(400, "The service is registered already", property_name="id")
        service = catalogue.registered_service({**body, "id": service_id}, now)
        self._documents["registeredServices"][service_id] = service
        return service_id

    async def _add_alarm_definition(self, request: web.BaseRequest, _id: str) -> web.Response:
        definition = read_alarm_definition(await json_body(request), self.site, self.clock.utc())
        self.site.alarm_definitions[definition.definition_id] = definition
        return self._created("alarmDefinitions", definition.definition_id)

    def _created(self, name: str, object_id: str) -> web.Response:
        """The official description of 2022 R3 answers the object; samples and later text a ``result``."""
        item = self.shown(name, object_id)
        self.site.changed(name, object_id)
        if self.options.wrapper == "o22":
            return self.answer({"data": item}, 201)
        return created(name, object_id, str(item["name"]), rest_time(self.clock.utc()))

    def _deleter(self, name: str) -> Handler:
        async def handler(_request: web.BaseRequest, object_id: str) -> web.Response:
            item = self.shown(name, object_id)
            if item.get("builtIn") or object_id in BUILT_IN_USER_DEFINED:
                raise RestRefused(400, "What is built in cannot be deleted", property_name="id")
            items = self._collections[name].items()
            assert isinstance(items, dict)
            del items[object_id]
            self.edits.overlays.pop((name, object_id), None)
            self.site.changed(name, object_id)
            return self._deleted(item)

        return handler

    def _deleted(self, item: JsonObject) -> web.Response:
        return self.answer({"data": item} if self.options.wrapper == "o22" else {"state": "Success"})

    def _joiner(self, groups: str, devices: str) -> Handler:
        async def handler(request: web.BaseRequest, group_id: str) -> web.Response:
            """What says which device joins is *unverified*: its ``id``."""
            self.shown(groups, group_id)
            body = await json_body(request)
            require_known(body, frozenset({"id"}))
            device_id = required_text(body, "id").lower()
            self.shown(devices, device_id)
            self.members.setdefault(group_id, set()).add(device_id)
            return self._created(devices, device_id)

        return handler

    def _leaver(self, groups: str, devices: str) -> Handler:
        async def handler(_request: web.BaseRequest, ids: str) -> web.Response:
            group_id, _, device_id = ids.partition("/")
            self.shown(groups, group_id)
            item = self.shown(devices, device_id)
            require_found(device_id, self.members.get(group_id, set()))
            self.members[group_id].discard(device_id)
            return self._deleted(item)

        return handler

    async def _remove_hardware(self, _request: web.BaseRequest, ids: str) -> web.Response:
        recorder_id, _, hardware_id = ids.partition("/")
        self.shown("recordingServers", recorder_id)
        item = self.shown("hardware", hardware_id)
        site = self.site
        del site.hardware[hardware_id]
        site.cameras = tuple(camera for camera in site.cameras if camera.hardware_id != hardware_id)
        for key in [key for key, known in site.metadata_devices.items() if known.hardware_id == hardware_id]:
            del site.metadata_devices[key]
        site.changed("hardware", hardware_id)
        return self._deleted(item)


def require_found(object_id: str, known: AbstractSet[str] | Mapping[str, object]) -> None:
    """Refuses an id that is malformed (400) or unknown (404)."""
    if not is_guid(object_id):
        raise RestRefused(400, f"'{object_id}' is not a valid id", property_name="id")
    if object_id not in known:
        raise RestRefused(404, "Not Found, the requested id does not exist", property_name="id")


def _path(item: JsonObject) -> tuple[str, str]:
    """(collection, id) of an object."""
    return _relation(item, "self")


def _parent_id(item: JsonObject) -> str:
    return _relation(item, "parent")[1]


def _relation(item: JsonObject, name: str) -> tuple[str, str]:
    hung = item.get("relations")
    path: Json = hung.get(name) if isinstance(hung, dict) else None
    return (str(path["type"]), str(path["id"])) if isinstance(path, dict) else ("", "")
