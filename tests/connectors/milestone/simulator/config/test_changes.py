from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.connectors.milestone.simulator.config.vps_hardware import add_vps_hardware
from tests.connectors.milestone.simulator.running import INSTANCE, TIMEOUT_S, Running, run

pytestmark = pytest.mark.slow

BUILT_IN = "85867627-b287-4439-9e55-a63701e1715b"
GATEWAY_TYPE = "e46b7bf9-03ce-44eb-bbdc-8ba16d0aaa80"


@pytest.fixture(scope="module")
def site(video: Path) -> Iterator[Running]:
    with run(video, "--task-seconds", "0.05", "--cameras", "2") as running:
        yield running


@pytest.fixture(scope="module")
def boxes(site: Running) -> str:
    """A metadata device."""
    hardware = add_vps_hardware(site)
    site.rest("PATCH", f"/hardware/{hardware}", json={"enabled": True})
    [metadata] = site.rest("GET", f"/hardware/{hardware}/metadata?disabled").json()["array"]
    return str(metadata["id"])


def _act(site: Running, name: str, order: dict[str, Any]) -> requests.Response:
    return requests.post(f"{site.announced.admin}/acts/{name}", json=order, timeout=TIMEOUT_S)


def test_a_changed_camera_is_shown_changed_everywhere(fresh: Running) -> None:
    before = fresh.rest("GET", f"/cameras/{fresh.camera}").json()["data"]
    changes = {"name": "Gate north", "prebufferSeconds": 10, "gisPoint": "POINT (2.35 48.85)"}
    after = fresh.rest("PATCH", f"/cameras/{fresh.camera}", json=changes).json()["data"]
    assert {**before, **changes, "displayName": "Gate north", "lastModified": after["lastModified"]} == after
    assert after["lastModified"] > before["lastModified"]
    assert fresh.rest("GET", "/cameras?name='Gate north'").json()["array"] == [after]
    parent = before["relations"]["parent"]["id"]
    assert fresh.rest("GET", f"/hardware/{parent}/cameras").json()["array"] == [after]
    assert fresh.rest("GET", f"/cameras?lastModified=gt:'{before['lastModified']}'").json()["array"] == [after]
    assert fresh.rest("GET", f"/cameras?lastModified=gt:'{after['lastModified']}'").json()["array"] == []


def test_a_disabled_camera_can_be_enabled_and_then_shows_video(video: Path) -> None:
    with run(video, "--disabled-camera", "Spare") as site:
        [_, spare] = site.rest("GET", "/cameras?disabled").json()["array"]
        hardware = spare["relations"]["parent"]["id"]
        for path in (f"/hardware/{hardware}", f"/cameras/{spare['id']}"):
            assert site.rest("PATCH", path, json={"enabled": True}).json()["data"]["enabled"] is True
        assert len(site.rest("GET", "/cameras").json()["array"]) == 2
        assert site.rest("POST", f"/cameras/{spare['id']}?task=JpegGetLive", json={"width": 0}).status_code == 200


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"id": INSTANCE}, "id"),
        ({"relations": {}}, "relations"),
        ({"channel": 1}, "channel"),
        ({"enabled": 1}, "enabled"),
        ({"name": 7}, "name"),
        ({"name": " "}, "name"),
        ({"prebufferSeconds": "ten"}, "prebufferSeconds"),
        ({"prebufferSeconds": True}, "prebufferSeconds"),
    ],
)
def test_changes_that_cannot_be_made_are_refused(site: Running, body: dict[str, Any], named: str) -> None:
    answer = site.rest("PATCH", f"/cameras/{site.camera}", json=body)
    assert (answer.status_code, answer.json()["error"]["details"][0]["property"]) == (400, named)


def test_a_put_names_everything_that_can_be_written(site: Running) -> None:
    answer = site.rest("PUT", f"/cameras/{site.camera}", json={"name": "gate"})
    assert answer.status_code == 400
    assert "prebufferSeconds" in answer.json()["error"]["details"][0]["errorText"]


def test_a_changed_event_keeps_its_id_and_a_taken_name_is_refused(fresh: Running) -> None:
    created = fresh.rest("POST", "/userDefinedEvents", json={"name": "Record"}).json()["result"]
    path = f"/userDefinedEvents/{created['id']}"
    assert fresh.rest("PATCH", path, json={"name": "Record now"}).json()["data"]["name"] == "Record now"
    assert fresh.rest("POST", "/events", json={"type": created["id"]}).status_code == 202
    assert fresh.ledger("event")[-1]["event_type"] == "Record now"
    assert fresh.rest("POST", "/userDefinedEvents", json={"name": "Record now"}).status_code == 400
    assert fresh.rest("DELETE", path).json() == {"state": "Success"}
    assert fresh.rest("POST", "/events", json={"type": created["id"]}).status_code == 400


def test_the_built_in_user_defined_events_are_listed_and_stay(site: Running) -> None:
    listed = {item["id"] for item in site.rest("GET", "/userDefinedEvents").json()["array"]}
    assert {BUILT_IN, "77b1e70d-ba8d-4bb8-9ee8-43b09746d82a", "7605f8b0-7f5f-4432-b223-0bb2dc3f1f5c"} <= listed
    assert site.rest("DELETE", f"/userDefinedEvents/{BUILT_IN}").status_code == 400


def test_a_changed_alarm_definition_fires_as_it_now_says(fresh: Running) -> None:
    event_type = fresh.rest("GET", "/analyticsEvents").json()["array"][0]["id"]
    body = {
        "name": "Intrusion",
        "eventTypeGroup": "a96692c8-51b1-4f87-b12c-0d3d9cbfc5a4",
        "eventType": event_type,
        "sourceList": [{"type": "cameras", "id": fresh.camera}],
        "enableRule": "0",
        "priority": "34f1f987-6854-44fb-88a5-daa0add1e38a",
    }
    path = f"/alarmDefinitions/{fresh.rest('POST', '/alarmDefinitions', json=body).json()['result']['id']}"
    assert fresh.rest("PATCH", path, json={"name": "Trespass"}).json()["data"]["name"] == "Trespass"
    fresh.rest("POST", "/events", json={"type": event_type, "source": f"cameras/{fresh.camera}"})
    assert fresh.rest("PATCH", path, json={"enabled": False}).status_code == 200
    fresh.rest("POST", "/events", json={"type": event_type, "source": f"cameras/{fresh.camera}"})
    assert [alarm["name"] for alarm in fresh.ledger("alarm")] == ["Trespass"]
    assert fresh.rest("PATCH", path, json={"sourceList": []}).json()["params"] == {"sourceList": []}
    assert fresh.rest("DELETE", path).status_code == 200
    assert fresh.rest("GET", path).status_code == 404


def test_event_types_name_what_generates_them(site: Running) -> None:
    listed = {item["name"]: item for item in site.rest("GET", "/eventTypes").json()["array"]}
    assert listed["Vigie"]["generatorType"] == "MIPDevice"
    assert listed["Built-in event 1"]["generatorType"] == "External"
    stopped, started = listed["MotionStopped"], listed["MotionStarted"]
    assert (started["counterEventID"], stopped["counterEventID"]) == (stopped["id"], started["id"])
    groups = {item["id"]: item for item in site.rest("GET", "/stateGroups").json()["array"]}
    assert {"MotionStarted", "MotionStopped"} == {*groups[started["stateGroupId"]]["states"]}


def test_devices_join_and_leave_groups(site: Running, boxes: str) -> None:
    [everything] = site.rest("GET", "/cameraGroups").json()["array"]
    assert len(site.rest("GET", f"/cameraGroups/{everything['id']}/cameras?disabled").json()["array"]) == 3
    group = site.rest("POST", "/metadataGroups", json={"name": "Boxes"}).json()["result"]["id"]
    path = f"/metadataGroups/{group}/metadata"
    assert site.rest("POST", path, json={"id": boxes}).status_code == 201
    assert [item["id"] for item in site.rest("GET", f"{path}?disabled").json()["array"]] == [boxes]
    assert site.rest("DELETE", f"{path}/{boxes}").status_code == 200
    assert site.rest("DELETE", f"{path}/{boxes}").status_code == 404
    assert site.rest("DELETE", f"/cameraGroups/{everything['id']}").status_code == 400


def test_services_are_registered_since_2024_r2(site: Running, video: Path) -> None:
    assert site.rest("GET", f"/registeredServices?serviceType='{GATEWAY_TYPE}'").json()["array"]
    body = {"id": INSTANCE, "name": "Analytics", "serviceType": INSTANCE, "uris": ["https://192.0.2.1/"]}
    assert site.rest("POST", "/registeredServices", json=body).status_code == 201
    assert site.rest("POST", "/registeredServices", json=body).status_code == 400
    assert site.rest("GET", f"/registeredServices/{INSTANCE}").json()["data"]["uris"] == body["uris"]
    assert site.rest("DELETE", f"/registeredServices/{INSTANCE}").status_code == 200
    with run(video, "--release", "2024R1") as older:
        assert older.rest("GET", "/registeredServices").status_code == 400


@pytest.mark.parametrize("path", ["/clientSettings", "/hardwareDriverSettings"])
def test_settings_that_nobody_has_seen_written_are_only_read(site: Running, boxes: str, path: str) -> None:
    parent = site.rest("GET", f"/metadata/{boxes}").json()["data"]["relations"]["parent"]["id"]
    object_id = site.camera if path == "/clientSettings" else parent
    assert site.rest("GET", f"{path}/{object_id}").status_code == 200
    assert site.rest("PATCH", f"{path}/{object_id}", json={}).status_code == 405


def test_people_relate_devices_fill_in_settings_and_record_metadata(site: Running, boxes: str) -> None:
    path = {"type": "metadata", "id": boxes}
    assert _act(site, "relate-devices", {"device": site.camera, "related": [path]}).status_code == 200
    [shown] = site.rest("GET", f"/cameras/{site.camera}/clientSettings").json()["array"]
    assert shown["related"] == [path]
    hardware = site.rest("GET", f"/metadata/{boxes}").json()["data"]["relations"]["parent"]["id"]
    settings = {"SourceCamera": site.camera, "DriverParameters": "VPSNODES,http://192.0.2.1:5000/gate"}
    assert _act(site, "set-hardware-settings", {"hardware": hardware, "settings": settings}).status_code == 200
    [shown] = site.rest("GET", f"/hardware/{hardware}/hardwareDriverSettings").json()["array"]
    assert settings.items() <= shown["hardwareDriverSettings"][0].items()
    [rule] = site.rest("GET", "/rules").json()["array"]
    assert [item["type"] for item in rule["startDevices"]] == ["cameraGroups"]
    assert _act(site, "record-metadata", {"metadata": [boxes]}).status_code == 200
    assert site.rest("GET", f"/rules/{rule['id']}").json()["data"]["startDevices"][1] == path


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("relate-devices", {"device": INSTANCE, "related": []}),
        ("relate-devices", {"device": "camera", "related": [{"type": "metadata", "id": INSTANCE}]}),
        ("set-hardware-settings", {"hardware": INSTANCE, "settings": {}}),
        ("set-hardware-settings", {"hardware": "own", "settings": {"SourceCamera": "x"}}),
        ("record-metadata", {"metadata": [INSTANCE]}),
        ("record-metadata", {}),
    ],
)
def test_acts_that_make_no_sense_are_refused(site: Running, name: str, order: dict[str, Any]) -> None:
    hardware = site.rest("GET", f"/cameras/{site.camera}").json()["data"]["relations"]["parent"]["id"]
    names = {"camera": site.camera, "own": hardware}
    given = {key: names.get(value, value) if isinstance(value, str) else value for key, value in order.items()}
    assert _act(site, name, given).status_code == 400


def test_with_writable_settings_rest_does_what_people_do(video: Path) -> None:
    with run(video, "--task-seconds", "0.05", "--writable-settings") as open_site:
        hardware = add_vps_hardware(open_site)
        [metadata] = open_site.rest("GET", f"/hardware/{hardware}/metadata?disabled").json()["array"]
        related = [{"type": "metadata", "id": metadata["id"]}]
        answer = open_site.rest("PATCH", f"/clientSettings/{open_site.camera}", json={"related": related})
        assert answer.json()["data"]["related"] == related
        body = {"hardwareDriverSettings": [{"SourceCamera": open_site.camera}]}
        answer = open_site.rest("PATCH", f"/hardwareDriverSettings/{hardware}", json=body)
        assert answer.json()["data"]["hardwareDriverSettings"][0]["SourceCamera"] == open_site.camera
        unknown = {"related": [{"type": "metadata", "id": INSTANCE}]}
        assert open_site.rest("PATCH", f"/clientSettings/{open_site.camera}", json=unknown).status_code == 400


def test_settings_of_cameras_can_be_written_and_described(site: Running) -> None:
    path = f"/settings/{site.camera}"
    settings = site.rest("GET", f"{path}?definitions").json()
    assert settings["definitions"]["stream"]["valueType"] == "list"
    general = [{**settings["data"]["generalSettings"][0], "brightness": 70}]
    assert site.rest("PATCH", path, json={"generalSettings": general}).json()["data"]["generalSettings"] == general


def test_resources_name_what_hangs_below(site: Running) -> None:
    answer = site.rest("GET", f"/cameras/{site.camera}?resources&noData").json()
    assert {"streams", "settings", "clientSettings"} <= {item["type"] for item in answer["resources"]}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("number='20002'", 1),
        ("number=lt:'20002'", 2),
        ("number=gt:'1000'", 1),
        ("number=notEquals:'20002'", 2),
        ("name=contains:'ONVIF'&number=gt:'1'", 1),
        ("number=gt:'many'", None),
    ],
)
def test_numbers_are_compared_as_numbers(site: Running, query: str, count: int | None) -> None:
    recorder = site.rest("GET", "/recordingServers").json()["array"][0]["id"]
    answer = site.rest("GET", f"/recordingServers/{recorder}/hardwareDrivers?{query}")
    assert (len(answer.json()["array"]) if count is not None else answer.status_code) == (count or 400)


def test_times_are_compared_as_times_whatever_their_offset(site: Running) -> None:
    assert site.rest("GET", "/cameras?lastModified=lt:'2100-01-01T00:00:00%2B02:00'").json()["array"]
    assert site.rest("GET", "/cameras?lastModified=gt:'yesterday'").status_code == 400


def test_before_2022_r2_booleans_are_text(video: Path) -> None:
    with run(video, "--release", "2022R1") as old:
        assert old.rest("GET", f"/cameras/{old.camera}").json()["data"]["enabled"] == "True"
        assert len(old.rest("GET", "/cameras?enabled='true'").json()["array"]) == 1
        answer = old.rest("PATCH", f"/cameras/{old.camera}", json={"recordingEnabled": "False"})
        assert answer.json()["data"]["recordingEnabled"] == "False"
