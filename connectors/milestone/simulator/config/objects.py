"""The site's configuration as the objects that Config REST shows (shapes: notes §2.3, official OpenAPI of 2022 R3)."""

from __future__ import annotations

from connectors.milestone.simulator.devices import Hardware, MetadataDevice
from connectors.milestone.simulator.site import (
    AlarmDefinition,
    Camera,
    NamedEvent,
    Site,
    rest_time,
)
from connectors.milestone.simulator.web.rest import JsonObject
from core.types import Json, UtcSeconds

TIME_ZONE = "Romance Standard Time"


def relations(collection: str, object_id: str, parent: tuple[str, str] | None = None) -> JsonObject:
    """Where an object hangs: itself and its parent as (collection, id)."""
    own: JsonObject = {"self": {"type": collection, "id": object_id}}
    return own if parent is None else {**own, "parent": {"type": parent[0], "id": parent[1]}}


def named_object(
    collection: str, object_id: str, name: str, modified_at: UtcSeconds, parent: tuple[str, str] | None = None
) -> JsonObject:
    """What every object carries; the parent is (collection, id)."""
    return {
        "id": object_id,
        "name": name,
        "displayName": name,
        "lastModified": rest_time(modified_at),
        "relations": relations(collection, object_id, parent),
    }


def site(owner: Site) -> JsonObject:
    """The management server."""
    return {
        **named_object("sites", owner.site_id, "Simulated site", owner.created_at),
        "description": "Simulated by Vigie",
        "computerName": owner.host,
        "domainName": "",
        "masterSiteAddress": "",
        "platform": "[Not Available]",
        "physicalMemory": 0,
        "processors": 0,
        "serviceAccount": "S-1-5-20",
        "synchronizationStatus": 0,
        "lastStatusHandshake": rest_time(owner.created_at),
        "timeZone": TIME_ZONE,
        "version": owner.release.version,
    }


def recording_server(owner: Site) -> JsonObject:
    """The one recorder."""
    return {
        **named_object("recordingServers", owner.recorder_id, "Simulated recorder", owner.created_at),
        "enabled": True,
        "description": "",
        "hostName": owner.host,
        "portNumber": owner.recorder_port,
        "webServerUri": owner.recorder_url,
        "activeWebServerUri": owner.active_recorder_url,
        "publicAccessEnabled": False,
        "publicWebserverHostName": "",
        "publicWebserverPort": 0,
        "multicastServerAddress": "0.0.0.0",  # noqa: S104 - what a recorder shows for none
        "shutdownOnStorageFailure": False,
        "synchronizationTime": -1,
        "timeZoneName": TIME_ZONE,
        "version": owner.release.version,
    }


def hardware(owner: Site, item: Hardware) -> JsonObject:
    """Hardware, which alone has an address."""
    parent = ("recordingServers", owner.recorder_id)
    return {
        **named_object("hardware", item.hardware_id, item.name, item.modified_at, parent),
        "enabled": item.is_enabled,
        "description": "",
        "address": item.address,
        "userName": item.user,
        "model": item.driver.name,
        "passwordLastModified": rest_time(item.modified_at),
        "hardwareDriverPath": {"type": "hardwareDrivers", "id": item.driver.driver_id},
    }


def camera(owner: Site, item: Camera) -> JsonObject:
    """A camera; its address is on its parent, the hardware."""
    added_at = owner.created_at if item.added_at is None else item.added_at
    return {
        **named_object("cameras", item.camera_id, item.name, added_at, ("hardware", item.hardware_id)),
        "enabled": item.is_enabled,
        **_recording(owner, added_at),
        "recordingFramerate": 5.0,
        "recordKeyframesOnly": False,
        "recordOnRelatedDevices": True,
        "failoverSetting": "FullSupport",
        "ptzEnabled": False,
    }


def metadata_device(owner: Site, item: MetadataDevice) -> JsonObject:
    """A metadata device."""
    parent = ("hardware", item.hardware_id)
    return {
        **named_object("metadata", item.metadata_id, item.name, item.modified_at, parent),
        "enabled": item.is_enabled,
        **_recording(owner, item.modified_at),
        "failoverSetting": "FullSupport",
    }


def _recording(owner: Site, added_at: UtcSeconds) -> JsonObject:
    """What everything that is recorded has."""
    return {
        "description": "",
        "shortName": "",
        "channel": 0,
        "createdDate": rest_time(added_at),
        "gisPoint": "POINT EMPTY",
        "icon": 0,
        "coverageDirection": 0.0,
        "coverageDepth": 0.0,
        "coverageFieldOfView": 0.0,
        "recordingEnabled": True,
        "prebufferEnabled": True,
        "prebufferInMemory": True,
        "prebufferSeconds": 3,
        "edgeStorageEnabled": False,
        "edgeStoragePlaybackEnabled": False,
        "manualRecordingTimeoutEnabled": True,
        "manualRecordingTimeoutMinutes": 5,
        "recordingStorage": {"type": "storages", "id": owner.storage_id},
    }


def analytics_event(event: NamedEvent) -> JsonObject:
    """An analytics event that was created beforehand."""
    sources: list[Json] = ["Camera"]
    return {
        **named_object("analyticsEvents", event.event_type_id, event.name, event.modified_at),
        "description": event.description,
        "sourceArray": sources,
    }


def user_defined_event(event: NamedEvent) -> JsonObject:
    """A user-defined event."""
    return {
        **named_object("userDefinedEvents", event.event_type_id, event.name, event.modified_at),
        "subtype": "UserDefined",
        "createdDate": rest_time(event.modified_at),
    }


def alarm_definition(definition: AlarmDefinition) -> JsonObject:
    """An alarm definition, as posted and completed with defaults."""
    return {
        **named_object("alarmDefinitions", definition.definition_id, definition.name, definition.modified_at),
        **definition.properties,
    }
