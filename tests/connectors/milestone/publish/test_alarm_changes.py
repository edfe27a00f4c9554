from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.inventory.inventory import Inventory
from connectors.milestone.publish.alarm_changes import AlarmEditor
from connectors.milestone.publish.publisher import Publisher
from core.clock import ManualClock
from core.errors import NotFoundInVms
from core.types import Priority
from tests.connectors.milestone.gateway import add_list, gateway
from tests.connectors.milestone.publish.alarm_soap import TOKEN, answer, line, parameters, sent, serve
from tests.connectors.milestone.support import CAPTURED_AT, REST, services, settings

ALARM_ID = "55555555-5555-4555-8555-555555555555"
CLOSED_ID = "77777777-7777-4777-8777-777777777777"
STATES = [{"id": "n", "name": "New", "level": 1}, {"id": CLOSED_ID, "name": "Closed", "level": 11}]
OPEN = line(Id=ALARM_ID, State="4", StateName="In progress", Priority="2", AssignedTo="ana")


def editor(**changes: Any) -> AlarmEditor:
    entry = settings(**changes)
    session = XProtectSession(entry, services())
    publisher = Publisher(entry, session, Inventory(session, ManualClock()))
    return AlarmEditor(session, entry, publisher.alarms, ManualClock(CAPTURED_AT))


def patched(mock: responses.RequestsMock) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(bytes(mock.calls[-1].request.body or b""))  # type: ignore[arg-type]
    return body


def test_by_rest_only_what_is_given_is_changed_by_the_ids_that_xprotect_gave() -> None:
    with gateway() as mock:
        add_list(mock, "alarmStates", STATES)
        mock.patch(f"{REST}/alarms/{ALARM_ID}", json={"data": {}}, status=202)
        editor().update(ALARM_ID, state="closed", priority=Priority.LOW, comment="seen", reason="False alarm")
        assert patched(mock) == {
            "state": CLOSED_ID,
            "priority": "34f1f987-6854-44fb-88a5-daa0add1e38a",
            "comment": "seen",
            "reasonForClosing": "False alarm",
        }
        editor().update(ALARM_ID, comment="again")
        assert patched(mock) == {"comment": "again"}


def test_closing_takes_the_state_that_the_settings_name() -> None:
    with gateway() as mock:
        add_list(mock, "alarmStates", [*STATES[:1], {"id": "f", "name": "Fermée"}])
        mock.patch(f"{REST}/alarms/{ALARM_ID}", json={"data": {}}, status=202)
        editor().close(ALARM_ID, comment="vu")
        assert patched(mock) == {"state": "f", "comment": "vu"}


def test_a_state_that_xprotect_does_not_have_is_named_with_those_that_it_has() -> None:
    with gateway() as mock:
        add_list(mock, "alarmStates", STATES)
        with pytest.raises(NotFoundInVms, match="'Gone'") as caught:
            editor().update(ALARM_ID, state="Gone")
    assert "'new', 'closed'" in caught.value.remedy


def test_by_soap_what_is_not_given_stays_as_it_is() -> None:
    with gateway() as mock:
        serve(mock, answer("GetAlarmLines", OPEN), answer("UpdateAlarm"))
        editor(alarm_route="soap").close(ALARM_ID, comment="seen", reason="False alarm")
        assert parameters(sent(mock)) == [
            ("token", TOKEN),
            ("id", ALARM_ID),
            ("text", "False alarm: seen"),
            ("state", "11"),
            ("priority", "2"),
            ("time", "2025-11-20T10:02:03.456Z"),
            ("assignedTo", "ana"),
        ]


def test_by_soap_the_priority_may_change_alone() -> None:
    with gateway() as mock:
        serve(mock, answer("GetAlarmLines", OPEN), answer("UpdateAlarm"))
        editor(alarm_route="soap").update(ALARM_ID, priority=Priority.HIGH)
        told = dict(parameters(sent(mock)))
    assert (told["state"], told["priority"]) == ("4", "1")


def test_an_alarm_that_is_gone_is_not_found() -> None:
    with gateway() as mock:
        serve(mock, answer("GetAlarmLines"))
        with pytest.raises(NotFoundInVms, match=ALARM_ID):
            editor(alarm_route="soap").close(ALARM_ID)
