from __future__ import annotations

from typing import Any

import pytest

from tests.connectors.milestone.simulator.running import INSTANCE, Running


def _body(simulator: Running, **changes: Any) -> dict[str, Any]:
    body = {
        "header": "Intrusion",
        "description": "track 41 key-1",
        "timeBegin": "2025-11-20T10:01:50Z",
        "timeTriggered": "2025-11-20T11:02:03.456+01:00",
        "timeEnd": "2025-11-20T10:02:30Z",
        "reference": "no.7",
        "devicePath": {"type": "cameras", "id": simulator.camera.upper()},
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def test_a_bookmark_is_created_shown_and_deleted(fresh: Running) -> None:
    answer = fresh.rest("POST", "/bookmarks", json=_body(fresh))
    assert answer.status_code == 201
    bookmark_id = answer.json()["result"]["id"]
    shown = fresh.rest("GET", f"/bookmarks/{bookmark_id}").json()["data"]
    assert shown["timeTriggered"] == "2025-11-20T10:02:03.4560000Z"
    assert shown["devicePath"] == {"type": "cameras", "id": fresh.camera}
    assert (shown["user"], shown["deviceName"], shown["reference"]) == ("vigie", "gate", "no.7")
    [record] = fresh.ledger("bookmark")
    assert (record["id"], record["description"], record["interface"]) == (bookmark_id, "track 41 key-1", "rest")
    assert fresh.rest("DELETE", f"/bookmarks/{bookmark_id}").status_code == 200
    assert fresh.rest("GET", f"/bookmarks/{bookmark_id}").status_code == 404


def test_a_bookmark_without_reference_gets_the_next_one(fresh: Running) -> None:
    reserved = fresh.rest(
        "POST", "/bookmarks?task=newReference", json={"devicePath": {"type": "cameras", "id": fresh.camera}}
    )
    assert reserved.json()["result"]["reference"] == "no.000001"
    fresh.rest("POST", "/bookmarks", json=_body(fresh, reference=None))
    assert [record["reference"] for record in fresh.ledger("bookmark")] == ["no.000002"]


def test_there_is_no_list_of_bookmarks(simulator: Running) -> None:
    answer = simulator.rest("GET", "/bookmarks")
    assert (answer.status_code, answer.json()["httpCode"]) == (400, "400")


@pytest.mark.parametrize("task", ["searchTime", "searchFromBookmark", "shred"])
def test_tasks_whose_bodies_are_not_published_are_refused(simulator: Running, task: str) -> None:
    assert simulator.rest("POST", f"/bookmarks?task={task}", json={}).status_code == 400


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"devicePath": None}, "devicePath"),
        ({"devicePath": None, "deviceId": INSTANCE}, "deviceId"),
        ({"devicePath": INSTANCE}, "devicePath"),
        ({"devicePath": {"type": "hardware", "id": INSTANCE}}, "devicePath"),
        ({"devicePath": {"type": "cameras", "id": INSTANCE}}, "devicePath"),
        ({"timeBegin": None}, "timeBegin"),
        ({"timeBegin": "soon"}, "timeBegin"),
        ({"timeBegin": "2025-11-20T10:01:50"}, "timeBegin"),
        ({"timeBegin": 1763632910}, "timeBegin"),
        ({"timeEnd": "2025-11-20T10:02:00Z"}, "timeTriggered"),
        ({"timeTrigged": "2025-11-20T10:02:00Z"}, "timeTrigged"),
        ({"header": 7}, "header"),
    ],
)
def test_a_bookmark_that_is_described_wrongly_is_refused(
    simulator: Running, changes: dict[str, Any], named: str
) -> None:
    answer = simulator.rest("POST", "/bookmarks", json=_body(simulator, **changes))
    assert answer.status_code == 400
    assert answer.json()["httpCode"] == "400"
    assert answer.json()["details"][0]["property"] == named
