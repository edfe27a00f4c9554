"""Devices as ``GetConfiguration`` shows them (notes §1.5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from connectors.milestone.simulator.devices import Hardware, MetadataDevice
from connectors.milestone.simulator.site import Camera, Site, rest_time, stable_id
from connectors.milestone.simulator.soap.messages import Items, Value

_NO_TRACK: Value = ()
_RIGHTS = (
    "Browse",
    "ExportDatabase",
    "GetSequences",
    "Live",
    "RetrieveEdgeRecordings",
    "StartRecording",
    "StopRecording",
)
_CAMERA_RIGHTS = (*_RIGHTS, "ExportAvi", "ExportJpeg", "ManagePatrollingProfiles", "ManagePresetLocks", "ManagePresets")
_BOOKMARK_RIGHTS = ("BookmarkAdd", "BookmarkDelete", "BookmarkEdit", "BookmarkView")
_LOCK_RIGHTS = ("RetentionCreate", "RetentionRemove", "RetentionView")
_RESTRICTION_RIGHTS = ("RestrictedMediaCreate", "RestrictedMediaRemove", "RestrictedMediaView")
_RESTRICTIONS_SINCE = (23, 2)


def camera_info(site: Site, camera: Camera) -> Value:
    """``CameraInfo``; the rights are this user's, who may do all that the edition has."""
    return {
        "BrowsableStream": "true",
        **_device(site, camera.camera_id, camera.name, camera.hardware_id),
        "CameraSecurity": {
            **_rights(site, _CAMERA_RIGHTS),
            **_allowed(_BOOKMARK_RIGHTS, is_allowed=site.has_bookmarks),
            "SmartSearch": "true",
        },
        "IpixSettings": (),
        "MaxFPS": "0",
        "PanoramicLensSettings": (),
        "PtzSettings": {"PtzEnabled": "false"},
        "Shortcut": "",
        "Streams": [("StreamInfo", _stream(camera))],
    }


def metadata_info(site: Site, device: MetadataDevice) -> Value:
    """``MetadataDeviceInfo``."""
    kind = {
        "DisplayId": stable_id("metadata type", "boxes"),
        "DisplayName": "Bounding boxes",
        "Id": stable_id("metadata type", device.metadata_id),
        "Name": "Bounding boxes",
        "ValidTime": "PT1S",
    }
    return {
        **_device(site, device.metadata_id, device.name, device.hardware_id),
        "MetadataDeviceSecurity": _rights(site, _RIGHTS),
        "MetadataTypes": [("MetadataTypeInfo", kind)],
    }


def hardware_info(site: Site, hardware: Hardware, device_ids: Sequence[str]) -> Value:
    """``HardwareInfo`` with the ids of its devices."""
    return {
        "Description": "",
        "DeviceIds": Items("guid", device_ids),
        "HardwareId": hardware.hardware_id,
        "Interconnected": "false",
        "LastModified": rest_time(hardware.modified_at),
        "Name": hardware.name,
        "RecorderId": site.recorder_id,
        "Uri": hardware.address,
    }


def devices_by_hardware(site: Site) -> Mapping[str, Sequence[str]]:
    """Ids of the cameras and metadata devices in each hardware; sites may have thousands."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for camera in site.cameras:
        found[camera.hardware_id].append(camera.camera_id)
    for device in site.metadata_devices.values():
        found[device.hardware_id].append(device.metadata_id)
    return found


def _device(site: Site, device_id: str, name: str, hardware_id: str) -> dict[str, Value]:
    return {
        "CoverageDepth": "0",
        "CoverageDirection": "0",
        "CoverageFieldOfView": "0",
        "Description": "",
        "DeviceId": device_id,
        "DeviceIndex": "0",
        "EdgeStoragePlayback": "false",
        "EdgeStorageSupported": "false",
        "GisPoint": "POINT EMPTY",
        "HardwareId": hardware_id,
        "Icon": "0",
        "MulticastEnabled": "false",
        "Name": name,
        "RecorderId": site.recorder_id,
        "ShortName": name,
        "StopManualRecordingSeconds": "300",
        "Tracks": _NO_TRACK,
    }


def _rights(site: Site, names: tuple[str, ...]) -> dict[str, Value]:
    return {
        **_allowed(names, is_allowed=True),
        **_allowed(_LOCK_RIGHTS, is_allowed=site.has_evidence_locks),
        **_allowed(_RESTRICTION_RIGHTS, is_allowed=site.release.number >= _RESTRICTIONS_SINCE),
    }


def _allowed(names: tuple[str, ...], *, is_allowed: bool) -> dict[str, Value]:
    return dict.fromkeys(names, str(is_allowed).lower())


def _stream(camera: Camera) -> Value:
    return {"Default": "true", "Name": "Video stream 1", "StreamId": camera.stream_id}
