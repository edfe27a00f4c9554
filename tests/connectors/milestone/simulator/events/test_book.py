from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.connectors.milestone.simulator.running import INSTANCE, Running, event_xml, run

ANALYTICS_GROUP = "a96692c8-51b1-4f87-b12c-0d3d9cbfc5a4"
LOW = "34f1f987-6854-44fb-88a5-daa0add1e38a"


def _user_defined(simulator: Running) -> str:
    return str(simulator.rest("GET", "/userDefinedEvents").json()["array"][0]["id"])


def _define_alarm(simulator: Running, **changes: Any) -> None:
    event_type = simulator.rest("GET", "/analyticsEvents").json()["array"][0]["id"]
    body = {
        "name": "Analytics alarm",
        "eventTypeGroup": ANALYTICS_GROUP,
        "eventType": event_type,
        "sourceList": [{"type": "cameras", "id": simulator.camera}],
        "enableRule": "0",
        "priority": LOW,
        **changes,
    }
    assert simulator.rest("POST", "/alarmDefinitions", json=body).status_code == 201


def test_an_event_is_accepted_but_not_stored_without_retention(simulator: Running) -> None:
    body = {"type": _user_defined(simulator), "source": f"cameras/{simulator.camera}"}
    answer = simulator.rest("POST", "/events", json=body)
    event = answer.json()["data"]
    assert answer.status_code == 202
    assert (event["specversion"], event["source"]) == ("1.0", body["source"])
    assert simulator.rest("GET", f"/events/{event['id']}").status_code == 404
    assert simulator.ledger("event")[-1]["event_type"] == "Start recording"


def test_an_event_can_be_read_back_where_retention_stores_it(video: Path) -> None:
    with run(video, "--event-retention-days", "1", "--user-defined-event", "Record") as keeping:
        event = keeping.rest("POST", "/events", json={"type": _user_defined(keeping)}).json()["data"]
        assert keeping.rest("GET", f"/events/{event['id']}").json() == {"data": event}
        assert keeping.rest("GET", "/events?page=0&size=10").json() == {"array": [event]}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "type"),
        ({"type": INSTANCE}, "type"),
        ({"source": "gate"}, "source"),
        ({"source": f"cameras/{INSTANCE}"}, "source"),
        ({"data": "text"}, "data"),
        ({"datatype": 7}, "datatype"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_event_that_is_described_wrongly_is_refused(simulator: Running, body: dict[str, Any], named: str) -> None:
    given = body if named == "type" else {"type": _user_defined(simulator), **body}
    answer = simulator.rest("POST", "/events", json=given)
    assert (answer.status_code, answer.json()["error"]["details"][0]["property"]) == (400, named)


def test_without_a_definition_an_analytics_event_raises_no_alarm(fresh: Running) -> None:
    fresh.post_event(event_xml(fresh.camera))
    assert fresh.ledger("alarm") == []


def test_a_matching_definition_turns_the_event_into_an_alarm_that_carries_its_texts(fresh: Running) -> None:
    _define_alarm(fresh)
    fresh.post_event(event_xml(fresh.camera, tag="key-1"))
    [record] = fresh.ledger("alarm")
    assert (record["name"], record["custom_tag"], record["camera"]) == ("Analytics alarm", "key-1", fresh.camera)
    [alarm] = fresh.rest("GET", "/alarms?include=data").json()["array"]
    assert (alarm["message"], alarm["priority"]["name"], alarm["data"]["custom_tag"]) == ("Vigie", "Low", "key-1")


def test_a_disabled_definition_raises_no_alarm(fresh: Running) -> None:
    _define_alarm(fresh, enabled=False)
    fresh.post_event(event_xml(fresh.camera))
    assert fresh.ledger("alarm") == []
    assert fresh.rest("GET", "/alarmDefinitions").json()["array"] == []
    assert len(fresh.rest("GET", "/alarmDefinitions?disabled").json()["array"]) == 1
