from __future__ import annotations

from typing import Any

import pytest
import responses
import structlog

from connectors.genetec.control.memory import ControlMemory
from connectors.genetec.control.watched_events import event_number, watched_events
from tests.connectors.genetec.samples import URL, connector, ok, settings

CONTROL = [{"event": "Nuit", "state": "armed"}]


def watched(value: Any, memory: ControlMemory) -> dict[int, tuple[str, str]]:
    vms = connector(control=CONTROL)
    with responses.RequestsMock() as role:
        role.get(f"{URL}/entity", json=ok({"Guid": "x", "CustomEvents": value}))
        found = watched_events(settings(control=CONTROL), vms._sdk, memory)
    return {number: (event.name, event.entity_type) for number, event in found.items()}


@pytest.mark.parametrize(
    ("value", "entity_type"),
    [
        ([{"Id": 6001, "Name": "Nuit", "EntityType": "Area"}, {"Id": 5000, "Name": "Vigie"}], "Area"),
        ([{"Value": "6001", "Name": "Nuit"}], "Camera"),
        ({"Items": [{"Id": {"Value": 6001}, "Name": "Nuit", "SourceEntityType": "All"}]}, "Camera"),
        ({"Id": "CustomEventId(6001)", "Name": "Nuit", "EntityType": "Camera),event(Door"}, "Camera"),
    ],
)
def test_the_number_of_a_name_is_found_in_whatever_shape(value: Any, entity_type: str) -> None:
    assert watched(value, ControlMemory()) == {6001: ("Nuit", entity_type)}


@pytest.mark.parametrize("value", [None, "", [], {}, [{"Name": "Nuit"}], [{"Id": 7, "Name": "Jour"}], [[[[[[]]]]]]])
def test_a_name_that_is_not_there_is_complained_of_once(value: Any) -> None:
    memory = ControlMemory()
    with structlog.testing.capture_logs() as logs:
        assert watched(value, memory) == {}
        assert watched(value, memory) == {}
    assert [log["event"] for log in logs] == ["control_event_unknown"]
    assert "Config Tool" in logs[0]["remedy"]


@pytest.mark.parametrize(
    ("value", "number"),
    [(5000, 5000), ("5000", 5000), ("CustomEventId(5000)", 5000), ({"Id": 5000}, 5000), (True, None), ("x", None)],
)
def test_a_number_is_read_in_each_form(value: Any, number: int | None) -> None:
    assert event_number(value) == number
