from __future__ import annotations

from typing import Any

import pytest

from tests.connectors.milestone.simulator.running import INSTANCE, Running


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
