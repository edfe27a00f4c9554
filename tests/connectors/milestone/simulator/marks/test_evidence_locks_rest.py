from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.connectors.milestone.simulator.running import INSTANCE, Running, run


def _lock(simulator: Running, **changes: Any) -> dict[str, Any]:
    body = {
        "header": "ACME intrusion",
        "description": "track 41",
        "startTime": "2025-11-20T10:01:50Z",
        "tagTime": "2025-11-20T10:02:03Z",
        "endTime": "2025-11-20T11:02:30+01:00",
        "devicePaths": [{"type": "cameras", "id": simulator.camera.upper()}],
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def test_a_lock_can_be_made_read_changed_and_taken_off(fresh: Running) -> None:
    retention = {"retentionOptionType": "Days", "retentionUnits": 30}
    created = fresh.rest("POST", "/evidenceLocks", json=_lock(fresh, retentionOption=retention))
    assert created.status_code == 201
    assert created.json()["result"]["path"]["type"] == "evidenceLocks"
    path = f"/evidenceLocks/{created.json()['result']['id']}"
    shown = fresh.rest("GET", path).json()["data"]
    assert (shown["header"], shown["endTime"]) == ("ACME intrusion", "2025-11-20T10:02:30.0000000Z")
    assert (shown["retentionOption"], shown["retentionExpire"]) == (retention, None)
    assert shown["devicePaths"] == [{"type": "cameras", "id": fresh.camera}]
    changed = fresh.rest("PATCH", path, json={"description": "track 42"}).json()["data"]
    assert changed == {**shown, "description": "track 42"}
    assert fresh.rest("PATCH", path, json={"startTime": "2025-11-21T00:00:00Z"}).status_code == 400
    assert fresh.rest("DELETE", path).status_code == 200
    assert fresh.rest("GET", path).status_code == 404
    [record] = fresh.ledger("evidence_lock")
    assert (record["cameras"], record["description"], record["interface"]) == ([fresh.camera], "track 41", "rest")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"startTime": None}, "startTime"),
        ({"startTime": "2025-11-20T10:01:50"}, "startTime"),
        ({"tagTime": "2025-11-20T09:00:00Z"}, "tagTime"),
        ({"header": 7}, "header"),
        ({"deviceId": INSTANCE}, "deviceId"),
        ({"devicePaths": None}, "devicePaths"),
        ({"devicePaths": []}, "devicePaths"),
        ({"devicePaths": [INSTANCE]}, "devicePaths"),
        ({"devicePaths": [{"type": "cameras", "id": INSTANCE}]}, "devicePaths"),
        ({"retentionOption": {"days": 3}}, "retentionOption"),
        ({"retentionOption": {"retentionUnits": -1}}, "retentionOption"),
        ({"retentionExpire": "soon"}, "retentionExpire"),
    ],
)
def test_a_lock_that_is_described_wrongly_is_refused_without_wrapper(
    simulator: Running, changes: dict[str, Any], named: str
) -> None:
    answer = simulator.rest("POST", "/evidenceLocks", json=_lock(simulator, **changes))
    assert answer.status_code == 400
    assert answer.json()["httpCode"] == "400"
    assert answer.json()["details"][0]["property"] == named


def test_there_is_no_list_and_search_tasks_are_refused(simulator: Running) -> None:
    assert simulator.rest("GET", "/evidenceLocks").status_code == 400
    assert simulator.rest("POST", "/evidenceLocks?task=searchTime", json={}).status_code == 400


def test_a_reference_can_be_reserved(simulator: Running) -> None:
    body = {"devicePaths": [{"type": "cameras", "id": simulator.camera}]}
    answer = simulator.rest("POST", "/evidenceLocks?task=newReference", json=body)
    assert answer.json()["result"]["reference"].startswith("no.")


@pytest.mark.parametrize(
    ("options", "status"),
    [(("--edition", "Expert"), 403), (("--release", "2024R1"), 400), (("--edition", "Corporate"), 201)],
)
def test_locks_exist_in_corporate_since_2024_r2(video: Path, options: tuple[str, str], status: int) -> None:
    with run(video, *options) as site:
        assert site.rest("POST", "/evidenceLocks", json=_lock(site)).status_code == status


def test_a_bookmark_can_be_changed_over_rest(fresh: Running) -> None:
    body = {
        "header": "Zone 7",
        "timeBegin": "2025-11-20T10:01:50Z",
        "timeTriggered": "2025-11-20T10:02:03Z",
        "timeEnd": "2025-11-20T10:02:30Z",
        "devicePath": {"type": "cameras", "id": fresh.camera},
    }
    path = f"/bookmarks/{fresh.rest('POST', '/bookmarks', json=body).json()['result']['id']}"
    shown = fresh.rest("GET", path).json()["data"]
    assert fresh.rest("PATCH", path, json={"header": "Zone 8"}).json()["data"] == {**shown, "header": "Zone 8"}
    assert fresh.rest("PATCH", path, json={"timeEnd": "2025-11-20T10:00:00Z"}).status_code == 400
