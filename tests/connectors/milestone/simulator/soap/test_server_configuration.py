from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from lxml import etree

from connectors.milestone.simulator.devices import VPS, Hardware, MetadataDevice
from connectors.milestone.simulator.site import Site
from connectors.milestone.simulator.soap.messages import SVC, Parameters, answered
from connectors.milestone.simulator.soap.server_configuration import ConfigurationOperations
from core.clock import ManualClock
from tests.connectors.milestone.simulator.running import NS, Running, run
from tests.connectors.milestone.simulator.soap.calls import call, fault, guids, plain, result

CHILDREN = (
    "ServerId, ServerName, ServerDescription, FailoverCheckInterval, ApplicationAccess, AudioMessages, AlertTypes, "
    "AlertTypeGroups, BookmarkSettings, CameraGroups, DeviceMappings, EventTypes, EventTypeGroups, InputGroups, "
    "Licenses, MatrixMonitors, MetadataDeviceGroups, MicrophoneGroups, OutputGroups, Recorders, RetentionSettings, "
    "ServerOptions, SpeakerGroups, SystemEventTypes"
)
RECORDER = (
    "RecorderId, ServiceId, Name, Description, HostName, WebServerUri, TimeZoneName, DefaultRecordingTimeSeconds, "
    "XmlEncoding, LastModified, Cameras, Hardware, Inputs, MetadataDevices, Microphones, Outputs, Speakers"
)
CAMERA = (
    "RecorderId, HardwareId, DeviceId, Name, Description, Shortcut, DeviceIndex, GisPoint, ShortName, Icon, "
    "CoverageDirection, CoverageDepth, CoverageFieldOfView, BrowsableStream, CameraSecurity, EdgeStoragePlayback, "
    "EdgeStorageSupported, IpixSettings, MaxFPS, MulticastEnabled, PanoramicLensSettings, PtzSettings, "
    "StopManualRecordingSeconds, Streams, Tracks"
)


@pytest.fixture(scope="module")
def configuration(simulator: Running) -> Any:
    return plain(result(call(simulator, "GetConfiguration"), "GetConfiguration"))


@pytest.fixture(scope="module")
def essential(video: Path) -> Iterator[Running]:
    with run(video, "--edition", "Essential+") as site:
        yield site


def _recorder(configuration: Any) -> Any:
    [recorder] = configuration["Recorders"]
    return recorder


def test_every_part_of_the_notes_is_there_in_the_order_of_data_contracts(configuration: Any) -> None:
    assert list(configuration) == sorted(CHILDREN.split(", "))
    assert sorted(_recorder(configuration)) == sorted(RECORDER.split(", "))
    [camera] = _recorder(configuration)["Cameras"]
    assert sorted(camera) == sorted(CAMERA.split(", "))


def test_soap_and_rest_tell_of_the_same_site(simulator: Running, configuration: Any) -> None:
    recorder = _recorder(configuration)
    [server] = simulator.rest("GET", "/recordingServers").json()["array"]
    [camera] = simulator.rest("GET", "/cameras").json()["array"]
    assert (recorder["RecorderId"], recorder["WebServerUri"]) == (server["id"], server["webServerUri"])
    [shown] = recorder["Cameras"]
    assert (shown["DeviceId"], shown["Name"]) == (camera["id"], camera["name"])
    assert shown["HardwareId"] == camera["relations"]["parent"]["id"]
    hardware = simulator.rest("GET", f"/hardware/{shown['HardwareId']}").json()["data"]
    assert recorder["Hardware"][0]["Uri"] == hardware["address"]
    assert recorder["Hardware"][0]["DeviceIds"][0] == camera["id"]
    [stream] = simulator.rest("GET", f"/streams/{camera['id']}").json()["data"]["stream"]
    assert shown["Streams"][0]["StreamId"].upper() == stream["streamReferenceId"]
    events = {event["EventTypeId"]: event["Name"] for event in configuration["EventTypes"]}
    assert {"Start recording", "Vigie"} <= {*events.values()}


def test_disabled_devices_are_told_apart(simulator: Running) -> None:
    listed = plain(result(call(simulator, "GetDevicesDisabled"), "GetDevicesDisabled"))
    assert [(device["DeviceName"], device["DeviceType"]) for device in listed] == [("Spare", "Camera")]


def test_parts_can_be_asked_for_by_id(simulator: Running, configuration: Any) -> None:
    recorder = _recorder(configuration)
    recorder_id, hardware_id = recorder["RecorderId"], recorder["Hardware"][0]["HardwareId"]
    answers = [
        call(simulator, "GetConfigurationRecorders", guids("recorderIds", recorder_id, str(uuid4()))),
        call(simulator, "GetConfigurationHardware", guids("hardwareIds", str(uuid4()), hardware_id.upper())),
    ]
    names = ["GetConfigurationRecorders", "GetConfigurationHardware"]
    [[shown], [hardware]] = [plain(result(*pair)) for pair in zip(answers, names, strict=True)]
    assert (shown["RecorderId"], hardware["HardwareId"]) == (recorder_id, hardware_id)
    single = call(simulator, "QueryRecorderInfo", f"<recorderId>{recorder_id}</recorderId>")
    assert plain(result(single, "QueryRecorderInfo"))["Name"] == recorder["Name"]
    assert (
        fault(call(simulator, "QueryRecorderInfo", f"<recorderId>{uuid4()}</recorderId>")) == "a:InternalServiceFault"
    )


def test_changes_since_a_moment_are_told(fresh: Running) -> None:
    def changes(since: str) -> list[str]:
        answer = call(fresh, "QueryChanges", f"<changesFrom>{since}</changesFrom>")
        return [str(child.findtext(f"{{{NS}}}Id")) for child in result(answer, "QueryChanges")]

    assert changes("2999-01-01T00:00:00Z") == []
    before = changes("2020-01-01T00:00:00Z")
    made = fresh.rest("POST", "/analyticsEvents", json={"name": "Loitering"}).json()["result"]
    assert set(changes("2020-01-01T00:00:00Z")) - set(before) == {made["id"]}
    own = fresh.rest("GET", f"/analyticsEvents/{made['id']}").json()["data"]["lastModified"]
    assert changes(own) == [made["id"]]


def test_the_rights_and_options_are_those_of_the_edition(essential: Running, configuration: Any) -> None:
    small = plain(result(call(essential, "GetConfiguration"), "GetConfiguration"))
    told = []
    for whole in (configuration, small):
        options = {option["Key"]: option["Value"] for option in whole["ServerOptions"]}
        security = _recorder(whole)["Cameras"][0]["CameraSecurity"]
        told.append((options["Bookmark"], security["Live"], security["BookmarkAdd"], security["RetentionCreate"]))
    assert told == [("True", "true", "true", "true"), ("False", "true", "false", "false")]


def test_an_edition_without_bookmarks_refuses_them(essential: Running) -> None:
    body = f"<deviceId>{essential.camera}</deviceId><live>true</live>"
    assert fault(call(essential, "BookmarkGetNewReference", body)) == "s:51000"
    refused = essential.rest("POST", "/bookmarks", json={})
    assert (refused.status_code, refused.json()["httpCode"]) == (403, "403")


def test_a_missing_token_is_a_fault(simulator: Running) -> None:
    assert fault(simulator.soap("GetConfiguration")) == "s:51000"


def test_metadata_devices_and_what_they_belong_to_are_told() -> None:
    hardware = Hardware(hardware_id="h", name="Boxes", address="http://10.0.0.9/", driver=VPS, user="", modified_at=0.0)
    device = MetadataDevice(metadata_id="m", name="Boxes metadata", hardware_id="h", modified_at=0.0)
    site = Site(host="here", created_at=0.0, cameras=(), hardware={"h": hardware}, metadata_devices={"m": device})
    site.related["c"] = (("metadata", "m"),)
    operations = ConfigurationOperations(site=site, clock=ManualClock()).operations()
    parameters = Parameters(etree.Element("GetConfiguration"), ())
    told = answered("GetConfiguration", operations["GetConfiguration"].carry_out(parameters), SVC)
    configuration = plain(told[0])
    [shown] = _recorder(configuration)["MetadataDevices"]
    assert (shown["DeviceId"], shown["Name"], shown["MetadataDeviceSecurity"]["Live"]) == (
        "m",
        "Boxes metadata",
        "true",
    )
    assert shown["MetadataTypes"][0]["DisplayName"] == "Bounding boxes"
    assert _recorder(configuration)["Hardware"][0]["DeviceIds"] == ["m"]
    assert configuration["DeviceMappings"] == [{"DeviceA": "c", "DeviceB": "m"}]
    assert plain(answered("GetDevicesDisabled", operations["GetDevicesDisabled"].carry_out(parameters), SVC)[0]) == ""
    site.metadata_devices["m"] = replace(device, is_enabled=False)
    site.changed("metadata", "m")
    disabled = answered("GetDevicesDisabled", operations["GetDevicesDisabled"].carry_out(parameters), SVC)
    assert plain(disabled[0])[0]["DeviceType"] == "Metadata"
