"""Events, alarms, bookmarks, their ledger, their reports and their faults."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import requests

from connectors.genetec.simulator.payload import payload_of
from tests.connectors.genetec.simulator.running import UNKNOWN, Client, simulated

pytestmark = pytest.mark.slow

AT = "2026-11-20T10:15:30.120Z"


def test_a_custom_event_is_written_down_and_triggers_its_alarm(client: Client) -> None:
    assert client.raised("person, zone A/1 #2 50%") == {"Status": "Ok"}
    (event,), (alarm,) = client.ledger("event"), client.ledger("alarm")
    assert (event["text"], event["source"], event["source_name"]) == (
        "person, zone A/1 #2 50%",
        client.camera,
        "Dock 1",
    )
    assert (event["custom_event"], event["name"], event["payload"]) == (5000, "Vigie", "")
    assert (alarm["text"], alarm["source"], alarm["alarm"]) == (event["text"], client.camera, client.alarm)
    assert event["accepted_at"] <= alarm["accepted_at"]


def test_the_message_can_stand_in_the_path(client: Client) -> None:
    path = f"/events/RaiseCustomEvent/5000/{client.camera}/{quote('person zone A: 0.91')}"
    assert client.ask("POST", path) == {"Status": "Ok"}
    assert [event["text"] for event in client.ledger("event")] == ["person zone A: 0.91"]


def test_a_hidden_payload_is_kept(client: Client) -> None:
    body = (
        b'--AaB03x\r\nContent-Disposition: form-data; name="payload"; "\r\nContent-Type: payload/txt\r\n\r\n'
        b'{"v":1,"rule":"zone-a"}\r\n--AaB03x--\r\n'
    )
    headers = {"Content-Type": "multipart/form-data; boundary=AaB03x"}
    client.ask("POST", f"/events/RaiseCustomEvent/5000/{client.camera}?msg=x", data=body, headers=headers)
    assert client.ledger("event")[0]["payload"] == '{"v":1,"rule":"zone-a"}'


@pytest.mark.parametrize(
    ("content_type", "body", "payload"),
    [
        (
            "multipart/form-data; boundary=b",
            b"--b\nContent-Disposition: form-data; name=payload\n\na\nb\n--b--",
            "a\nb",
        ),
        ('multipart/form-data; boundary="b"', b'--b\r\nX: name="other"\r\n\r\na\r\n--b--', ""),
        ("multipart/form-data; boundary=b", b'--b\r\nX: name="payload"\r\n\r\n\xc3\xa9\r\n--b--', "\ufffd\ufffd"),
        ("multipart/form-data", b"x", ""),
        ("text/plain; boundary=b", b'--b\r\nX: name="payload"\r\n\r\na\r\n--b--', ""),
        ("", b"", ""),
    ],
)
def test_payloads_are_read_leniently(content_type: str, body: bytes, payload: str) -> None:
    assert payload_of(content_type, body) == payload


def test_a_built_in_event_has_no_text(client: Client) -> None:
    path = f"/events/RaiseEvent/VideoAnalyticsObjectCrossedLine/{client.camera}"
    assert client.ask("POST", path) == {"Status": "Ok"}
    (event,) = client.ledger("event")
    assert (event["event_type"], event["text"]) == ("VideoAnalyticsObjectCrossedLine", "")
    assert client.ledger("alarm") == []


def test_the_action_form_raises_without_a_source(client: Client) -> None:
    assert client.ask("POST", "/action", "RaiseCustomEvent(CustomEventId(5000))") == {"Status": "Ok"}
    assert client.ledger("event")[0]["source"] == ""


def test_bookmarks_are_set_on_several_cameras_at_once(client: Client) -> None:
    first, second, _ = (camera.device for camera in client.announced.cameras)
    query = rf"AddCameraBookmark({first},{AT},AI: crowd\, dense),AddCameraBookmark({{{second}}},{AT},{{AI: crowd}})"
    assert client.ask("POST", "/action", query) == {"Status": "Ok"}
    written = [(record["camera"], record["at"], record["text"]) for record in client.ledger("bookmark")]
    assert written == [(first, 1795169730.12, "AI: crowd, dense"), (second, 1795169730.12, "AI: crowd")]


@pytest.mark.parametrize(
    ("verb", "path", "query"),
    [
        ("POST", "/events/RaiseCustomEvent/4711/{camera}", None),
        ("POST", "/events/RaiseCustomEvent/x/{camera}", None),
        ("POST", f"/events/RaiseCustomEvent/5000/{UNKNOWN}", None),
        ("POST", "/events/RaiseCustomEvent/5000/{alarm}", None),
        ("POST", "/events/RaiseEvent/AbandonedObject/{camera}", None),
        ("GET", "/alarm", "TriggerAlarm({camera})"),
        ("GET", "/alarm", f"TriggerAlarm({UNKNOWN})"),
        ("GET", "/alarm", "AcknowledgeAlarm(1,{alarm},Ack)"),
        ("GET", "/alarm", "ForwardAlarm({alarm})"),
        ("POST", "/action", "AddCameraBookmark({camera},yesterday,text)"),
        ("POST", "/action", f"AddCameraBookmark({{camera}},{AT},text, with a comma)"),
        ("POST", "/action", f"AddCameraBookmark({{alarm}},{AT},text)"),
        ("POST", "/action", f"AddCameraBookmark({{camera}},{AT},first),AddCameraBookmark({UNKNOWN},{AT},second)"),
        ("POST", "/action", "Explode(now)"),
        ("POST", "/action", "RaiseCustomEvent(CustomEventId(4711))"),
    ],
)
def test_what_cannot_be_done_fails_and_leaves_no_trace(client: Client, verb: str, path: str, query: str | None) -> None:
    def filled(text: str) -> str:
        return text.replace("{camera}", client.camera).replace("{alarm}", client.alarm)

    answer = client.ask(verb, filled(path), None if query is None else filled(query))
    assert answer["Status"] == "Fail"
    assert [client.ledger(kind) for kind in ("event", "alarm", "bookmark")] == [[], [], []]


def test_alarms_are_triggered_listed_and_acknowledged(client: Client) -> None:
    assert client.ask("GET", "/alarm", f"TriggerAlarm({client.alarm})") == {"Status": "Ok"}
    client.raised("second")
    active = client.ask("GET", "/activealarms")["Result"]
    assert [(alarm["InstanceId"], alarm["Message"]) for alarm in active] == [(1, ""), (2, "second")]
    assert client.ask("GET", "/alarm", f"AcknowledgeAlarm(1,{client.alarm},Ack)") == {"Status": "Ok"}
    assert client.ask("GET", "/alarm", f"AcknowledgeAlarm(1,{client.alarm},Ack)")["Status"] == "Fail"
    assert client.ask("GET", "/alarm", f"AcknowledgeAlarm(2,{client.alarm},Perhaps)")["Status"] == "Fail"
    assert [alarm["InstanceId"] for alarm in client.ask("GET", "/activealarms")["Result"]] == [2]
    assert [(record["instance"], record["how"]) for record in client.ledger("acknowledgement")] == [(1, "Ack")]


def test_triggers_inside_the_reactivation_threshold_are_ignored() -> None:
    with simulated("--reactivation-threshold", "3600") as client:
        for text in ("first", "second"):
            assert client.raised(text) == {"Status": "Ok"}
        assert [alarm["text"] for alarm in client.ledger("alarm")] == ["first"]
        assert [alarm["text"] for alarm in client.ledger("alarm-ignored")] == ["second"]
        assert len(client.ledger("event")) == 2


def test_without_event_to_action_there_is_no_alarm() -> None:
    with simulated("--no-event-to-action", "--custom-event", "6000:Line", "--custom-event", "6001:Zone") as client:
        assert client.raised("quiet", event=6001) == {"Status": "Ok"}
        assert client.ledger("alarm") == []
        assert client.extra("custom_events") == {"6000": "Line", "6001": "Zone"}


def test_cameras_are_listed_in_pages_with_one_row_more(client: Client) -> None:
    guids = [camera.device for camera in client.announced.cameras]

    def page(number: int) -> list[str]:
        query = f"EntityTypes@Camera,Page={number},PageSize=2"
        return [row["Guid"] for row in client.ask("GET", "/report/EntityConfiguration", query)["Result"]]

    assert page(1) == guids
    assert page(2) == guids[2:]
    assert page(3) == []


def test_entities_are_searched_by_type_and_name(client: Client) -> None:
    query = "EntityTypes@Camera@Alarm,Name=VIGIE,NameSearchMode=StartsWith,DownloadAllRelatedData=true"
    assert client.ask("GET", "/report/EntityConfiguration", query)["Result"] == [{"Guid": client.alarm}]


def test_what_was_published_is_found_by_camera_and_time(client: Client) -> None:
    other = client.announced.cameras[1].device
    client.raised("here")
    client.raised("there", camera=other)
    client.ask("POST", "/action", f"AddCameraBookmark({client.camera},{AT},marked)")
    events = client.ask("GET", "/report/CameraEvent", f"Cameras@{client.camera}")["Result"]
    assert [(row["CameraGuid"], row["EventType"], row["Notes"]) for row in events] == [(client.camera, 15, "here")]
    for end, found in (("2026-11-20T10:15:31Z", ["marked"]), ("2026-11-20T10:15:30Z", [])):
        query = f"Cameras@{client.camera}@{other},TimeRange.SetTimeRange(2026-11-20T10:15:00Z,{end})"
        assert [row["Notes"] for row in client.ask("GET", "/report/Bookmark", query)["Result"]] == found


def test_alarm_activity_is_filtered_by_alarm_and_state(client: Client) -> None:
    client.raised("first")
    client.raised("second")
    client.ask("GET", "/alarm", f"AcknowledgeAlarm(1,{client.alarm},Nack)")
    rows = client.ask("GET", "/report/AlarmActivity", f"Alarms@({client.alarm}),States@Active")["Result"]
    assert [(row["InstanceId"], row["TriggerEntity"], row["State"]) for row in rows] == [(2, client.camera, "Active")]
    rows = client.ask("GET", "/report/AlarmActivity", f"Alarms@{client.alarm},InstanceId=1")["Result"]
    assert [row["State"] for row in rows] == ["Acked"]


def test_too_many_rows_are_cut_and_said(client: Client) -> None:
    for text in ("a", "b", "c"):
        client.raised(text)
    answer = client.ask("GET", "/report/CameraEvent", f"Cameras@{client.camera},MaximumResultCount=2")
    assert (answer["Status"], [row["Notes"] for row in answer["Result"]]) == ("TooManyResults", ["a", "b"])


@pytest.mark.parametrize(
    ("report", "query"),
    [
        ("Bookmark", ""),
        ("Bookmark", "TimeRange.SetTimeRange(now,later)"),
        ("Bookmark", "TimeRange=now"),
        ("Bookmark", "Doors@x"),
        ("EntityConfiguration", "Page=1"),
        ("EntityConfiguration", "EntityTypes@Camera,Page=0"),
        ("DoorActivity", "Doors@x"),
    ],
)
def test_a_report_without_a_filter_it_knows_fails(client: Client, report: str, query: str) -> None:
    assert client.ask("GET", f"/report/{report}", query)["Status"] == "Fail"


@pytest.mark.parametrize(
    ("outcome", "is_processed"), [("503", False), ("drop", False), ("accept-then-drop", True), ("fail", False)]
)
def test_a_publish_fault_counts_once_and_is_processed_or_not(client: Client, outcome: str, is_processed: bool) -> None:
    client.order("publish", outcome)
    if "drop" in outcome:
        with pytest.raises(requests.exceptions.ConnectionError):
            client.raised("faulty")
    elif outcome == "503":
        assert client.send("POST", f"/events/RaiseCustomEvent/5000/{client.camera}/faulty").status_code == 503
    else:
        assert client.raised("faulty")["Status"] == "Fail"
    assert len(client.ledger("event")) == is_processed
    assert client.raised("after") == {"Status": "Ok"}


def test_what_is_answered_too_late_was_done_all_the_same(client: Client) -> None:
    client.order("publish", "slow")
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.http.post(f"{client.announced.url}/events/RaiseCustomEvent/5000/{client.camera}/slow", timeout=(5, 0.05))
    assert [event["text"] for event in client.ledger("event")] == ["slow"]
    assert client.raised("after") == {"Status": "Ok"}


def test_reading_is_not_hit_by_publish_faults(client: Client) -> None:
    client.order("publish", "503", repeat=True)
    assert client.ask("GET", "/entity", f"entity={client.camera},Name")["Status"] == "Ok"
    for verb, path in (("GET", f"/alarm?q=TriggerAlarm({client.alarm})"), ("POST", "/action?q=x")):
        assert client.send(verb, path).status_code == 503
