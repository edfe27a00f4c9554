"""What administrators change over Config REST, and what of it the rest of the simulated site must know (notes §2.1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.milestone.simulator.alarms.definitions import read_alarm_definition
from connectors.milestone.simulator.config.catalogue import ALL_CAMERAS, RECORDING_RULE
from connectors.milestone.simulator.devices import VPS, VPS_SETTINGS
from connectors.milestone.simulator.site import AlarmDefinition, NamedEvent, Site, rest_time
from connectors.milestone.simulator.web.rest import JsonObject, RestRefused, paths_of, required_text
from core.contracts import Clock
from core.types import Json

_RELATED = frozenset({"microphones", "speakers", "metadata"})
_ALWAYS_READ_ONLY = frozenset({"id", "displayName", "lastModified", "createdDate", "relations"})
_READ_ONLY: Mapping[str, frozenset[str]] = {
    "cameras": frozenset({"channel", "ptzEnabled"}),
    "metadata": frozenset({"channel"}),
    "hardware": frozenset({"model", "passwordLastModified", "hardwareDriverPath"}),
    "recordingServers": frozenset(
        {"hostName", "portNumber", "webServerUri", "activeWebServerUri", "timeZoneName", "version"}
    ),
    "storages": frozenset({"diskPath", "isDefault", "encryptionMethod"}),
    "cameraGroups": frozenset({"builtIn"}),
    "metadataGroups": frozenset({"builtIn"}),
    "roles": frozenset({"roleType"}),
    "timeProfiles": frozenset({"timeProfileType"}),
    "userDefinedEvents": frozenset({"subtype"}),
    "registeredServices": frozenset({"serviceType"}),
}
"""Collection → properties that cannot be written, beside those that nothing can write."""


def is_read_only(collection: str, name: str) -> bool:
    """Whether a property of the objects in a collection cannot be written."""
    return name in _ALWAYS_READ_ONLY or name in _READ_ONLY.get(collection, frozenset())


@dataclass(slots=True, kw_only=True)
class ConfigEdits:
    """Takes changes. What the site itself knows goes there; everything else is laid over the shown object."""

    site: Site
    clock: Clock
    overlays: dict[tuple[str, str], JsonObject] = field(default_factory=dict)
    """(collection, id) → what was written."""

    def shown(self, collection: str, object_id: str, generated: JsonObject) -> JsonObject:
        """The object as it is after all changes."""
        overlay = self.overlays.get((collection, object_id))
        if overlay is None:
            return generated
        changed = {**generated, **overlay}
        return {**changed, "displayName": changed["name"]} if "name" in changed else changed

    def change(self, collection: str, object_id: str, current: JsonObject, body: JsonObject, *, whole: bool) -> None:
        """Carries out a PATCH, or a PUT (``whole``), which names every property that can be written."""
        changes = _accepted(collection, current, body, whole=whole)
        match collection:
            case "cameras" | "hardware" | "metadata":
                changes = self._change_device(collection, object_id, changes)
            case "analyticsEvents" | "userDefinedEvents":
                changes = self._change_event(collection, object_id, changes)
            case "alarmDefinitions":
                changes = self._change_alarm_definition(object_id, changes)
            case "clientSettings":
                changes = self._change_related(object_id, changes)
            case "hardwareDriverSettings":
                changes = self._change_driver_settings(object_id, changes)
            case "rules":
                changes = self._change_recorded(object_id, changes)
        overlay = self.overlays.setdefault((collection, object_id), {})
        overlay |= changes
        if "lastModified" in current:
            overlay["lastModified"] = rest_time(self.clock.utc())
        self.site.changed(collection, object_id)

    def _change_device(self, collection: str, object_id: str, changes: JsonObject) -> JsonObject:
        name = required_text(changes, "name") if "name" in changes else None
        is_enabled = changes.get("enabled")
        fields = {"name": name, "is_enabled": is_enabled}
        given = {key: value for key, value in fields.items() if value is not None}
        match collection:
            case "hardware":
                self._change_hardware(
                    object_id, {**given, **_texts(changes, {"address": "address", "userName": "user"})}
                )
            case "metadata":
                known = self.site.metadata_devices
                known[object_id] = dataclasses.replace(known[object_id], **given)  # type: ignore[arg-type] # checked above
            case _:
                self._change_camera(object_id, given)
        taken = {"name", "enabled", "address", "userName"} if collection == "hardware" else {"name", "enabled"}
        return {key: value for key, value in changes.items() if key not in taken}

    def _change_camera(self, camera_id: str, fields: Mapping[str, Json]) -> None:
        self.site.cameras = tuple(
            dataclasses.replace(camera, **fields) if camera.camera_id == camera_id else camera  # type: ignore[arg-type] # checked by the caller
            for camera in self.site.cameras
        )

    def _change_hardware(self, hardware_id: str, fields: Mapping[str, Json]) -> None:
        known = self.site.hardware
        known[hardware_id] = dataclasses.replace(known[hardware_id], **fields)  # type: ignore[arg-type] # checked by the caller
        if "address" in fields:
            for camera in [camera for camera in self.site.cameras if camera.hardware_id == hardware_id]:
                self._change_camera(camera.camera_id, {"address": fields["address"]})

    def _change_event(self, collection: str, event_type_id: str, changes: JsonObject) -> JsonObject:
        events = self.events(collection)
        fields = _texts(changes, {"name": "name", "description": "description"})
        if "name" in fields:
            require_free_name(events, required_text(changes, "name"), event_type_id)
        events[event_type_id] = dataclasses.replace(events[event_type_id], modified_at=self.clock.utc(), **fields)
        return {key: value for key, value in changes.items() if key not in fields}

    def events(self, collection: str) -> dict[str, NamedEvent]:
        """The site's own collection of that name."""
        return self.site.analytics_events if collection == "analyticsEvents" else self.site.user_defined_events

    def _change_alarm_definition(self, definition_id: str, changes: JsonObject) -> JsonObject:
        known = self.site.alarm_definitions[definition_id]
        body = {"name": known.name, **known.properties, **changes}
        read: AlarmDefinition = read_alarm_definition(body, self.site, self.clock.utc())
        self.site.alarm_definitions[definition_id] = dataclasses.replace(read, definition_id=definition_id)
        return {}

    def _change_related(self, device_id: str, changes: JsonObject) -> JsonObject:
        if "related" in changes:
            self.site.related[device_id] = related_paths(changes["related"], self.site)
        return {key: value for key, value in changes.items() if key != "related"}

    def _change_driver_settings(self, hardware_id: str, changes: JsonObject) -> JsonObject:
        written = changes.get("hardwareDriverSettings")
        if not isinstance(written, list) or len(written) != 1 or not isinstance(written[0], dict):
            raise RestRefused(400, "One group of settings is expected", property_name="hardwareDriverSettings")
        given = {key: value for key, value in written[0].items() if key != "displayName"}
        set_hardware_settings(self.site, hardware_id, given)
        return {}

    def _change_recorded(self, rule_id: str, changes: JsonObject) -> JsonObject:
        if "startDevices" in changes and rule_id == RECORDING_RULE:
            self.site.recorded = recorded_devices(changes["startDevices"], self.site)
        return {key: value for key, value in changes.items() if key != "startDevices"}


def related_paths(value: Json, site: Site) -> tuple[tuple[str, str], ...]:
    """The devices that client settings relate. Raises ``RestRefused``."""
    paths = paths_of(value, "related")
    for collection, object_id in paths:
        if collection not in _RELATED or (collection, object_id) not in _devices(site):
            raise RestRefused(400, f"Unknown device {collection}/{object_id}", property_name="related")
    return tuple(paths)


def recorded_devices(value: Json, site: Site) -> set[tuple[str, str]]:
    """The metadata devices that the recording rule covers beside all cameras. Raises ``RestRefused``."""
    paths = {*paths_of(value, "startDevices")} - {("cameraGroups", ALL_CAMERAS)}
    for path in paths - _devices(site):
        raise RestRefused(400, f"Unknown device {path[0]}/{path[1]}", property_name="startDevices")
    return paths


def set_hardware_settings(site: Site, hardware_id: str, given: Mapping[str, Json]) -> None:
    """Fills in settings of hardware of the VPS driver. Raises ``RestRefused``."""
    item = site.hardware[hardware_id]
    for key, value in given.items():
        if item.driver != VPS or key not in VPS_SETTINGS or not isinstance(value, str):
            raise RestRefused(400, f"The setting '{key}' is not there or not text", property_name=key)
    settings = {**item.settings, **{key: str(value) for key, value in given.items()}}
    site.hardware[hardware_id] = dataclasses.replace(item, settings=settings)
    site.changed("hardware", hardware_id)


def require_free_name(events: Mapping[str, NamedEvent], name: str, own_id: str = "") -> None:
    """Refuses a name that another event has."""
    if any(event.name == name and key != own_id for key, event in events.items()):
        raise RestRefused(400, f"An event '{name}' exists already", property_name="name")


def _devices(site: Site) -> set[tuple[str, str]]:
    return {("metadata", key) for key in site.metadata_devices}


def _texts(changes: JsonObject, names: Mapping[str, str]) -> dict[str, str]:
    return {own: str(changes[shown]) for shown, own in names.items() if shown in changes}


def _accepted(collection: str, current: JsonObject, body: JsonObject, *, whole: bool) -> JsonObject:
    """The properties to write: known, writable, of the kind that they have. Raises ``RestRefused``."""
    accepted: JsonObject = {}
    for name, value in body.items():
        if name not in current:
            raise RestRefused(400, f"Unknown property '{name}'", property_name=name)
        if is_read_only(collection, name):
            if not whole or value != current[name]:
                raise RestRefused(400, f"'{name}' is read-only", property_name=name)
        else:
            accepted[name] = _of_its_kind(name, current[name], value)
    missing = [name for name in current if whole and not is_read_only(collection, name) and name not in body]
    if missing:
        raise RestRefused(400, f"Missing: {', '.join(missing)}", property_name=missing[0])
    return accepted


def _of_its_kind(name: str, current: Json, value: Json) -> Json:
    """Booleans are also taken as text, as they were before 2022 R2."""
    if isinstance(current, bool) and isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    kind: type | tuple[type, ...] = (int, float) if type(current) in {int, float} else type(current)
    if not isinstance(value, kind) or isinstance(value, bool) != isinstance(current, bool):
        raise RestRefused(400, f"'{name}' has a value of the wrong kind", property_name=name)
    return value
