"""What hangs below devices in Config REST, one per parent and under the parent's id (notes §2.1, §2.3).

``o22`` is the shape of the official description of 2022 R3, ``o25`` that of the one up to 2025 R2.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from connectors.milestone.simulator.config.objects import relations
from connectors.milestone.simulator.devices import VPS, VPS_SETTINGS, Hardware, MetadataDevice
from connectors.milestone.simulator.site import Camera, Site
from connectors.milestone.simulator.web.rest import JsonObject
from core.types import Json

Wrapper: TypeAlias = Literal["o22", "o25"]
"""Which official description the answers follow."""

PRIMARY_STORAGE = "16ce3aa1-5f93-458a-abe5-5c95d9ed1372"


def streams(item: Camera, wrapper: Wrapper) -> JsonObject:
    """The one stream of a camera; ``streamReferenceId`` is ImageServer's ``streamid``."""
    stream: JsonObject = {
        "displayName": "Video stream 1",
        "name": "Video stream 1",
        "streamReferenceId": item.stream_id.upper(),
        "liveDefault": True,
        "liveMode": "WhenNeeded",
    }
    recorded: JsonObject = {"defaultPlayback": True, "recordTo": PRIMARY_STORAGE, "useEdge": False, "edgeTrackId": ""}
    stream |= {"record": True} if wrapper == "o22" else recorded
    return _below("streams", "Streams", ("cameras", item.camera_id), {"stream": [stream]})


def client_settings(owner: Site, collection: str, device_id: str) -> JsonObject:
    """How clients show a device; ``related`` holds the metadata devices whose boxes they draw on it."""
    related: list[Json] = [{"type": kind, "id": key} for kind, key in owner.related.get(device_id, ())]
    content: JsonObject = {"related": related, "shortcut": 0, "multicastEnabled": False}
    return _below("clientSettings", "Client settings", (collection, device_id), content)


def privacy_protection(owner: Site, camera_id: str) -> JsonObject:
    """Whether clients are shown a mask over parts of the picture."""
    is_masked = camera_id in owner.masked
    content: JsonObject = {"enabled": is_masked, "id": camera_id, "privacyMaskXml": ""}
    return _below("privacyProtections", "Privacy masking", ("cameras", camera_id), content)


def settings(item: Camera | MetadataDevice, wrapper: Wrapper) -> JsonObject:
    """Settings of a device; their keys are its driver's."""
    if isinstance(item, MetadataDevice):
        return _settings(("metadata", item.metadata_id), {"displayName": "General"}, [], wrapper)
    general: JsonObject = {"displayName": "General", "brightness": 50, "rotation": "0"}
    stream: JsonObject = {
        "displayName": "Video stream 1",
        "resolution": f"{item.feed.clip.width}x{item.feed.clip.height}" if item.feed else "",
        "codec": item.feed.clip.codec if item.feed else "",
        "FPS": round(item.feed.clip.fps, 2) if item.feed else 0.0,
        "streamReferenceId": item.stream_id.upper(),
    }
    return _settings(("cameras", item.camera_id), general, [stream], wrapper)


def _settings(parent: tuple[str, str], general: JsonObject, streams: list[Json], wrapper: Wrapper) -> JsonObject:
    time_outs: JsonObject = {
        "displayName": "PTZ Session Timeouts",
        "manualPTZTimeout": -1,
        "pausePatrollingTimeout": -1,
        "reservedPTZTimeout": -1,
    }
    content: JsonObject = {"generalSettings": general if wrapper == "o22" else [general], "stream": streams}
    content["ptzSessionTimeout" if wrapper == "o22" else "ptzSessionTimeouts"] = time_outs
    return _below("settings", "Settings", parent, content)


def hardware_driver_settings(item: Hardware) -> JsonObject:
    """Settings of hardware. Under which keys the VPS driver shows its own is *unverified*."""
    content: JsonObject = {"hardwarePtz": {"displayName": "Pan-Tilt-Zoom", "ptzUsePtzDeviceID": False}}
    if item.driver == VPS:
        own: JsonObject = {key: item.settings.get(key, "") for key in VPS_SETTINGS}
        content["hardwareDriverSettings"] = [{"displayName": "Settings", **own}]
    return _below("hardwareDriverSettings", "Settings", ("hardware", item.hardware_id), content)


def _below(collection: str, title: str, parent: tuple[str, str], content: JsonObject) -> JsonObject:
    return {"displayName": title, **content, "relations": relations(collection, parent[1], parent)}
