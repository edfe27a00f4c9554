from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from tests.connectors.milestone.simulator.config.vps_hardware import (
    add_vps_hardware,
    driver_path,
    ended,
    order_hardware,
    recorder_id,
)
from tests.connectors.milestone.simulator.running import INSTANCE, Running, run

pytestmark = pytest.mark.slow

ONVIF_NUMBER = 627


@pytest.fixture(scope="module")
def site(video: Path) -> Iterator[Running]:
    with run(video, "--task-seconds", "0.1") as running:
        yield running


def _task_path(site: Running) -> str:
    return f"/recordingServers/{recorder_id(site)}?task=AddHardware"


def test_the_tasks_of_an_object_are_listed(site: Running) -> None:
    camera = site.rest("GET", f"/cameras/{site.camera}?tasks&noData").json()
    assert camera == {"tasks": [{"id": "JpegGetLive", "displayName": "Get live image"}]}
    assert {"data", "tasks"} == site.rest("GET", f"/cameras/{site.camera}?tasks").json().keys()


def test_the_drivers_include_that_of_video_processing_services(site: Running) -> None:
    assert site.rest("GET", f"/hardwareDrivers/{driver_path(site)['id']}").json()["data"]["number"] == 20002
    assert driver_path(site, ONVIF_NUMBER) != driver_path(site)


def test_a_task_without_a_body_is_answered_with_what_it_takes(site: Running) -> None:
    answer = site.rest("POST", _task_path(site))
    assert answer.status_code == 400
    assert set(answer.json()["params"]) == {
        "hardwareAddress",
        "hardwareDriverPath",
        "userName",
        "password",
        "customData",
    }
    assert "definitions" not in answer.json()
    types = site.rest("POST", f"{_task_path(site)}&definitions").json()["definitions"]
    assert types["hardwareAddress"]["valueType"] == "string"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"hardwareAddress": ""}, "hardwareAddress"),
        ({"hardwareAddress": "192.0.2.1"}, "hardwareAddress"),
        ({"hardwareAddress": "ftp://192.0.2.1/"}, "hardwareAddress"),
        ({"hardwareDriverPath": None}, "hardwareDriverPath"),
        ({"hardwareDriverPath": {"type": "hardwareDrivers", "id": INSTANCE}}, "hardwareDriverPath"),
        ({"hardwareDriverPath": {"type": "cameras", "id": INSTANCE}}, "hardwareDriverPath"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_hardware_that_is_described_wrongly_is_refused_at_once(
    site: Running, changes: dict[str, Any], named: str
) -> None:
    body = {"hardwareAddress": "http://192.0.2.1/", "hardwareDriverPath": driver_path(site), **changes}
    answer = site.rest("POST", _task_path(site), json=body)
    assert (answer.status_code, answer.json()["error"]["details"][0]["property"]) == (400, named)


def test_a_task_goes_from_idle_over_progress_to_success(video: Path) -> None:
    with run(video, "--task-seconds", "1.0") as slow:
        begun = order_hardware(slow, "http://192.0.2.7/")
        assert begun["state"] == "Idle"
        assert (begun["hardwareAddress"], begun["password"]) == ("http://192.0.2.7/", "")
        states: list[tuple[str, int]] = []
        task = f"/tasks/{begun['path']['id']}"
        while not states or states[-1][0] not in {"Success", "Error"}:
            shown = slow.rest("GET", task).json()["data"]
            states.append((shown["state"], shown["progress"]))
        assert next(state for state, _ in states if state != "Idle") == "InProgress"
        assert states[-1] == ("Success", 100)
        assert [progress for _, progress in states] == sorted(progress for _, progress in states)


def test_added_hardware_and_its_devices_are_disabled_until_they_are_enabled(video: Path) -> None:
    with run(video, "--task-seconds", "0.1") as site:
        hardware = add_vps_hardware(site)
        assert site.rest("GET", f"/hardware/{hardware}").json()["data"]["enabled"] is False
        assert len(site.rest("GET", "/hardware").json()["array"]) == 1
        assert site.rest("GET", "/metadata").json()["array"] == []
        [camera] = site.rest("GET", f"/hardware/{hardware}/cameras?disabled").json()["array"]
        [metadata] = site.rest("GET", f"/hardware/{hardware}/metadata?disabled").json()["array"]
        for path in (f"/cameras/{camera['id']}", f"/metadata/{metadata['id']}"):
            assert site.rest("PATCH", path, json={"enabled": True}).status_code == 200
        assert len(site.rest("GET", "/cameras").json()["array"]) == 1
        assert site.rest("PATCH", f"/hardware/{hardware}", json={"enabled": True, "name": "Boxes"}).status_code == 200
        assert [item["name"] for item in site.rest("GET", "/cameras").json()["array"]] == ["gate", camera["name"]]
        assert [item["id"] for item in site.rest("GET", "/metadata").json()["array"]] == [metadata["id"]]
        assert site.rest("GET", f"/hardware/{hardware}").json()["data"]["displayName"] == "Boxes"


def test_hardware_that_is_taken_away_takes_its_devices_along(site: Running) -> None:
    hardware = add_vps_hardware(site, "http://192.0.2.99/")
    assert site.rest("DELETE", f"/recordingServers/{recorder_id(site)}/hardware/{hardware}").status_code == 200
    assert site.rest("GET", f"/hardware/{hardware}").status_code == 404
    devices = site.rest("GET", "/metadata?disabled").json()["array"]
    assert all(item["relations"]["parent"]["id"] != hardware for item in devices)


@pytest.mark.parametrize(
    ("address", "number", "told"),
    [
        ("https://192.0.2.1/", 20002, "https"),
        ("http://10.20.0.1/", 20002, "used already"),
        ("http://192.0.2.3/", ONVIF_NUMBER, "No hardware answers"),
    ],
)
def test_hardware_that_cannot_be_added_ends_in_an_error(site: Running, address: str, number: int, told: str) -> None:
    task = ended(site, order_hardware(site, address, number)["path"]["id"])
    assert task["state"] == "Error"
    assert task["errorText"].startswith(f"VMO{task['errorCode']}: ")
    assert told in task["errorText"]


def test_tasks_stay_until_they_are_cleaned_up(site: Running) -> None:
    task_id = order_hardware(site, "http://192.0.2.50/")["path"]["id"]
    ended(site, task_id)
    below = f"/recordingServers/{recorder_id(site)}/tasks/{task_id}"
    assert site.rest("GET", below).json() == site.rest("GET", f"/tasks/{task_id}").json()
    assert site.rest("POST", f"/tasks/{task_id}?task=TaskCleanup", json={}).json() == {"result": {"state": "Success"}}
    assert site.rest("GET", f"/tasks/{task_id}").status_code == 404


def test_a_task_that_is_stopped_has_no_effect(video: Path) -> None:
    with run(video, "--task-seconds", "0.5") as site:
        task_id = order_hardware(site, "http://192.0.2.60/")["path"]["id"]
        assert site.rest("POST", f"/tasks/{task_id}?task=TaskStop", json={}).status_code == 200
        assert ended(site, task_id)["state"] == "Error"
        other = add_vps_hardware(site, "http://192.0.2.61/")
        listed = site.rest("GET", "/hardware?disabled").json()["array"]
        assert [item["id"] for item in listed if item["address"].startswith("http://192.0.2.6")] == [other]


@pytest.mark.parametrize(
    ("asked", "size"), [({"sessionDataId": 0}, (160, 90)), ({"width": 80, "height": 46}, (80, 46))]
)
def test_a_live_image_is_a_jpeg_of_the_size_asked_for(
    site: Running, asked: dict[str, int], size: tuple[int, int]
) -> None:
    result = site.rest("POST", f"/cameras/{site.camera}?task=JpegGetLive", json=asked).json()["result"]
    assert result["state"] == "Success"
    assert result["frameDateTime"].endswith("Z")
    picture = base64.b64decode(result["jpegDataAsBase64"])
    assert picture.startswith(b"\xff\xd8")
    decoder = av.CodecContext.create("mjpeg", "r")
    [frame] = decoder.decode(av.Packet(picture)) or decoder.decode(None)
    assert (frame.width, frame.height) == size


@pytest.mark.parametrize("body", [{"width": -1}, {"width": "80"}, {"quality": 3}])
def test_a_live_image_that_cannot_be_made_is_refused(site: Running, body: dict[str, Any]) -> None:
    assert site.rest("POST", f"/cameras/{site.camera}?task=JpegGetLive", json=body).status_code == 400


@pytest.mark.parametrize("task", ["", "?task=", "?task=MoveHardware"])
def test_an_unknown_task_is_refused(site: Running, task: str) -> None:
    assert site.rest("POST", f"/cameras/{site.camera}{task}", json={}).status_code == 400


def test_there_is_no_live_image_of_a_camera_that_delivers_nothing(video: Path) -> None:
    with run(video) as site:
        path = f"/cameras/{site.camera}?task=JpegGetLive"

        def status() -> int:
            return site.rest("POST", path, json={"width": 0, "height": 0}).status_code

        [hardware] = site.rest("GET", "/hardware").json()["array"]
        assert status() == 200
        site.act("lose-camera", camera=site.camera)
        assert status() == 400
        site.act("return-camera", camera=site.camera)
        site.rest("PATCH", f"/hardware/{hardware['id']}", json={"enabled": False}).raise_for_status()
        assert status() == 400
