"""``GetConfiguration`` and its relatives: the whole site in one SOAP answer (notes §1.5).

Members come in alphabetical order, as data contracts without explicit order are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from connectors.milestone.simulator.config.objects import TIME_ZONE
from connectors.milestone.simulator.devices import Hardware, MetadataDevice
from connectors.milestone.simulator.site import Camera, NamedEvent, Site, milliseconds, rest_time, stable_id
from connectors.milestone.simulator.soap.device_infos import (
    camera_info,
    devices_by_hardware,
    hardware_info,
    metadata_info,
)
from connectors.milestone.simulator.soap.messages import Items, Parameters, SoapFault, Value
from connectors.milestone.simulator.soap.operations import Operation, Operations
from core.contracts import Clock
from core.types import UtcSeconds

_CHANGED = "Modified"
"""The one ``ChangeType`` told; the real names are *unverified*."""

_RETENTIONS = (("Days", "7"), ("Weeks", "4"), ("Months", "6"), ("Years", "1"), ("Indefinite", "0"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationOperations:
    """Reads the configuration; remembers when what changed, from the moment it is made."""

    site: Site
    clock: Clock
    changes: list[tuple[str, UtcSeconds]] = field(default_factory=list)
    """(object id, moment), oldest first."""

    def __post_init__(self) -> None:
        """Begins to watch."""
        self.site.config_observers.append(self._note)

    def operations(self) -> Operations:
        """By name."""
        return {
            "GetConfiguration": Operation(parameters=("token",), carry_out=lambda _: self._configuration()),
            "GetConfigurationRecorders": Operation(parameters=("token", "recorderIds"), carry_out=self._recorders),
            "GetConfigurationHardware": Operation(parameters=("token", "hardwareIds"), carry_out=self._hardware),
            "GetDevicesDisabled": Operation(parameters=("token",), carry_out=lambda _: self._disabled()),
            "QueryRecorderInfo": Operation(parameters=("token", "recorderId"), carry_out=self._recorder),
            "QueryChanges": Operation(parameters=("token", "changesFrom"), carry_out=self._changes),
        }

    def _note(self, _collection: str, object_id: str) -> None:
        self.changes.append((object_id, self.clock.utc()))

    def _configuration(self) -> Value:
        site = self.site
        return {
            "AlertTypeGroups": (),
            "AlertTypes": (),
            "ApplicationAccess": _application_access(),
            "AudioMessages": (),
            "BookmarkSettings": {"DefaultPostTimeSec": "30", "DefaultPreTimeSec": "3"},
            "CameraGroups": [("CameraGroupInfo", self._camera_group())],
            "DeviceMappings": self._mappings(),
            "EventTypeGroups": (),
            "EventTypes": _event_types([*site.user_defined_events.values(), *site.analytics_events.values()]),
            "FailoverCheckInterval": "0",
            "InputGroups": (),
            "Licenses": (),
            "MatrixMonitors": (),
            "MetadataDeviceGroups": (),
            "MicrophoneGroups": (),
            "OutputGroups": (),
            "Recorders": [("RecorderInfo", self._recorder_info())],
            "RetentionSettings": {"RetentionOptions": self._retention_options()},
            "ServerDescription": "Simulated by Vigie",
            "ServerId": site.site_id,
            "ServerName": site.host,
            "ServerOptions": self._server_options(),
            "SpeakerGroups": (),
            "SystemEventTypes": (),
        }

    def _recorders(self, parameters: Parameters) -> Value:
        wanted = parameters.guids("recorderIds")
        return [("RecorderInfo", self._recorder_info())] if self.site.recorder_id in wanted else ()

    def _recorder(self, parameters: Parameters) -> Value:
        if parameters.guid("recorderId") != self.site.recorder_id:
            raise SoapFault("The recorder is unknown.")
        return self._recorder_info()

    def _hardware(self, parameters: Parameters) -> Value:
        wanted = parameters.guids("hardwareIds")
        found = [self.site.hardware[item] for item in wanted if item in self.site.hardware]
        return self._hardware_infos(found)

    def _hardware_infos(self, hardware: Sequence[Hardware]) -> Value:
        inside = devices_by_hardware(self.site)
        return [("HardwareInfo", hardware_info(self.site, item, inside.get(item.hardware_id, ()))) for item in hardware]

    def _recorder_info(self) -> Value:
        site = self.site
        cameras = [camera for camera in site.cameras if site.is_in_use(camera)]
        metadata = [item for item in site.metadata_devices.values() if site.is_in_use(item)]
        hardware = [item for item in site.hardware.values() if item.is_enabled]
        return {
            "Cameras": [("CameraInfo", camera_info(site, camera)) for camera in cameras],
            "DefaultRecordingTimeSeconds": "300",
            "Description": "",
            "Hardware": self._hardware_infos(hardware),
            "HostName": site.host,
            "Inputs": (),
            "LastModified": rest_time(max([site.created_at, *(moment for _, moment in self.changes)])),
            "MetadataDevices": [("MetadataDeviceInfo", metadata_info(site, item)) for item in metadata],
            "Microphones": (),
            "Name": "Simulated recorder",
            "Outputs": (),
            "RecorderId": site.recorder_id,
            "ServiceId": site.recorder_id,
            "Speakers": (),
            "TimeZoneName": TIME_ZONE,
            "WebServerUri": site.active_recorder_url,
            "XmlEncoding": "utf-8",
        }

    def _disabled(self) -> Value:
        """The names of the device types are *unverified*."""
        site = self.site
        devices: list[tuple[str, str, Camera | MetadataDevice]] = [
            *((item.camera_id, "Camera", item) for item in site.cameras),
            *((item.metadata_id, "Metadata", item) for item in site.metadata_devices.values()),
        ]
        return [
            ("DeviceDisabledInfo", self._disabled_info(device_id, item.name, kind, item.hardware_id))
            for device_id, kind, item in devices
            if not site.is_in_use(item)
        ]

    def _disabled_info(self, device_id: str, name: str, kind: str, hardware_id: str) -> Value:
        return {
            "DeviceId": device_id,
            "DeviceName": name,
            "DeviceType": kind,
            "HardwareId": hardware_id,
            "RecorderId": self.site.recorder_id,
        }

    def _changes(self, parameters: Parameters) -> Value:
        since = parameters.moment("changesFrom")
        latest = dict([*self._made(), *self.changes])
        return [
            ("Change", {"ChangeType": _CHANGED, "Id": object_id, "Time": rest_time(moment)})
            for object_id, moment in latest.items()
            if milliseconds(moment) >= milliseconds(since)
        ]

    def _made(self) -> Iterable[tuple[str, UtcSeconds]]:
        """What was created or is kept with its own date."""
        site = self.site
        for event in [*site.analytics_events.values(), *site.user_defined_events.values()]:
            yield event.event_type_id, event.modified_at
        for definition in site.alarm_definitions.values():
            yield definition.definition_id, definition.modified_at

    def _camera_group(self) -> Value:
        shown = [camera.camera_id for camera in self.site.cameras if camera.is_enabled]
        return {
            "CameraGroups": (),
            "Cameras": Items("guid", shown),
            "Description": "",
            "GroupId": stable_id("camera group", "all"),
            "Name": "All cameras",
        }

    def _mappings(self) -> Value:
        """Related devices, in pairs."""
        return [
            ("DeviceMappingInfo", {"DeviceA": device_id, "DeviceB": other})
            for device_id, related in self.site.related.items()
            for _, other in related
        ]

    def _retention_options(self) -> Value:
        if not self.site.has_evidence_locks:
            return ()
        return [
            ("RetentionOption", {"RetentionOptionType": kind, "RetentionUnits": units}) for kind, units in _RETENTIONS
        ]

    def _server_options(self) -> Value:
        """Of the keys only ``Bookmark`` is documented; the other is *unverified*."""
        options = {"Bookmark": self.site.has_bookmarks, "EvidenceLock": self.site.has_evidence_locks}
        return [("ServerOption", {"Key": key, "Value": str(value)}) for key, value in options.items()]


def _application_access() -> Value:
    return dict.fromkeys(("SmartClientBrowse", "SmartClientLive", "SmartClientReport", "SmartClientSetup"), "true")


def _event_types(events: Sequence[NamedEvent]) -> Value:
    return [
        ("EventTypeInfo", {"Description": event.description, "EventTypeId": event.event_type_id, "Name": event.name})
        for event in events
    ]
