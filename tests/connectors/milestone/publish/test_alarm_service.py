from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import requests
from lxml import etree

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.publish.alarm_service import (
    NAMESPACE,
    AlarmChanges,
    AlarmContent,
    AlarmHistoryEntry,
    AlarmService,
    Condition,
    EventLine,
    Operator,
    Target,
)
from core.errors import (
    AuthenticationRefused,
    NotFoundInVms,
    ProtocolViolation,
    ReplyLost,
    RequestInvalid,
    RightMissing,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from tests.connectors.milestone.gateway import gateway
from tests.connectors.milestone.publish.alarm_soap import (
    ADDRESS,
    CONTRACT,
    PLAIN_ADDRESS,
    TOKEN,
    answer,
    element,
    fault,
    line,
    parameters,
    sent,
    serve,
    texts,
)
from tests.connectors.milestone.support import CAPTURED_AT, alert, camera, delivery, services, settings

pytestmark = pytest.mark.slow

ALARM_ID = "55555555-5555-4555-8555-555555555555"
CONTENT = AlarmContent(delivery=delivery("alarm"), alert=alert(), camera=camera())
KEY = str(delivery("alarm").key)


def made(**changes: object) -> AlarmService:
    entry = settings(**changes)
    return AlarmService(XProtectSession(entry, services()), entry)


def test_an_alarm_is_added_in_one_call_under_the_deliverys_key() -> None:
    with gateway() as mock:
        serve(mock, answer("Add"))
        assert made().add(CONTENT) == KEY
        operation = sent(mock)
        headers = mock.calls[-1].request.headers
    assert operation.tag == f"{{{NAMESPACE}}}Add"
    assert parameters(operation)[0] == ("token", TOKEN)
    alarm = operation[1]
    assert alarm.tag == f"{{{NAMESPACE}}}alarm"
    assert alarm.findtext("{urn:milestone-systems}EventHeader/{urn:milestone-systems}ID") == KEY
    assert {item.tag.partition("}")[0] for item in alarm} == {"{urn:milestone-systems"}
    assert headers["SOAPAction"] == f'"{NAMESPACE}/IAlarmCommandToken/Add"'
    assert headers["Content-Type"].startswith("text/xml")
    assert "Authorization" not in headers


def test_a_filter_tells_operator_target_and_a_typed_value_in_that_order() -> None:
    conditions = (
        Condition(Target.CUSTOM_TAG, Operator.EQUALS, "vigie:x"),
        Condition.since(Target.MODIFIED, CAPTURED_AT),
        Condition(Target.STATE, Operator.LESS_THAN, 11),
    )
    with gateway() as mock:
        serve(mock, answer("GetAlarmLines", ""))
        assert made().lines(conditions, 20) == []
        operation = sent(mock)
    assert [name for name, _ in parameters(operation)] == ["token", "from", "maxCount", "filter"]
    assert dict(parameters(operation))["maxCount"] == "20"
    shown = [[etree.QName(item).localname for item in each] for each in operation.iter(f"{{{CONTRACT}}}Condition")]
    assert shown == [["Operator", "Target", "Value"]] * 3
    assert texts(operation, "Operator") == ["Equals", "GreaterThan", "LessThan"]
    assert texts(operation, "Target") == ["CustomTag", "Modified", "State", "Timestamp"]
    values = list(operation.iter(f"{{{CONTRACT}}}Value"))
    assert [item.text for item in values] == ["vigie:x", "2025-11-20T10:02:03.456000Z", "11"]
    kinds = [item.get("{http://www.w3.org/2001/XMLSchema-instance}type") for item in values]
    assert [str(kind).partition(":")[2] for kind in kinds] == ["string", "dateTime", "int"]
    assert texts(operation, "Order") == ["Descending"]


def test_a_line_is_read_whatever_of_it_is_missing() -> None:
    full = line(
        AssignedTo="Ana", CategoryName="False alarm", CustomTag="vigie:x", Description="d", Id=ALARM_ID.upper(),
        LocalId="7", Message="m", Modified="2025-11-20T10:02:04.1234567Z", Priority="1", State="11",
        StateName="Closed", Timestamp="2025-11-20T11:02:03+01:00",
    )  # fmt: skip
    nearly_nothing = line(Id=ALARM_ID, AssignedTo=None, Modified="0001-01-01T00:00:00", Timestamp=None)
    with gateway() as mock:
        serve(mock, answer("GetAlarmLines", full + nearly_nothing))
        first, second = made().lines((), 2)
    assert (first.alarm_id, first.local_id, first.state, first.state_name) == (ALARM_ID, 7, 11, "Closed")
    assert (first.category_name, first.assigned_to, first.priority) == ("False alarm", "Ana", 1)
    assert first.modified == pytest.approx(CAPTURED_AT + 0.667, abs=0.001)
    assert first.timestamp == pytest.approx(CAPTURED_AT - 0.456)
    assert (second.alarm_id, second.modified, second.timestamp, second.message) == (ALARM_ID, 0.0, 0.0, "")


@pytest.mark.parametrize("result", [None, ""])
def test_no_lines_are_an_empty_list(result: str | None) -> None:
    with gateway() as mock:
        serve(mock, answer("GetAlarmLines", result))
        assert made().lines((), 5) == []


def test_a_session_tells_what_changed_since_the_last_time() -> None:
    told = (
        f"<a:Deleted><b:guid>{ALARM_ID.upper()}</b:guid></a:Deleted>"
        f"<a:Inserted>{line(Id='i')}</a:Inserted><a:Updated>{line(Id='u')}{line(Id='v')}</a:Updated>"
    )
    with gateway() as mock:
        serve(
            mock,
            answer("StartAlarmLineSession", "s1"),
            answer("GetSessionAlarmLines", told),
            answer("GetSessionAlarmLines", '<a:Deleted i:nil="true"/><a:Inserted/><a:Updated i:nil="true"/>'),
            answer("StopAlarmLineSession"),
        )
        service = made()
        session_id = service.start_session([Condition(Target.CUSTOM_TAG, Operator.BEGINS_WITH, "vigie:")])
        changes = service.changes(session_id, 50)
        assert parameters(sent(mock)) == [("token", TOKEN), ("maxCount", "50"), ("sessionId", "s1")]
        assert service.changes(session_id, 50) == AlarmChanges(inserted=[], updated=[], deleted=[])
        service.stop_session(session_id)
        assert parameters(sent(mock)) == [("token", TOKEN), ("sessionId", "s1")]
    assert [item.alarm_id for item in changes.inserted] == ["i"]
    assert [item.alarm_id for item in changes.updated] == ["u", "v"]
    assert changes.deleted == [ALARM_ID]


def test_the_history_tells_who_changed_what_when() -> None:
    entry = element("AlarmUpdate", Author="ana", Key="ReasonCode", Time="2025-11-20T10:02:04Z", Value="False alarm")
    with gateway() as mock:
        serve(mock, answer("GetAlarmUpdateHistory", entry))
        found = made().history(ALARM_ID)
    assert found == [AlarmHistoryEntry(author="ana", key="ReasonCode", value="False alarm", at=1_763_632_924.0)]


def test_event_lines_are_read_too() -> None:
    shown = element("EventLine", Id="E1", Message="Arm", Name="Arm", SourceId="C1", Timestamp="2025-11-20T10:02:04Z")
    with gateway() as mock:
        serve(mock, answer("GetEventLines", shown))
        found = made().event_lines([Condition.since(Target.TIMESTAMP, CAPTURED_AT)], 10)
        assert parameters(sent(mock))[2] == ("maxCount", "10")
    assert found == [
        EventLine(
            event_id="e1", name="Arm", message="Arm", type="", custom_tag="", source_id="c1", source_name="",
            timestamp=1_763_632_924.0,
        )
    ]  # fmt: skip


def test_an_update_sends_all_its_values_in_order() -> None:
    with gateway() as mock:
        serve(mock, answer("UpdateAlarm"))
        made().update(ALARM_ID, text="seen", state=11, priority=2, assigned_to="ana", at=CAPTURED_AT)
        assert parameters(sent(mock)) == [
            ("token", TOKEN),
            ("id", ALARM_ID),
            ("text", "seen"),
            ("state", "11"),
            ("priority", "2"),
            ("time", "2025-11-20T10:02:03.456Z"),
            ("assignedTo", "ana"),
        ]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("UnknownSession", NotFoundInVms),
        ("Serialization", RequestInvalid),
        ("DbConnection", VmsUnavailable),
        ("DbRead", VmsUnavailable),
        ("Read", VmsUnavailable),
        ("DbWrite", ReplyLost),
        ("DbUpdate", ReplyLost),
        ("Unknown", ReplyLost),
        ("InvalidAuthentication", AuthenticationRefused),
        ("SomethingNew", VmsRefused),
    ],
)
def test_every_reason_of_a_fault_becomes_the_error_it_means(reason: str, kind: type[VmsError]) -> None:
    with gateway() as mock:
        serve(mock, fault(reason, "no luck"))
        with pytest.raises(kind) as caught:
            made().add(CONTENT)
    assert type(caught.value) is kind
    if reason != "SomethingNew":
        assert f"{reason} no luck" in str(caught.value)


def test_a_fault_of_another_shape_is_understood_as_everywhere() -> None:
    body = fault("Unknown").replace("AlarmServiceFault", "Other").replace("ErrorReason", "Reason")
    with gateway() as mock:
        serve(mock, body.replace("The creator of this fault did not specify a Reason.", "Access is denied."))
        with pytest.raises(RightMissing):
            made().add(CONTENT)


def test_a_token_that_is_not_taken_is_renewed_once() -> None:
    with gateway() as mock:
        serve(mock, fault("InvalidAuthentication"), answer("Add"))
        assert made().add(CONTENT) == KEY
        assert len([call for call in mock.calls if call.request.url == ADDRESS]) == 2


READS: list[Callable[[AlarmService], object]] = [
    lambda service: service.lines((), 1),
    lambda service: service.event_lines((), 1),
    lambda service: service.history(ALARM_ID),
    lambda service: service.start_session(()),
]


@pytest.mark.parametrize("read", READS)
def test_a_read_without_answer_is_unavailable_and_no_lost_reply(read: Callable[[AlarmService], object]) -> None:
    with gateway() as mock:
        mock.post(ADDRESS, body=requests.exceptions.ReadTimeout("slow"))
        with pytest.raises(VmsUnavailable) as caught:
            read(made())
    assert type(caught.value) is VmsUnavailable


def test_changes_without_answer_are_a_lost_reply_as_they_are_told_once() -> None:
    with gateway() as mock:
        mock.post(ADDRESS, body=requests.exceptions.ReadTimeout("slow"))
        with pytest.raises(ReplyLost):
            made().changes("s1", 1)


def test_an_alarm_without_answer_is_a_lost_reply() -> None:
    with gateway() as mock:
        mock.post(ADDRESS, body=requests.exceptions.ReadTimeout("slow"))
        with pytest.raises(ReplyLost) as caught:
            made().add(CONTENT)
    assert "22331" in caught.value.remedy


def test_an_answer_of_another_kind_is_a_violation() -> None:
    with gateway() as mock:
        serve(mock, answer("Get"))
        with pytest.raises(ProtocolViolation):
            made().lines((), 1)


@pytest.mark.parametrize("shown", ["<a:AlarmLine/>", "</GetAlarmLinesResult><GetAlarmLinesResult>"])
def test_an_answer_of_another_shape_is_a_violation(shown: str) -> None:
    with gateway() as mock:
        serve(mock, answer("GetAlarmLines", shown))
        with pytest.raises(ProtocolViolation):
            made().lines((), 1)


@pytest.mark.parametrize("members", [{"Modified": "yesterday"}, {"State": "open"}])
def test_a_line_that_cannot_be_read_is_a_violation(members: dict[str, str]) -> None:
    with gateway() as mock:
        serve(mock, answer("GetAlarmLines", line(Id=ALARM_ID, **members)))
        with pytest.raises(ProtocolViolation):
            made().lines((), 1)


def test_ending_a_session_that_has_ended_is_no_error() -> None:
    with gateway() as mock:
        serve(mock, fault("UnknownSession"))
        made().stop_session("s1")


def test_without_allow_http_only_tls_is_spoken() -> None:
    with gateway() as mock:
        mock.post(ADDRESS, body=requests.exceptions.SSLError("wrong version number"))
        mock.post(PLAIN_ADDRESS, body=answer("GetAlarmLines"))
        with pytest.raises(VmsUnavailable):
            made().lines((), 1)
        assert not [call for call in mock.calls if call.request.url == PLAIN_ADDRESS]


def test_with_allow_http_a_service_without_tls_is_used_and_one_with_tls_preferred() -> None:
    with gateway() as mock:
        mock.get(ADDRESS, body=requests.exceptions.SSLError("wrong version number"))
        serve(mock, answer("GetAlarmLines"), address=PLAIN_ADDRESS)
        service = made(allow_http=True)
        assert service.lines((), 1) == []
        mock.replace("GET", ADDRESS, status=405)
        serve(mock, answer("GetAlarmLines"))
        assert made(allow_http=True).lines((), 1) == []
        assert mock.calls[-1].request.url == ADDRESS


def test_a_service_that_came_back_with_tls_is_found_again() -> None:
    with gateway() as mock:
        mock.get(ADDRESS, body=requests.exceptions.SSLError("wrong version number"))
        mock.post(PLAIN_ADDRESS, body=requests.exceptions.ReadTimeout("restarting"))
        service = made(allow_http=True)
        with pytest.raises(VmsUnavailable):
            service.lines((), 1)
        mock.replace("GET", ADDRESS, status=405)
        serve(mock, answer("GetAlarmLines"))
        assert service.lines((), 1) == []


@pytest.mark.parametrize(
    "silence", [requests.exceptions.ConnectTimeout("nobody"), requests.exceptions.ReadTimeout("slow")]
)
def test_where_nobody_answers_nothing_is_concluded_about_the_scheme(silence: Exception) -> None:
    with gateway() as mock:
        mock.get(ADDRESS, body=silence)
        with pytest.raises(VmsUnavailable) as caught:
            made(allow_http=True).lines((), 1)
        assert not [call for call in mock.calls if call.request.url == PLAIN_ADDRESS]
    assert type(caught.value) is VmsUnavailable


def test_the_services_own_address_may_be_told() -> None:
    address = "https://events.site.test:9443/Central/AlarmServiceToken"
    with gateway() as mock:
        serve(mock, answer("GetAlarmLines"), address=address)
        assert made(alarm_server="events.site.test:9443").lines((), 1) == []
        assert mock.calls[-1].request.url == address


def test_a_time_condition_is_later_than_its_moment() -> None:
    assert Condition.since(Target.MODIFIED, CAPTURED_AT).value == datetime(2025, 11, 20, 10, 2, 3, 456000, tzinfo=UTC)
