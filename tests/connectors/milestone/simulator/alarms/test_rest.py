from __future__ import annotations

from typing import Any

import pytest

from tests.connectors.milestone.simulator.running import INSTANCE, Running

pytestmark = pytest.mark.slow


def _post(simulator: Running, name: str = "Intrusion", **changes: Any) -> dict[str, Any]:
    body = {"name": name, "message": "Person in zone 7, key-1", "source": simulator.camera, **changes}
    answer = simulator.rest("POST", "/alarms", json=body)
    assert answer.status_code == 202
    alarm: dict[str, Any] = answer.json()["data"]
    return alarm


def _dictionary(simulator: Running, name: str) -> dict[str, str]:
    return {item["name"]: item["id"] for item in simulator.rest("GET", f"/{name}").json()["array"]}


def test_an_alarm_is_accepted_shown_and_in_the_ledger(fresh: Running) -> None:
    alarm = _post(fresh)
    assert (alarm["name"], alarm["state"]["name"], alarm["priority"]["name"]) == ("Intrusion", "New", "High")
    assert alarm["time"].endswith("Z")
    assert "data" not in alarm
    assert fresh.rest("GET", f"/alarms/{alarm['id']}?include=data").json()["data"] == {**alarm, "data": {}}
    [record] = fresh.ledger("alarm")
    assert (record["id"], record["message"], record["camera"]) == (alarm["id"], alarm["message"], fresh.camera)


def test_two_identical_alarms_are_two(fresh: Running) -> None:
    _post(fresh)
    _post(fresh)
    assert len(fresh.ledger("alarm")) == 2


def test_alarms_are_listed_newest_first_in_pages(fresh: Running) -> None:
    for name in ("one", "two", "three"):
        _post(fresh, name)
    listed = [alarm["name"] for alarm in fresh.rest("GET", "/alarms?page=0&size=2").json()["array"]]
    rest = [alarm["name"] for alarm in fresh.rest("GET", "/alarms?page=1&size=2").json()["array"]]
    assert (listed, rest) == (["three", "two"], ["one"])
    assert fresh.rest("GET", "/alarms?size=2001").status_code == 400


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": ""}, "name"),
        ({"message": None}, "message"),
        ({"source": INSTANCE}, "source"),
        ({"source": "gate"}, "source"),
        ({"objects": []}, "objects"),
        ({"data": {}}, "data"),
    ],
)
def test_an_alarm_that_is_described_wrongly_is_refused(simulator: Running, changes: dict[str, Any], named: str) -> None:
    body = {"name": "n", "message": "m", "source": simulator.camera, **changes}
    answer = simulator.rest("POST", "/alarms", json=body)
    assert (answer.status_code, answer.json()["error"]["details"][0]["property"]) == (400, named)


def test_the_source_is_a_bare_camera_id(simulator: Running) -> None:
    body = {"name": "n", "message": "m", "source": f"cameras/{simulator.camera}"}
    assert simulator.rest("POST", "/alarms", json=body).status_code == 400


def test_state_priority_and_owner_are_changed_by_their_ids(fresh: Running) -> None:
    alarm = _post(fresh)
    closed, low = _dictionary(fresh, "alarmStates")["Closed"], _dictionary(fresh, "alarmPriorities")["Low"]
    body = {
        "state": closed,
        "priority": low,
        "comment": None,
        "assignedTo.displayName": "Operator 1",
        "reasonForClosing": None,
    }
    answer = fresh.rest("PATCH", f"/alarms/{alarm['id']}", json=body)
    changed = answer.json()["data"]
    assert answer.status_code == 202
    assert (changed["state"]["name"], changed["priority"]["name"]) == ("Closed", "Low")
    assert changed["assignedTo"] == {"displayName": "Operator 1"}
    assert fresh.rest("GET", f"/alarms/{alarm['id']}").json()["data"] == changed


@pytest.mark.parametrize("body", [{"state": "Closed"}, {"priority": "1"}, {"colour": "red"}])
def test_an_unknown_change_is_refused_and_changes_nothing(fresh: Running, body: dict[str, str]) -> None:
    alarm = _post(fresh)
    assert fresh.rest("PATCH", f"/alarms/{alarm['id']}", json=body).status_code == 400
    assert fresh.rest("GET", f"/alarms/{alarm['id']}").json()["data"] == alarm


def test_an_unknown_alarm_is_not_found(simulator: Running) -> None:
    assert simulator.rest("GET", f"/alarms/{INSTANCE}").status_code == 404
    assert simulator.rest("PATCH", f"/alarms/{INSTANCE}", json={}).status_code == 404


def test_closing_with_a_reason_and_a_comment_is_in_the_history(fresh: Running) -> None:
    alarm = _post(fresh)
    reason = _dictionary(fresh, "closeReasons")["False alarm"]
    body = {"state": _dictionary(fresh, "alarmStates")["Closed"], "reasonForClosing": reason, "comment": "a cat"}
    changed = fresh.rest("PATCH", f"/alarms/{alarm['id']}", json=body).json()["data"]
    assert changed["reasonForClosing"] == {"id": reason, "name": "False alarm"}
    [entry] = fresh.rest("GET", f"/alarms/{alarm['id']}/history").json()["array"]
    assert (entry["author"], entry["comment"], entry["state"]["name"]) == ("vigie", "a cat", "Closed")


def test_snapshots_are_attached_and_listed(fresh: Running) -> None:
    alarm = _post(fresh)
    path = f"/alarms/{alarm['id']}/snapshots"
    assert fresh.rest("GET", path).json() == {"array": []}
    assert fresh.rest("POST", path, json={"image": "AAEC", "width": 8}).status_code == 202
    [snapshot] = fresh.rest("GET", path).json()["array"]
    assert snapshot == {"timeOffset": "0", "width": "8", "height": "0", "image": "AAEC"}


@pytest.mark.parametrize(
    "body", [{}, {"image": "no base64!"}, {"image": "AAEC", "width": "8"}, {"image": "AAEC", "colour": 1}]
)
def test_a_snapshot_that_is_none_is_refused(simulator: Running, body: dict[str, Any]) -> None:
    alarm = _post(simulator)
    assert simulator.rest("POST", f"/alarms/{alarm['id']}/snapshots", json=body).status_code == 400


def test_statistics_count_alarms_by_state(fresh: Running) -> None:
    _post(fresh)
    counted = fresh.rest("GET", "/alarmStatistics").json()["array"]
    assert {entry["state"]["name"]: entry["count"] for entry in counted} == {
        "New": 1,
        "In progress": 0,
        "On hold": 0,
        "Closed": 0,
    }


@pytest.mark.parametrize(
    "name",
    ["alarmCategories", "alarmSettings", "alarmMessages", "alarmSounds", "alarmSuppressions", "alarmDisables"],
)
def test_every_dictionary_is_a_list(simulator: Running, name: str) -> None:
    assert isinstance(simulator.rest("GET", f"/{name}").json()["array"], list)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"status": None}, "status"),
        ({"comment": {"text": "x"}}, "comment"),
        ({"assignedTo.displayName": 5}, "assignedTo.displayName"),
    ],
)
def test_a_change_that_is_not_of_its_kind_is_refused_and_leaves_no_trace(
    simulator: Running, change: dict[str, Any], named: str
) -> None:
    path = f"/alarms/{_post(simulator)['id']}"
    answer = simulator.rest("PATCH", path, json=change)
    assert (answer.status_code, answer.json()["error"]["details"][0]["property"]) == (400, named)
    assert simulator.rest("GET", f"{path}/history").json()["array"] == []
