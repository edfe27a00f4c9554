"""The site's configuration as the objects that Config REST shows (shapes: notes §2.3, official OpenAPI of 2022 R3)."""

from __future__ import annotations

from connectors.milestone.simulator.rest import JsonObject
from connectors.milestone.simulator.site import (
    VERSION,
    AlarmDefinition,
    Camera,
    NamedEvent,
    Site,
    rest_time,
    stable_id,
)
from core.types import Json, UtcSeconds

TIME_ZONE = "Romance Standard Time"


def relations(collection: str, object_id: str, parent: tuple[str, str] | None = None) -> JsonObject:
    """Where an object hangs: itself and its parent as (collection, id)."""
    own: JsonObject = {"self": {"type": collection, "id": object_id}}
    return own if parent is None else {**own, "parent": {"type": parent[0], "id": parent[1]}}


def site(owner: Site) -> JsonObject:
    """The management server."""
    return {
        **_object("sites", owner.site_id, "Simulated site", owner.created_at),
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
        "version": VERSION,
    }


def recording_server(owner: Site) -> JsonObject:
    """The one recorder."""
    return {
        **_object("recordingServers", owner.recorder_id, "Simulated recorder", owner.created_at),
        "enabled": True,
        "description": "",
        "hostName": owner.host,
        "portNumber": owner.recorder_port,
        "webServerUri": owner.recorder_url,
        "activeWebServerUri": owner.recorder_url,
        "publicAccessEnabled": False,
        "publicWebserverHostName": "",
        "publicWebserverPort": 0,
        "multicastServerAddress": "0.0.0.0",  # noqa: S104 - what a recorder shows for none
        "shutdownOnStorageFailure": False,
        "synchronizationTime": -1,
        "timeZoneName": TIME_ZONE,
        "version": VERSION,
    }


def hardware(owner: Site, camera: Camera) -> JsonObject:
    """The hardware of a camera."""
    driver_id = stable_id("hardware driver", "universal")
    return {
        **_object(
            "hardware",
            camera.hardware_id,
            f"{camera.name} hardware",
            owner.created_at,
            ("recordingServers", owner.recorder_id),
        ),
        "enabled": camera.is_enabled,
        "description": "",
        "address": camera.address,
        "userName": "root",
        "model": "Simulated camera",
        "passwordLastModified": rest_time(owner.created_at),
        "hardwareDriverPath": {"type": "hardwareDrivers", "id": driver_id},
    }


def camera(owner: Site, item: Camera) -> JsonObject:
    """A camera; its address is on its parent, the hardware."""
    return {
        **_object("cameras", item.camera_id, item.name, owner.created_at, ("hardware", item.hardware_id)),
        "enabled": item.is_enabled,
        "description": "",
        "shortName": item.name,
        "channel": 0,
        "createdDate": rest_time(owner.created_at),
        "gisPoint": "POINT EMPTY",
        "icon": 0,
        "coverageDirection": 0.0,
        "coverageDepth": 0.0,
        "coverageFieldOfView": 0.0,
        "recordingFramerate": 5.0,
        "recordKeyframesOnly": False,
        "recordOnRelatedDevices": True,
        "recordingEnabled": True,
        "prebufferEnabled": True,
        "prebufferInMemory": True,
        "prebufferSeconds": 3,
        "edgeStorageEnabled": False,
        "edgeStoragePlaybackEnabled": False,
        "manualRecordingTimeoutEnabled": True,
        "manualRecordingTimeoutMinutes": 5,
        "failoverSetting": "FullSupport",
        "ptzEnabled": False,
        "recordingStorage": {"type": "storages", "id": owner.storage_id},
    }


def streams(item: Camera) -> JsonObject:
    """The one stream of a camera; ``streamReferenceId`` is ImageServer's ``streamid``."""
    stream: JsonObject = {
        "displayName": "Video stream 1",
        "name": "Video stream 1",
        "streamReferenceId": item.stream_id.upper(),
        "liveDefault": True,
        "liveMode": "WhenNeeded",
        "defaultPlayback": True,
        "recordTo": "16ce3aa1-5f93-458a-abe5-5c95d9ed1372",
        "useEdge": False,
        "edgeTrackId": "",
    }
    own = relations("streams", item.camera_id, ("cameras", item.camera_id))
    return {"displayName": "Streams", "stream": [stream], "relations": own}


def analytics_event(event: NamedEvent) -> JsonObject:
    """An analytics event that was created beforehand."""
    sources: list[Json] = ["Camera"]
    return {
        **_object("analyticsEvents", event.event_type_id, event.name, event.modified_at),
        "description": event.description,
        "sourceArray": sources,
    }


def user_defined_event(event: NamedEvent) -> JsonObject:
    """A user-defined event."""
    return {
        **_object("userDefinedEvents", event.event_type_id, event.name, event.modified_at),
        "subtype": "UserDefined",
        "createdDate": rest_time(event.modified_at),
    }


def alarm_definition(definition: AlarmDefinition) -> JsonObject:
    """An alarm definition, as posted and completed with defaults."""
    return {
        **_object("alarmDefinitions", definition.definition_id, definition.name, definition.modified_at),
        **definition.properties,
    }


def _object(
    collection: str, object_id: str, name: str, modified_at: UtcSeconds, parent: tuple[str, str] | None = None
) -> JsonObject:
    return {
        "id": object_id,
        "name": name,
        "displayName": name,
        "lastModified": rest_time(modified_at),
        "relations": relations(collection, object_id, parent),
    }
