from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from lxml import etree

from tests.connectors.milestone.simulator.alarms.calls import (
    ALARM_ID,
    PAIRS,
    PROXY,
    SERVICE,
    URN,
    alarm_xml,
    call,
    fault_code,
    filter_xml,
    lines,
    members,
    post,
    reason,
)
from tests.connectors.milestone.simulator.running import INSTANCE, TIMEOUT_S, Running, run

pytestmark = pytest.mark.slow

OBJECTS = (
    "<m:ObjectList><m:Object><m:Name>Person</m:Name><m:Value>track 41</m:Value><m:BoundingBox><m:Top>0.1</m:Top>"
    "<m:Left>0.2</m:Left><m:Bottom>0.3</m:Bottom><m:Right>0.4</m:Right></m:BoundingBox></m:Object></m:ObjectList>"
)
RULES = "<m:RuleList><m:Rule><m:Name>Zone 7</m:Name><m:Type>Polygon</m:Type></m:Rule></m:RuleList>"
SNAPSHOTS = (
    "<m:SnapshotList><m:Snapshot><m:TimeOffset>0</m:TimeOffset><m:Width>8</m:Width>"
    "<m:Image>AAEC</m:Image></m:Snapshot></m:SnapshotList>"
)


def _only_line(simulator: Running) -> dict[str, str | None]:
    [line] = lines(call(simulator, "GetAlarmLines", f"<from>0</from><maxCount>10</maxCount>{filter_xml()}"))
    return line


def _add(simulator: Running, **options: Any) -> None:
    assert call(simulator, "Add", alarm_xml(simulator.camera, **options)) is None


def test_an_alarm_is_in_the_ledger_with_all_its_texts(fresh: Running) -> None:
    _add(fresh, members=RULES + OBJECTS + SNAPSHOTS)
    [record] = fresh.ledger("alarm")
    assert (record["id"], record["custom_tag"], record["description"]) == (ALARM_ID, "vigie:0123", "Person in zone 7")
    assert (record["camera"], record["message"], record["snapshot_characters"]) == (fresh.camera, "Intrusion", [4])


def test_its_line_tells_what_it_says(fresh: Running) -> None:
    _add(fresh, members=f"<m:Location>North</m:Location>{RULES}{OBJECTS}<m:Vendor><m:Name>Vigie</m:Name></m:Vendor>")
    line = _only_line(fresh)
    assert list(line) == sorted(line)
    assert line.pop("Modified")
    assert line == {
        "AssignedTo": None,
        "CameraId": fresh.camera,
        "Category": "0",
        "CategoryName": None,
        "CustomTag": "vigie:0123",
        "Description": "Person in zone 7",
        "FilterMatch": "true",
        "Id": ALARM_ID,
        "LocalId": "1",
        "Location": "North",
        "Message": "Intrusion",
        "Name": "Zone 7",
        "ObjectValue": "track 41",
        "Priority": "2",
        "PriorityName": "Medium",
        "RuleType": "Polygon",
        "SourceId": fresh.camera,
        "SourceName": "gate",
        "State": "1",
        "StateName": "New",
        "Timestamp": "2025-11-20T10:02:03.4560000Z",
        "Type": "Zone",
        "VendorName": "Vigie",
    }


def test_get_gives_the_lists_back_as_they_came(fresh: Running) -> None:
    _add(fresh, members=RULES + OBJECTS + SNAPSHOTS)
    alarm = call(fresh, "Get", f"<id>{ALARM_ID}</id>")
    names = [etree.QName(child).localname for child in alarm]
    assert names == ["EventHeader", "Description", "State", "StateName", "RuleList", "ObjectList", "SnapshotList"]
    assert alarm.findtext(f".//{{{URN}}}BoundingBox/{{{URN}}}Left") == "0.2"
    header = members(call(fresh, "GetHeader", f"<id>{ALARM_ID}</id>"))
    assert (header["ID"], header["PriorityName"], header["CustomTag"]) == (ALARM_ID, "Medium", "vigie:0123")


def test_an_alarm_raised_by_an_analytics_event_has_its_lists_too(fresh: Running) -> None:
    event_type = fresh.rest("GET", "/analyticsEvents").json()["array"][0]["id"]
    definition = {
        "name": "Analytics alarm",
        "eventTypeGroup": "a96692c8-51b1-4f87-b12c-0d3d9cbfc5a4",
        "eventType": event_type,
        "sourceList": [{"type": "cameras", "id": fresh.camera}],
        "enableRule": "0",
        "priority": "34f1f987-6854-44fb-88a5-daa0add1e38a",
    }
    assert fresh.rest("POST", "/alarmDefinitions", json=definition).status_code == 201
    event = alarm_xml(fresh.camera, message="Vigie", members=OBJECTS).replace("alarm", "m:AnalyticsEvent")
    assert fresh.post_event(event).text == "OK"
    line = _only_line(fresh)
    assert (line["Name"], line["CustomTag"], line["ObjectValue"]) == ("Analytics alarm", "vigie:0123", "track 41")
    assert call(fresh, "Get", f"<id>{line['Id']}</id>").find(f".//{{{URN}}}BoundingBox") is not None


def test_snapshots_are_listed_and_attached(fresh: Running) -> None:
    _add(fresh, members=SNAPSHOTS)
    more = f'<snapshot xmlns:m="{URN}"><m:TimeOffset>5</m:TimeOffset><m:Image>AwQ=</m:Image></snapshot>'
    assert call(fresh, "AttachSnapshot", f"<id>{ALARM_ID}</id>{more}") is None
    snapshots = call(fresh, "GetSnapshots", f"<id>{ALARM_ID}</id>")
    assert [members(snapshot) for snapshot in snapshots] == [
        {"TimeOffset": "0", "Width": "8", "Image": "AAEC"},
        {"TimeOffset": "5", "Image": "AwQ="},
    ]


def test_an_all_zero_id_is_replaced(fresh: Running) -> None:
    _add(fresh, alarm_id="00000000-0000-0000-0000-000000000000")
    assert _only_line(fresh)["Id"] not in {None, "00000000-0000-0000-0000-000000000000"}


def test_the_same_id_twice_is_refused(fresh: Running) -> None:
    _add(fresh)
    assert reason(post(fresh, "Add", alarm_xml(fresh.camera))) == "DbWrite"
    assert len(fresh.ledger("alarm")) == 1


@pytest.mark.parametrize("token", ["", "TOKEN#unknown#host//ServerConnector#"])
def test_a_token_that_is_unknown_is_refused(simulator: Running, token: str) -> None:
    assert reason(post(simulator, "GetStatistics", token=token)) == "InvalidAuthentication"


def test_a_jwt_is_no_token_here(simulator: Running) -> None:
    assert reason(post(simulator, "GetStatistics", token=simulator.bearer())) == "InvalidAuthentication"


@pytest.mark.parametrize("action", ["", f"{SERVICE}/IAlarmCommandToken/Get", "GetStatistics"])
def test_the_soap_action_must_fit(simulator: Running, action: str) -> None:
    assert fault_code(post(simulator, "GetStatistics", action=action)) == "a:ActionNotSupported"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body.replace("urn:milestone-systems", "urn:other"),
        lambda body: body.replace(
            "<m:Name>Zone 7</m:Name><m:Message>Intrusion</m:Message>", "<m:Message>x</m:Message><m:Name>y</m:Name>"
        ),
        lambda body: body.replace("</alarm>", "<m:Location>late</m:Location></alarm>").replace(
            "<m:Description>", "<m:Count>1</m:Count><m:Description>"
        ),
        lambda body: body.replace("<m:ID>", "<m:ID>no-guid-"),
        lambda body: body.replace("<m:Priority>2", "<m:Priority>77"),
        lambda body: f"<other/>{body}",
        lambda body: "",
    ],
    ids=["namespace", "header order", "order", "guid", "priority", "parameter", "nothing"],
)
def test_what_breaks_the_contract_is_refused(simulator: Running, spoil: Any) -> None:
    before = len(simulator.ledger("alarm"))
    assert fault_code(post(simulator, "Add", spoil(alarm_xml(simulator.camera)))) == "a:DeserializationFailed"
    assert len(simulator.ledger("alarm")) == before


@pytest.mark.parametrize("moment", ["2025-11-20T24:00:00Z", "12345-01-01T00:00:00Z", "-0044-03-15T12:00:00Z"])
def test_a_time_of_the_schema_that_no_clock_shows_is_refused(simulator: Running, moment: str) -> None:
    document = alarm_xml(simulator.camera).replace("2025-11-20T11:02:03.456+01:00", moment)
    assert fault_code(post(simulator, "Add", document)) == "a:DeserializationFailed"


def test_an_unknown_source_is_refused(simulator: Running) -> None:
    assert reason(post(simulator, "Add", alarm_xml(INSTANCE, alarm_id=INSTANCE))) == "Unknown"


@pytest.mark.parametrize("operation", ["Get", "GetHeader", "GetSnapshots", "GetAlarmHistory", "GetAlarmUpdateHistory"])
def test_an_unknown_alarm_is_a_fault(simulator: Running, operation: str) -> None:
    assert reason(post(simulator, operation, f"<id>{INSTANCE}</id>")) == "DbRead"


def test_update_alarm_changes_state_priority_and_owner_and_is_remembered(fresh: Running) -> None:
    _add(fresh)
    body = (
        f"<id>{ALARM_ID}</id><text>seen</text><state>11</state><priority>3</priority>"
        "<time>2025-11-20T12:00:00Z</time><assignedTo>Ann</assignedTo>"
    )
    assert call(fresh, "UpdateAlarm", body) is None
    line = _only_line(fresh)
    assert (line["StateName"], line["PriorityName"], line["AssignedTo"]) == ("Closed", "Low", "Ann")
    [entry] = lines(call(fresh, "GetAlarmHistory", f"<id>{ALARM_ID}</id>"))
    assert entry == {
        "AssignedTo": "Ann",
        "Author": "vigie",
        "Priority": "3",
        "State": "11",
        "Text": "seen",
        "Time": "2025-11-20T12:00:00.0000000Z",
    }


def test_update_alarm_values_takes_pairs(fresh: Running) -> None:
    _add(fresh)
    pairs = "".join(
        f"<b:KeyValuePairOfstringstring><b:key>{key}</b:key><b:value>{value}</b:value></b:KeyValuePairOfstringstring>"
        for key, value in {"State": "11", "ReasonForClosing": "1", "Comment": "a cat"}.items()
    )
    call(fresh, "UpdateAlarmValues", f'<id>{ALARM_ID}</id><updates xmlns:b="{PAIRS}">{pairs}</updates>')
    updates = lines(call(fresh, "GetAlarmUpdateHistory", f"<id>{ALARM_ID}</id>"))
    assert {update["Key"]: update["Value"] for update in updates} == {
        "State": "Closed",
        "ReasonForClosing": "False alarm",
        "Comment": "a cat",
    }
    spoilt = pairs.replace("State", "Colour")
    body = f'<id>{ALARM_ID}</id><updates xmlns:b="{PAIRS}">{spoilt}</updates>'
    assert reason(post(fresh, "UpdateAlarmValues", body)) == "DbUpdate"


def test_acknowledging_puts_alarms_in_progress(fresh: Running) -> None:
    _add(fresh)
    _add(fresh, alarm_id=INSTANCE)
    call(fresh, "Acknowledge", f"<id>{ALARM_ID}</id>")
    call(fresh, "AcknowledgeMultipleAlarms", f"<objectId>{fresh.camera}</objectId>")
    body = (
        f"<objectId>{fresh.camera}</objectId><oldState>4</oldState><newState>9</newState>"
        "<time>2025-11-20T12:00:00Z</time><assignedTo></assignedTo>"
    )
    statistics = lines(call(fresh, "GetStatistics"))
    assert {entry["Number"]: entry["Value"] for entry in statistics} == {"1": "0", "4": "2", "9": "0", "11": "0"}
    call(fresh, "UpdateMultipleAlarms", body)
    assert {"Number": "9", "Type": "State", "Value": "2"} in lines(call(fresh, "GetStatistics"))


def test_messages_are_the_analytics_events_and_what_was_raised(fresh: Running) -> None:
    _add(fresh)
    assert [child.text for child in call(fresh, "GetAlarmMessages")] == ["Vigie", "Intrusion"]


def test_events_are_accepted_and_listed_where_retention_stores_them(video: Path) -> None:
    with run(video, "--event-retention-days", "1") as simulator:
        event = alarm_xml(simulator.camera, message="Vigie", members=OBJECTS)
        call(simulator, "AddAsEvent", event)
        body = event.replace("alarm", "baseEvent").replace("<baseEvent ", '<baseEvent i:type="m:AnalyticsEvent" ', 1)
        call(simulator, "AddEvent", body)
        session = call(simulator, "StartEventLineSession", filter_xml()).text
        changes = call(simulator, "GetSessionEventLines", f"<maxCount>10</maxCount><sessionId>{session}</sessionId>")
        inserted = lines(changes.find(f"{{{PROXY}}}Inserted"))
        assert [(line["CustomTag"], line["Message"], line["ObjectValue"]) for line in inserted] == [
            ("vigie:0123", "Vigie", "track 41")
        ] * 2
        assert call(simulator, "StopEventLineSession", f"<sessionId>{session}</sessionId>") is None
        listed = call(simulator, "GetEventLines", f"<from>0</from><maxCount>1</maxCount>{filter_xml()}")
        assert len(listed) == 1
        assert len(simulator.ledger("event")) == 2
        assert simulator.ledger("alarm") == []


def test_an_event_needs_its_type_and_a_known_message(simulator: Running) -> None:
    event = alarm_xml(simulator.camera, message="Vigie").replace("alarm", "baseEvent")
    assert fault_code(post(simulator, "AddEvent", event)) == "a:DeserializationFailed"
    assert reason(post(simulator, "AddAsEvent", alarm_xml(simulator.camera, message="Other"))) == "Unknown"


def test_the_publish_fault_befalls_alarms_here_too(fresh: Running) -> None:
    fresh.order("publish", "503", "accept-then-drop")
    assert post(fresh, "Add", alarm_xml(fresh.camera)).status_code == 503
    with pytest.raises(requests.ConnectionError):
        post(fresh, "Add", alarm_xml(fresh.camera))
    assert len(fresh.ledger("alarm")) == 1


@pytest.mark.parametrize(
    ("method", "path", "content_type", "status"),
    [
        ("POST", "/Central/Other", "text/xml", 404),
        ("GET", "/Central/AlarmServiceToken", "text/xml", 405),
        ("POST", "/central/alarmservicetoken/", "application/soap+xml", 415),
    ],
)
def test_other_requests_are_not_served(
    simulator: Running, method: str, path: str, content_type: str, status: int
) -> None:
    base = str(simulator.announced.extra["alarm_service"]).partition("/Central")[0]
    answer = requests.request(
        method, f"{base}{path}", headers={"Content-Type": content_type}, verify=simulator.ca, timeout=TIMEOUT_S
    )
    assert answer.status_code == status


def test_the_service_exists_in_every_release(video: Path) -> None:
    with run(video, "--release", "2021R1") as simulator:
        _add(simulator)
        assert len(simulator.ledger("alarm")) == 1
