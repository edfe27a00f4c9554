from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.milestone.simulator.alarms.contract import AlarmFault
from connectors.milestone.simulator.alarms.filter import Filter, Line, _Condition
from connectors.milestone.simulator.alarms.lines import LineSessions
from connectors.protocols.simulation import FaultBoard
from core.clock import ManualClock
from tests.connectors.milestone.simulator.alarms.calls import (
    ALARM_ID,
    PROXY,
    alarm_xml,
    call,
    condition,
    delta,
    fault_code,
    filter_xml,
    lines,
    order_by,
    post,
    reason,
)
from tests.connectors.milestone.simulator.running import INSTANCE, Running, run

pytestmark = pytest.mark.slow

OTHER_ID = "5f2d2f9e-6b8c-4a6e-9a2f-51c1b7f0a002"


@pytest.fixture(scope="module")
def filled(video: Path) -> Iterator[Running]:
    """Three alarms: one, two and three; the second is closed."""
    with run(video) as simulator:
        for number, message in enumerate(("one", "two", "three"), start=1):
            alarm_id = ALARM_ID[:-1] + str(number)
            call(simulator, "Add", alarm_xml(simulator.camera, alarm_id=alarm_id, message=message, tag=f"tag-{number}"))
        simulator.act("close-alarm", id=OTHER_ID, category="Cat", comment="seen")
        yield simulator


def _messages(simulator: Running, filter_: str, first: int = 0, most: int = 100) -> list[str | None]:
    found = call(simulator, "GetAlarmLines", f"<from>{first}</from><maxCount>{most}</maxCount>{filter_}")
    return [line["Message"] for line in lines(found)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (condition("Equals", "Message", "TWO"), ["two"]),
        (condition("NotEquals", "Message", "two"), ["one", "three"]),
        (condition("Contains", "Message", "o"), ["one", "two"]),
        (condition("BeginsWith", "Message", "t"), ["two", "three"]),
        (condition("BeginsWith", "CustomTag", "tag-") + condition("Equals", "State", "1", "x:int"), ["one", "three"]),
        (condition("Equals", "StateName", "closed"), ["two"]),
        (condition("Equals", "CategoryName", "Cat"), ["two"]),
        (condition("GreaterThan", "LocalId", "1", "x:unsignedShort"), ["two", "three"]),
        (condition("LessThan", "LocalId", "2", "x:int"), ["one"]),
        (condition("Equals", "Priority", "2"), ["one", "two", "three"]),
        (condition("GreaterThan", "Timestamp", "2025-11-20T10:02:03Z", "x:dateTime"), ["one", "two", "three"]),
        (condition("LessThan", "Timestamp", "2025-11-20T10:02:03Z", "x:dateTime"), []),
        (condition("Equals", "Id", OTHER_ID.upper()), ["two"]),
        (condition("Equals", "SourceName", "gate"), ["one", "two", "three"]),
        (condition("Contains", "Description", "zone 7"), ["one", "two", "three"]),
    ],
)
def test_conditions_choose_lines(filled: Running, wanted: str, found: list[str]) -> None:
    assert _messages(filled, filter_xml(wanted)) == found


def test_a_guid_may_be_typed_as_one(filled: Running) -> None:
    typed = condition("Equals", "ObjectId", filled.camera, "g:guid").replace(
        "<p:Value ", '<p:Value xmlns:g="http://schemas.microsoft.com/2003/10/Serialization/" '
    )
    assert len(_messages(filled, filter_xml(typed))) == 3


def test_orders_apply_in_turn_and_pages_follow_them(filled: Running) -> None:
    by_state = filter_xml(orders=order_by("State") + order_by("Message", "Descending"))
    assert _messages(filled, by_state) == ["three", "one", "two"]
    assert _messages(filled, by_state, first=1, most=1) == ["one"]
    assert _messages(filled, "") == ["one", "two", "three"]


@pytest.mark.parametrize(
    "body",
    [
        filter_xml(condition("Equals", "Message", "x").replace(' i:type="x:string"', "")),
        filter_xml(condition("Equals", "Message", "x", "y:string")),
        filter_xml(condition("Equals", "Message", "x", "x:decimal")),
        filter_xml(condition("Like", "Message", "x")),
        filter_xml(condition("Equals", "Colour", "x")),
        filter_xml(condition("Equals", "State", "Closed")),
        filter_xml(condition("Equals", "Timestamp", "2025-11-20T10:02:03Z")),
        filter_xml(condition("Equals", "Message", "x")).replace(PROXY, "urn:other"),
        filter_xml("<p:Condition><p:Target>Message</p:Target><p:Operator>Equals</p:Operator></p:Condition>"),
        filter_xml("<p:Condition><p:Operator>Equals</p:Operator><p:Target>Message</p:Target></p:Condition>"),
        filter_xml(orders="<p:OrderBy><p:Target>Message</p:Target><p:Order>Ascending</p:Order></p:OrderBy>"),
        filter_xml("<p:Other/>"),
    ],
)
def test_a_filter_that_breaks_the_contract_is_refused(filled: Running, body: str) -> None:
    answer = post(filled, "GetAlarmLines", f"<from>0</from><maxCount>1</maxCount>{body}")
    assert fault_code(answer) == "a:DeserializationFailed"


def test_a_session_tells_everything_first_and_then_what_changed(fresh: Running) -> None:
    call(fresh, "Add", alarm_xml(fresh.camera))
    session = call(fresh, "StartAlarmLineSession", filter_xml()).text
    first = delta(fresh, session)
    assert [line["Id"] for line in first["Inserted"]] == [ALARM_ID]
    assert delta(fresh, session) == {"Deleted": [], "Inserted": [], "Updated": []}
    fresh.act("acknowledge-alarm", token="vigie:0123", by="Ann")
    call(fresh, "Add", alarm_xml(fresh.camera, alarm_id=OTHER_ID))
    second = delta(fresh, session)
    assert [(line["Id"], line["AssignedTo"]) for line in second["Updated"]] == [(ALARM_ID, "Ann")]
    assert [line["Id"] for line in second["Inserted"]] == [OTHER_ID]
    fresh.act("delete-alarm", id=OTHER_ID)
    assert delta(fresh, session)["Deleted"] == [OTHER_ID]
    assert call(fresh, "StopAlarmLineSession", f"<sessionId>{session}</sessionId>") is None
    body = f"<maxCount>1</maxCount><sessionId>{session}</sessionId>"
    assert reason(post(fresh, "GetSessionAlarmLines", body)) == "UnknownSession"


def test_a_restart_of_the_event_server_ends_sessions(fresh: Running) -> None:
    session = call(fresh, "StartAlarmLineSession", "").text
    fresh.order("alarm-session", "lost")
    body = f"<maxCount>1</maxCount><sessionId>{session}</sessionId>"
    assert reason(post(fresh, "GetSessionAlarmLines", body)) == "UnknownSession"


def _line(number: int, revision: int = 0, state: int = 1) -> Line:
    return Line(str(number), {"LocalId": number, "State": state}, revision)


def test_a_line_that_matches_no_more_is_told_once_and_may_come_back() -> None:
    listed = [_line(1)]
    sessions = LineSessions(lambda: listed, ManualClock(), FaultBoard())
    session = sessions.start(Filter((_Condition("Equals", "State", 1),)))
    assert sessions.take(session, 10).inserted == listed
    listed[:] = [_line(1, revision=1, state=11)]
    assert sessions.take(session, 10).left == listed
    assert sessions.take(session, 10).left == []
    listed[:] = [_line(1, revision=2)]
    assert sessions.take(session, 10).inserted == listed


def test_no_more_lines_come_at_once_than_asked_for() -> None:
    listed = [_line(number) for number in range(5)]
    sessions = LineSessions(lambda: listed, ManualClock(), FaultBoard())
    session = sessions.start(Filter())
    counts = [len(sessions.take(session, 2).inserted) for _ in range(4)]
    assert counts == [2, 2, 1, 0]


def test_a_session_that_nobody_asks_for_ends() -> None:
    clock = ManualClock()
    sessions = LineSessions(list, clock, FaultBoard())
    session = sessions.start(Filter())
    clock.advance(299.0)
    sessions.take(session, 1)
    clock.advance(301.0)
    with pytest.raises(AlarmFault) as caught:
        sessions.take(session, 1)
    assert caught.value.reason == "UnknownSession"
    with pytest.raises(AlarmFault):
        sessions.stop(INSTANCE)


def test_sessions_that_nobody_asks_are_forgotten() -> None:
    clock = ManualClock()
    sessions = LineSessions(list, clock, FaultBoard())
    for _ in range(5):
        sessions.start(Filter())
        clock.advance(301.0)
    assert len(sessions._sessions) == 1
