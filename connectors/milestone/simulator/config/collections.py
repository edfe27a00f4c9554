"""The collections of Config REST: what is in them, what hangs below, what can be made and taken away (notes §2.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from connectors.milestone.simulator.config import catalogue, children, objects
from connectors.milestone.simulator.config.children import Wrapper
from connectors.milestone.simulator.events import event_types
from connectors.milestone.simulator.site import Site, stable_id
from connectors.milestone.simulator.web.rest import JsonObject

Below: TypeAlias = Callable[[str], list[JsonObject]]
"""What hangs below the object of that id."""

Members: TypeAlias = Mapping[str, AbstractSet[str]]
"""Group id → ids of the devices in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Objects of one type, by id."""

    name: str
    items: Callable[[], Mapping[str, Any]]
    show: Callable[[Any], JsonObject] = lambda item: item
    below: Mapping[str, Below] = field(default_factory=dict)
    is_listed: bool = True
    """Some have an address each, but no list at the top."""
    is_writable: bool = False


def collections(owner: Site, documents: catalogue.Documents, members: Members, wrapper: Wrapper) -> list[Collection]:
    """Every collection. ``documents`` are those of ``config.catalogue``."""
    return [
        *_servers(owner, documents),
        *_devices(owner, wrapper),
        *_below_devices(owner, wrapper),
        *_events(owner),
        *_groups(owner, documents, members),
        *_fixed(owner, documents),
    ]


def _servers(owner: Site, documents: catalogue.Documents) -> list[Collection]:
    recorder: dict[str, Below] = {
        "hardware": lambda _id: [objects.hardware(owner, item) for item in owner.hardware.values()],
        "hardwareDrivers": lambda _id: [*catalogue.drivers(owner).values()],
        "storages": lambda _id: [*documents["storages"].values()],
    }
    return [
        Collection(name="sites", items=lambda: {owner.site_id: owner}, show=objects.site),
        Collection(
            name="recordingServers",
            items=lambda: {owner.recorder_id: owner},
            show=objects.recording_server,
            below=recorder,
            is_writable=True,
        ),
    ]


def _devices(owner: Site, wrapper: Wrapper) -> list[Collection]:
    return [
        Collection(
            name="hardware",
            items=lambda: owner.hardware,
            show=lambda item: objects.hardware(owner, item),
            below=_below_hardware(owner),
            is_writable=True,
        ),
        Collection(
            name="cameras",
            items=lambda: owner.cameras_by_id,
            show=lambda item: objects.camera(owner, item),
            below=_below_cameras(owner, wrapper),
            is_writable=True,
        ),
        Collection(
            name="metadata",
            items=lambda: owner.metadata_devices,
            show=lambda item: objects.metadata_device(owner, item),
            below=_below_metadata(owner, wrapper),
            is_writable=True,
        ),
    ]


def _below_hardware(owner: Site) -> Mapping[str, Below]:
    def cameras_of(hardware_id: str) -> list[JsonObject]:
        return [objects.camera(owner, item) for item in owner.cameras if item.hardware_id == hardware_id]

    def metadata_of(hardware_id: str) -> list[JsonObject]:
        found = [item for item in owner.metadata_devices.values() if item.hardware_id == hardware_id]
        return [objects.metadata_device(owner, item) for item in found]

    return {
        "cameras": cameras_of,
        "metadata": metadata_of,
        **dict.fromkeys(("microphones", "speakers", "inputEvents", "outputs"), _nothing),
        "hardwareDriverSettings": lambda key: [children.hardware_driver_settings(owner.hardware[key])],
    }


def _below_cameras(owner: Site, wrapper: Wrapper) -> Mapping[str, Below]:
    return {
        "streams": lambda key: [children.streams(owner.cameras_by_id[key], wrapper)],
        "settings": lambda key: [children.settings(owner.cameras_by_id[key], wrapper)],
        "clientSettings": lambda key: [children.client_settings(owner, "cameras", key)],
        "privacyProtections": lambda key: [children.privacy_protection(owner, key)],
        "ptzPresets": _nothing,
        "patrollingProfiles": _nothing,
    }


def _below_metadata(owner: Site, wrapper: Wrapper) -> Mapping[str, Below]:
    return {
        "settings": lambda key: [children.settings(owner.metadata_devices[key], wrapper)],
        "clientSettings": lambda key: [children.client_settings(owner, "metadata", key)],
    }


def _below_devices(owner: Site, wrapper: Wrapper) -> list[Collection]:
    """Objects that have their parent's id and no list of their own."""

    def with_client_settings() -> dict[str, tuple[str, str]]:
        cameras = {key: ("cameras", key) for key in owner.cameras_by_id}
        return cameras | {key: ("metadata", key) for key in owner.metadata_devices}

    return [
        Collection(
            name="streams",
            items=lambda: owner.cameras_by_id,
            show=lambda item: children.streams(item, wrapper),
            is_listed=False,
        ),
        Collection(
            name="settings",
            items=lambda: {**owner.cameras_by_id, **owner.metadata_devices},
            show=lambda item: children.settings(item, wrapper),
            is_listed=False,
            is_writable=True,
        ),
        Collection(
            name="clientSettings",
            items=with_client_settings,
            show=lambda path: children.client_settings(owner, *path),
            is_listed=False,
        ),
        Collection(
            name="hardwareDriverSettings",
            items=lambda: owner.hardware,
            show=children.hardware_driver_settings,
            is_listed=False,
        ),
    ]


def _events(owner: Site) -> list[Collection]:
    kinds: dict[str, tuple[Callable[[], Mapping[str, Any]], Callable[[Any], JsonObject]]] = {
        "analyticsEvents": (lambda: owner.analytics_events, objects.analytics_event),
        "userDefinedEvents": (lambda: owner.user_defined_events, objects.user_defined_event),
        "alarmDefinitions": (lambda: owner.alarm_definitions, objects.alarm_definition),
    }
    return [
        *(Collection(name=name, items=items, show=show, is_writable=True) for name, (items, show) in kinds.items()),
        Collection(name="eventTypes", items=lambda: event_types.event_types(owner)),
        Collection(
            name="eventTypeGroups",
            items=lambda: {key: key for key in event_types.GROUPS},
            show=event_types.event_type_group,
            below=_below_event_type_groups(owner),
        ),
        Collection(
            name="stateGroups",
            items=lambda: {key: key for key in event_types.STATE_GROUPS},
            show=event_types.state_group,
        ),
    ]


def _below_event_type_groups(owner: Site) -> Mapping[str, Below]:
    def types_in(group_id: str) -> list[JsonObject]:
        return [item for item in event_types.event_types(owner).values() if item["generatorGroupId"] == group_id]

    def analytics_in(group_id: str) -> list[JsonObject]:
        known = owner.analytics_events.values() if group_id == event_types.ANALYTICS_GROUP else ()
        return [objects.analytics_event(event) for event in known]

    def user_defined_in(group_id: str) -> list[JsonObject]:
        known = owner.user_defined_events.values() if group_id == event_types.EXTERNAL_GROUP else ()
        return [objects.user_defined_event(event) for event in known]

    return {
        "eventTypes": types_in,
        "analyticsEvents": analytics_in,
        "userDefinedEvents": user_defined_in,
        "genericEvents": _nothing,
    }


def _groups(owner: Site, documents: catalogue.Documents, members: Members) -> list[Collection]:
    def cameras_in(group_id: str) -> list[JsonObject]:
        has_all = group_id == catalogue.ALL_CAMERAS
        chosen = [item for item in owner.cameras if has_all or item.camera_id in members.get(group_id, ())]
        return [objects.camera(owner, item) for item in chosen]

    def metadata_in(group_id: str) -> list[JsonObject]:
        chosen = [item for key, item in owner.metadata_devices.items() if key in members.get(group_id, ())]
        return [objects.metadata_device(owner, item) for item in chosen]

    return [
        Collection(
            name="cameraGroups",
            items=lambda: documents["cameraGroups"],
            below={"cameras": cameras_in, "cameraGroups": _nothing},
            is_writable=True,
        ),
        Collection(
            name="metadataGroups",
            items=lambda: documents["metadataGroups"],
            below={"metadata": metadata_in, "metadataGroups": _nothing},
            is_writable=True,
        ),
    ]


def _fixed(owner: Site, documents: catalogue.Documents) -> list[Collection]:
    licence: dict[str, Below] = {
        "licenseDetail": lambda _id: catalogue.licence_details(owner),
        "licenseDetails": lambda _id: catalogue.licence_details(owner),
        "licenseInstalledProducts": lambda _id: catalogue.installed_products(owner),
        "licenseOverviewAll": lambda _id: catalogue.licence_overview(owner),
    }
    recording = catalogue.RECORDING_RULE
    read_only = ["microphones", "speakers", "inputEvents", "outputs", "genericEvents"]
    writable = ["timeProfiles", "roles", "toolOptions"]
    made = [Collection(name=name, items=_members(documents, name)) for name in read_only]
    made += [Collection(name=name, items=_members(documents, name), is_writable=True) for name in writable]
    made += [
        Collection(
            name="rules",
            items=_members(documents, "rules"),
            show=lambda item: {**item, "startDevices": catalogue.recorded(owner)} if item["id"] == recording else item,
            is_writable=True,
        ),
        Collection(name="storages", items=_members(documents, "storages"), is_listed=False, is_writable=True),
        Collection(name="hardwareDrivers", items=lambda: catalogue.drivers(owner), is_listed=False),
        Collection(name="licenseInformations", items=_members(documents, "licenseInformations"), below=licence),
    ]
    return made + (_since_2024_r2(documents) if owner.release.has_bookmarks_rest else [])


def _since_2024_r2(documents: catalogue.Documents) -> list[Collection]:
    user_id = stable_id("user", "account")
    return [
        Collection(name="registeredServices", items=_members(documents, "registeredServices"), is_writable=True),
        Collection(
            name="effectivePermissions",
            items=lambda: {user_id: user_id},
            show=catalogue.effective_permissions,
            is_listed=False,
        ),
    ]


def _members(documents: catalogue.Documents, name: str) -> Callable[[], Mapping[str, JsonObject]]:
    return lambda: documents[name]


def _nothing(_id: str) -> list[JsonObject]:
    return []
