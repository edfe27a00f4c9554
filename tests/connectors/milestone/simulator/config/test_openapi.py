"""Every REST answer that the official description of 2022 R3 covers keeps to it.

With ``--wrapper o22`` all of it is checked; with ``o25`` what both shapes share: lists and single objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Self

import pytest
import requests

from tests.connectors.milestone.simulator.config.openapi import answer_problems, document
from tests.connectors.milestone.simulator.config.vps_hardware import add_vps_hardware, driver_path, recorder_id
from tests.connectors.milestone.simulator.running import TIMEOUT_S, Running, run

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]

ANALYTICS_GROUP = "a96692c8-51b1-4f87-b12c-0d3d9cbfc5a4"
HIGH = "8188ff24-b5da-4c19-9ebf-c1d8fc2caa75"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
OPTIONS = ("--task-seconds", "0.1", "--user-defined-event", "Record", "--disabled-camera", "Spare")

LISTED = [
    "alarmDefinitions",
    "analyticsEvents",
    "cameraGroups",
    "cameras",
    "eventTypeGroups",
    "hardware",
    "licenseInformations",
    "metadata",
    "metadataGroups",
    "recordingServers",
    "roles",
    "rules",
    "sites",
    "timeProfiles",
    "toolOptions",
    "userDefinedEvents",
]
"""Collections of which the site of these tests has at least one object."""

EMPTY = ["microphones", "speakers", "inputEvents", "outputs", "genericEvents"]

BELOW = [
    "/recordingServers/{id}/hardware",
    "/recordingServers/{id}/hardwareDrivers",
    "/recordingServers/{id}/storages",
    "/hardware/{id}/cameras",
    "/hardware/{id}/metadata",
    "/hardware/{id}/microphones",
    "/hardware/{id}/hardwareDriverSettings",
    "/cameras/{id}/streams",
    "/cameras/{id}/settings",
    "/cameras/{id}/clientSettings",
    "/cameras/{id}/ptzPresets",
    "/metadata/{id}/clientSettings",
    "/cameraGroups/{id}/cameras",
    "/metadataGroups/{id}/metadata",
    "/eventTypeGroups/{id}/eventTypes",
    "/eventTypeGroups/{id}/analyticsEvents",
    "/eventTypeGroups/{id}/userDefinedEvents",
    "/licenseInformations/{id}/licenseDetail",
    "/licenseInformations/{id}/licenseInstalledProducts",
    "/licenseInformations/{id}/licenseOverviewAll",
]

CREATIONS: list[tuple[str, dict[str, Any]]] = [
    ("analyticsEvents", {"name": "ACME loitering", "description": "made here"}),
    ("userDefinedEvents", {"name": "ACME record"}),
    ("cameraGroups", {"name": "Gates", "description": ""}),
    ("metadataGroups", {"name": "Boxes"}),
]


@pytest.fixture(scope="module", params=["o22", "o25"])
def site(request: pytest.FixtureRequest, video: Path) -> Iterator[Running]:
    with run(video, "--wrapper", request.param, *OPTIONS) as running:
        _furnish(running)
        yield running


@pytest.fixture(scope="module")
def old(video: Path) -> Iterator[Running]:
    with run(video, "--wrapper", "o22", *OPTIONS) as running:
        _furnish(running)
        yield running


def _furnish(site: Running) -> None:
    """VPS hardware, an alarm definition and a group, so that no collection is empty."""
    hardware = add_vps_hardware(site)
    assert site.rest("PATCH", f"/hardware/{hardware}", json={"enabled": True}).status_code == 200
    [metadata] = site.rest("GET", f"/hardware/{hardware}/metadata?disabled").json()["array"]
    assert site.rest("PATCH", f"/metadata/{metadata['id']}", json={"enabled": True}).status_code == 200
    assert site.rest("POST", "/alarmDefinitions", json=_definition(site)).status_code == 201
    assert site.rest("POST", "/metadataGroups", json={"name": "All boxes"}).status_code == 201


def _definition(site: Running) -> dict[str, Any]:
    return {
        "name": "Intrusion",
        "eventTypeGroup": ANALYTICS_GROUP,
        "eventType": site.rest("GET", "/analyticsEvents").json()["array"][0]["id"],
        "sourceList": [{"type": "cameras", "id": site.camera}],
        "enableRule": "0",
        "priority": HIGH,
    }


def _ids(site: Running, collection: str) -> list[str]:
    listed = site.rest("GET", f"/{collection}?disabled").json()["array"]
    return [item["relations"]["self"]["id"] for item in listed]


@pytest.mark.parametrize("collection", LISTED)
def test_lists_and_single_objects_are_as_described(site: Running, collection: str) -> None:
    listed = site.rest("GET", f"/{collection}").json()
    assert listed["array"]
    assert answer_problems("GET", f"/{collection}", 200, listed) == []
    ids = _ids(site, collection)
    for object_id in ids:
        single = site.rest("GET", f"/{collection}/{object_id.upper()}")
        if "get" in document()["paths"].get(f"/{collection}/{{id}}", {}):
            assert answer_problems("GET", f"/{collection}/{{id}}", single.status_code, single.json()) == []


@pytest.mark.parametrize("collection", EMPTY)
def test_empty_collections_are_lists_too(site: Running, collection: str) -> None:
    assert site.rest("GET", f"/{collection}").json() == {"array": []}


@pytest.mark.parametrize("template", BELOW)
def test_what_hangs_below_an_object_is_as_described(old: Running, template: str) -> None:
    for object_id in _ids(old, template.split("/")[1]):
        answer = old.rest("GET", f"{template.replace('{id}', object_id)}?disabled")
        assert answer_problems("GET", template, answer.status_code, answer.json()) == []


def test_whatever_else_is_served_is_as_described_too(old: Running) -> None:
    """All of the description's paths are tried; what is not simulated is refused, never wrong."""
    served = set()
    with _Reader(old) as reader:
        for template in [path for path, methods in document()["paths"].items() if "get" in methods]:
            for path in reader.paths(template):
                answer = reader.get(path)
                if answer.status_code == 200:
                    assert answer_problems("GET", template, 200, answer.json()) == [], path
                    served.add(template)
                else:
                    assert answer.status_code in {400, 404, 405}, path
    assert len(served) > 60


class _Reader:
    """Reads much over one connection with one token."""

    def __init__(self, site: Running) -> None:
        self._site = site
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = site.ca
        self._session.headers["Authorization"] = f"Bearer {site.bearer()}"
        self.get = cache(self._get)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def _get(self, path: str) -> requests.Response:
        return self._session.get(f"{self._site.announced.url}/api/rest/v1{path}", timeout=TIMEOUT_S)

    def paths(self, template: str) -> list[str]:
        """Those that a template stands for: of the first two objects of the collections that it names."""
        root, *below = template.strip("/").split("/")
        if not below:
            return [f"/{root}"]
        parents = self._objects(f"/{root}") or [f"/{root}/{self._site.camera}"]
        if len(below) < 3:
            return ["/".join([parent, *below[1:]]) for parent in parents]
        return [path for parent in parents for path in self._objects(f"{parent}/{below[1]}")]

    def _objects(self, path: str) -> list[str]:
        answer = self.get(f"{path}?disabled")
        listed = answer.json()["array"][:2] if answer.status_code == 200 else []
        return [f"{path}/{item['relations']['self']['id']}" for item in listed if "relations" in item]


@pytest.mark.parametrize("collection", ["streams", "storages"])
def test_objects_without_a_list_of_their_own_are_as_described(old: Running, collection: str) -> None:
    assert old.rest("GET", f"/{collection}").status_code == 400
    object_id = old.rest("GET", f"/cameras/{old.camera}").json()["data"]["recordingStorage"]["id"]
    answer = old.rest("GET", f"/{collection}/{old.camera if collection == 'streams' else object_id}")
    assert answer_problems("GET", f"/{collection}/{{id}}", answer.status_code, answer.json()) == []


@pytest.mark.parametrize(("collection", "body"), CREATIONS)
def test_creations_changes_and_deletions_are_as_described_in_2022(
    old: Running, collection: str, body: dict[str, Any]
) -> None:
    created = old.rest("POST", f"/{collection}", json=body)
    assert answer_problems("POST", f"/{collection}", created.status_code, created.json()) == []
    path, template = f"/{collection}/{created.json()['data']['id']}", f"/{collection}/{{id}}"
    for method, options in (("PATCH", {"json": {"name": "Renamed"}}), ("DELETE", {})):
        answer = old.rest(method, path, **options)
        assert (answer.status_code, answer.json()["data"]["name"]) == (200, "Renamed")
        assert answer_problems(method, template, answer.status_code, answer.json()) == []
    assert old.rest("GET", path).status_code == 404


def test_a_new_alarm_definition_is_answered_whole_in_2022(old: Running) -> None:
    answer = old.rest("POST", "/alarmDefinitions", json={**_definition(old), "name": "Another"})
    assert answer_problems("POST", "/alarmDefinitions", answer.status_code, answer.json()) == []


def test_a_whole_object_can_be_put_back_as_it_was_read(site: Running) -> None:
    for path in (f"/cameras/{site.camera}", f"/analyticsEvents/{_ids(site, 'analyticsEvents')[0]}"):
        read = site.rest("GET", path).json()["data"]
        answer = site.rest("PUT", path, json=read)
        assert answer.status_code == 200
        template = f"/{path.split('/')[1]}/{{id}}"
        assert answer_problems("PUT", template, answer.status_code, answer.json()) == []


@pytest.mark.parametrize(
    ("method", "path", "template", "status"),
    [
        ("GET", "/cameras/12", "/cameras/{id}", 400),
        ("GET", f"/cameras/{UNKNOWN}", "/cameras/{id}", 404),
        ("GET", "/cameras?colour='red'", "/cameras", 400),
        ("POST", "/analyticsEvents", "/analyticsEvents", 400),
        ("POST", "/alarmDefinitions", "/alarmDefinitions", 400),
        ("PATCH", f"/hardware/{UNKNOWN}", "/hardware/{id}", 404),
    ],
)
def test_refusals_are_as_described_in_2022(old: Running, method: str, path: str, template: str, status: int) -> None:
    answer = old.rest(method, path, **({} if method == "GET" else {"json": {}}))
    assert answer.status_code == status
    assert answer_problems(method, template, status, answer.json()) == []


def test_a_refusal_without_token_is_as_described_in_2022(old: Running) -> None:
    answer = old.send("GET", "/api/rest/v1/cameras")
    assert answer_problems("GET", "/cameras", answer.status_code, answer.json()) == []


def test_tasks_are_as_described_in_2022(old: Running) -> None:
    path = f"/recordingServers/{recorder_id(old)}"
    named = old.rest("GET", f"{path}?tasks&noData").json()
    assert named == {"tasks": [{"name": "AddHardware", "displayName": "Add hardware"}]}
    assert answer_problems("GET", "/recordingServers/{id}", 200, named) == []
    driver = "/".join(driver_path(old).values())
    body = {"hardwareAddress": "http://192.0.2.9/", "hardwareDriverPath": driver}
    begun = old.rest("POST", f"{path}?task=AddHardware", json=body)
    assert answer_problems("POST", "/recordingServers/{id}", begun.status_code, begun.json()) == []
    task = old.rest("GET", f"/tasks/{begun.json()['result']['path']['id']}")
    assert answer_problems("GET", "/tasks/{id}", task.status_code, task.json()) == []
    every = old.rest("GET", "/tasks")
    assert answer_problems("GET", "/tasks", every.status_code, every.json()) == []


@pytest.mark.parametrize(
    ("release", "shape"), [("2022R1", "data"), ("2022R2", "data"), ("2023R2", "result"), ("2025R2", "result")]
)
def test_the_shape_follows_the_release(video: Path, release: str, shape: str) -> None:
    with run(video, "--release", release) as running:
        assert shape in running.rest("POST", "/analyticsEvents", json={"name": "ACME"}).json()
        refusal = running.rest("GET", "/cameras/12").json()
        assert ("error" in refusal) == (shape == "result")


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ("/cameras", {"array": [{}]}),
        ("/cameras", {"result": []}),
        ("/cameras", {}),
        ("/cameras/{id}", {"data": {"enabled": "True"}}),
    ],
)
def test_the_check_itself_finds_what_is_wrong(template: str, body: dict[str, Any]) -> None:
    assert answer_problems("GET", template, 200, body) != []
    assert answer_problems("GET", template, 418, body) != []
