from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.milestone.simulator.alarms.book import AlarmBook
from connectors.milestone.simulator.site import Camera
from connectors.protocols.simulation import Ledger
from core.clock import ManualClock
from tests.connectors.milestone.simulator.running import Running, run


def _raise(simulator: Running, message: str = "Person, vigie:0123") -> str:
    body = {"name": "Intrusion", "message": message, "source": simulator.camera}
    return str(simulator.rest("POST", "/alarms", json=body).json()["data"]["id"])


def _shown(simulator: Running, alarm_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = simulator.rest("GET", f"/alarms/{alarm_id}").json()["data"]
    return shown


def test_an_operator_closes_the_alarms_that_carry_a_token(fresh: Running) -> None:
    alarm_id, other = _raise(fresh), _raise(fresh, "Person, vigie:9999")
    order = {"token": "vigie:0123", "state": "Rejected", "reason": "Fausse alarme", "category": "Chat", "by": "Ann"}
    assert fresh.act("close-alarm", **order, comment="a cat") == {"alarms": [alarm_id]}
    shown = _shown(fresh, alarm_id)
    assert [shown[name]["name"] for name in ("state", "reasonForClosing", "category")] == [
        "Rejected",
        "Fausse alarme",
        "Chat",
    ]
    [entry] = fresh.rest("GET", f"/alarms/{alarm_id}/history").json()["array"]
    assert (entry["author"], entry["comment"]) == ("Ann", "a cat")
    assert _shown(fresh, other)["state"]["name"] == "New"


def test_an_operator_takes_an_alarm_on(fresh: Running) -> None:
    alarm_id = _raise(fresh)
    fresh.act("acknowledge-alarm", id=alarm_id, by="Ann")
    shown = _shown(fresh, alarm_id)
    assert (shown["state"]["name"], shown["assignedTo"]["displayName"]) == ("In progress", "Ann")


def test_a_user_defined_event_is_triggered_from_a_camera_or_from_none(video: Path) -> None:
    with run(video, "--user-defined-event", "Arm") as simulator:
        assert simulator.act("trigger-event", name="Arm", camera="gate")["source"] == f"cameras/{simulator.camera}"
        assert "source" not in simulator.act("trigger-event", name="Arm")
        assert [record["event_type"] for record in simulator.ledger("event")] == ["Arm", "Arm"]


@pytest.mark.parametrize(
    ("act", "order"),
    [
        ("close-alarm", {"token": "absent"}),
        ("close-alarm", {}),
        ("close-alarm", {"token": 7}),
        ("close-alarm", {"token": "x", "colour": "red"}),
        ("acknowledge-alarm", {"id": "absent"}),
        ("trigger-event", {"name": "absent"}),
        ("trigger-event", {"name": "Start recording", "camera": "absent"}),
    ],
)
def test_an_act_that_makes_no_sense_is_refused(simulator: Running, act: str, order: dict[str, Any]) -> None:
    with pytest.raises(requests.HTTPError, match="400"):
        simulator.act(act, **order)


def test_observers_hear_of_every_change() -> None:
    clock = ManualClock()
    book = AlarmBook(clock=clock, ledger=Ledger(clock))
    heard: list[str] = []
    book.observers.append(lambda what, alarm: heard.append(what))
    camera = Camera(camera_id="c", name="gate", hardware_id="h", address="http://h/", stream_id="s", feed=None)
    alarm = book.raise_alarm(name="n", message="m", camera=camera, source="c", details={})
    book.change(alarm, "Ann", state=book.states.named("Closed"))
    book.remove(alarm)
    assert heard == ["inserted", "updated", "deleted"]
