from __future__ import annotations

import re
from typing import Any

import pytest

from tests.connectors.milestone.simulator.config.openapi import problems
from tests.connectors.milestone.simulator.running import Running

pytestmark = pytest.mark.slow

ANALYTICS_GROUP = "a96692c8-51b1-4f87-b12c-0d3d9cbfc5a4"
HIGH = "8188ff24-b5da-4c19-9ebf-c1d8fc2caa75"
COLLECTIONS = ["sites", "recordingServers", "hardware", "cameras", "analyticsEvents", "userDefinedEvents"]


def _definition(simulator: Running, event_type: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": "Intrusion",
        "eventTypeGroup": ANALYTICS_GROUP,
        "eventType": event_type,
        "sourceList": [{"type": "cameras", "id": simulator.camera}],
        "enableRule": "0",
        "priority": HIGH,
        **changes,
    }


def _analytics_event(simulator: Running) -> str:
    return str(simulator.rest("GET", "/analyticsEvents?name='Vigie'").json()["array"][0]["id"])


@pytest.mark.shared_data
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_lists_and_single_objects_have_the_shape_of_the_official_description(
    simulator: Running, collection: str
) -> None:
    listed = simulator.rest("GET", f"/{collection}").json()["array"]
    assert listed
    for item in listed:
        assert problems(item, collection) == []
        assert item["relations"]["self"] == {"type": collection, "id": item["id"]}
        assert simulator.rest("GET", f"/{collection}/{item['id'].upper()}").json() == {"data": item}


@pytest.mark.shared_data
def test_alarm_definitions_have_the_shape_of_the_official_description(fresh: Running) -> None:
    created = fresh.rest("POST", "/alarmDefinitions", json=_definition(fresh, _analytics_event(fresh)))
    assert created.status_code == 201
    shown = fresh.rest("GET", f"/alarmDefinitions/{created.json()['result']['id']}").json()["data"]
    assert problems(shown, "alarmDefinitions") == []


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("path", "status"),
    [("/cameras/12", 400), ("/cameras/00000000-0000-4000-8000-000000000000", 404), ("/storages", 400)],
)
def test_refusals_have_the_shape_of_the_official_description(simulator: Running, path: str, status: int) -> None:
    answer = simulator.rest("GET", path)
    assert answer.status_code == status
    assert answer.json()["error"]["httpCode"] == status
    assert problems(answer.json()["error"], f"error{status}") == []


def test_the_way_from_a_camera_to_its_recorder_is_in_the_relations(simulator: Running) -> None:
    camera = simulator.rest("GET", f"/cameras/{simulator.camera}").json()["data"]
    assert "address" not in camera
    hardware = simulator.rest("GET", f"/hardware/{camera['relations']['parent']['id']}").json()["data"]
    assert re.fullmatch(r"http://[\d.]+/", hardware["address"])
    recorder = simulator.rest("GET", f"/recordingServers/{hardware['relations']['parent']['id']}").json()["data"]
    host, port = simulator.recorder
    assert recorder["webServerUri"] == f"https://{host}:{port}/"
    assert recorder["portNumber"] == port


def test_the_stream_of_a_camera_is_listed_under_the_cameras_own_id(simulator: Running) -> None:
    streams = simulator.rest("GET", f"/streams/{simulator.camera}").json()["data"]
    [stream] = streams["stream"]
    assert stream["liveDefault"] is True
    assert stream["streamReferenceId"] == stream["streamReferenceId"].upper()
    assert streams["relations"]["parent"] == {"type": "cameras", "id": simulator.camera}
    assert simulator.rest("GET", f"/cameras/{simulator.camera}/streams").json()["array"] == [streams]


@pytest.mark.parametrize("collection", ["cameras", "hardware"])
def test_disabled_objects_are_listed_only_when_asked_for(simulator: Running, collection: str) -> None:
    assert [item["enabled"] for item in simulator.rest("GET", f"/{collection}").json()["array"]] == [True]
    asked = simulator.rest("GET", f"/{collection}?disabled").json()["array"]
    assert [item["enabled"] for item in asked] == [True, False]


def test_children_come_inside_the_hardware_when_asked_for(simulator: Running) -> None:
    listed = simulator.rest("GET", "/hardware?disabled&includeChildren=cameras").json()["array"]
    assert [camera["name"] for item in listed for camera in item["cameras"]] == ["gate", "Spare"]
    single = simulator.rest("GET", f"/hardware/{listed[0]['id']}/cameras").json()["array"]
    assert single == listed[0]["cameras"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("name='gate'", ["gate"]),
        ("name='Gate'", []),
        ("name=notEquals:'gate'", ["Spare"]),
        ("name=contains:'par'", ["Spare"]),
        ("name=startsWith:'Sp'", ["Spare"]),
        ("enabled='true'", ["gate"]),
        ("lastModified=gt:'2025-01-01'", ["gate", "Spare"]),
        ("lastModified=lt:'2025-01-01'", []),
        ("name=contains:'a'&name=notEquals:'Spare'", ["gate"]),
        ("page=0&size=1", ["gate"]),
        ("page=1&size=1", ["Spare"]),
        ("page=2&size=1", []),
        ("language=fr", ["gate", "Spare"]),
    ],
)
def test_lists_are_filtered_and_cut_into_pages(simulator: Running, query: str, names: list[str]) -> None:
    listed = simulator.rest("GET", f"/cameras?disabled&{query}").json()["array"]
    assert [item["name"] for item in listed] == names


@pytest.mark.parametrize(
    "query", ["name=gate", "nome='gate'", "name=like:'gate'", "page=-1", "size=0", "size=x", "page=", "tasks", "noData"]
)
def test_queries_that_cannot_be_meant_are_refused(simulator: Running, query: str) -> None:
    assert simulator.rest("GET", f"/cameras?{query}").status_code == 400


def test_an_analytics_event_can_be_created_once(fresh: Running) -> None:
    answer = fresh.rest("POST", "/analyticsEvents", json={"name": "ACME Intrusion"})
    result = answer.json()["result"]
    assert answer.status_code == 201
    assert result["state"] == "Success"
    assert result["path"] == {"type": "analyticsEvents", "id": result["id"]}
    listed = fresh.rest("GET", "/analyticsEvents").json()["array"]
    assert [item["name"] for item in listed] == ["Vigie", "ACME Intrusion"]
    again = fresh.rest("POST", "/analyticsEvents", json={"name": "ACME Intrusion"})
    assert (again.status_code, again.json()["error"]["details"][0]["property"]) == (400, "name")


@pytest.mark.parametrize(
    ("body", "named"),
    [({}, "name"), ({"name": " "}, "name"), ({"name": 3}, "name"), ({"name": "x", "colour": "red"}, "colour")],
)
def test_an_analytics_event_that_is_described_wrongly_is_refused(
    simulator: Running, body: dict[str, Any], named: str
) -> None:
    answer = simulator.rest("POST", "/analyticsEvents", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["property"] == named


@pytest.mark.parametrize("body", [b"", b"[]", b"{name: x}", b'"text"'])
def test_a_body_that_is_no_json_object_is_refused(simulator: Running, body: bytes) -> None:
    assert simulator.rest("POST", "/analyticsEvents", data=body).status_code == 400


def test_json_is_read_whatever_its_content_type(fresh: Running) -> None:
    assert fresh.rest("POST", "/analyticsEvents", data='{"name": "Untyped"}').status_code == 201


def test_ids_stay_the_same_from_run_to_run(simulator: Running, fresh: Running) -> None:
    assert simulator.camera == fresh.camera
    assert _analytics_event(simulator) == _analytics_event(fresh)
