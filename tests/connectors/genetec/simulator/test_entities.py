from __future__ import annotations

import pytest

from connectors.genetec.simulator.site import SYSTEM_CONFIGURATION, seconds_of, time_span
from core.errors import RequestInvalid
from tests.connectors.genetec.simulator.running import UNKNOWN, Client

pytestmark = pytest.mark.slow

ADMIN = "00000000-0000-0000-0000-000000000003"
ALWAYS = "00000000-0000-0000-0000-000000000006"


def test_one_entity_is_an_object_and_several_are_a_list(client: Client) -> None:
    first, second, _ = (camera.device for camera in client.announced.cameras)
    one = client.ask("GET", "/entity", f"entity={first},Guid,Name,EntityType,LogicalId")["Result"]
    assert one == {"Guid": first, "Name": "Dock 1", "EntityType": "Camera", "LogicalId": 1}
    both = client.ask("GET", "/entity", f"entity={first},Name,entity={second},Name")["Result"]
    assert both == [{"Name": "Dock 1"}, {"Name": "Dock 2"}]


@pytest.mark.parametrize("reference", ["LogicalId(Camera,2)", "logicalid(camera, 2)"])
def test_a_logical_id_stands_for_a_guid(client: Client, reference: str) -> None:
    assert client.ask("GET", "/entity", f"entity={reference},Name")["Result"] == {"Name": "Dock 2"}
    assert client.ask("GET", f"/entity/exists/{reference}")["Result"] == {"Value": True}


def test_entities_are_read_by_path(client: Client) -> None:
    assert client.ask("GET", f"/entity/exists/{UNKNOWN}")["Result"] == {"Value": False}
    assert client.ask("GET", f"/entity/basic/{client.camera}")["Result"]["Name"] == "Dock 1"
    assert client.ask("GET", f"/entity/{client.alarm}")["Result"]["ReactivationThreshold"] == "00:00:00"


def test_a_property_is_set_by_get_and_by_post(client: Client) -> None:
    for verb, name in (("GET", "North gate"), ("POST", "Gate\\, north")):
        assert client.ask(verb, "/entity", f"entity={client.camera},Name={name}") == {"Status": "Ok"}
    assert client.ask("GET", "/entity", f"entity={client.camera},Name")["Result"]["Name"] == "Gate, north"


def test_an_alarm_is_created_and_its_guid_returned(client: Client) -> None:
    query = (
        "entity=NewEntity(Alarm),Name=AI intrusion,Priority=2,AutoAcknowledgmentDelay=0:05:00,"
        f"ReactivationThreshold=00:00:30,Recipients@({ADMIN},00:00:01),Schedule={ALWAYS},Guid"
    )
    guid = client.ask("POST", "/entity", query)["Result"]["Guid"]
    read = client.ask("GET", "/entity", f"entity={guid},Name,Priority,Recipients")["Result"]
    assert read == {"Name": "AI intrusion", "Priority": 2, "Recipients": [ADMIN]}
    assert client.ask("DELETE", f"/entity/{guid}") == {"Status": "Ok"}
    assert client.ask("GET", f"/entity/exists/{guid}")["Result"] == {"Value": False}


def test_a_custom_event_is_added_read_and_removed(client: Client) -> None:
    system = f"entity={SYSTEM_CONFIGURATION}"
    assert client.ask("POST", "/entity", f"{system},CustomEvents.Add(5001,Intrusion (AI),Camera)") == {"Status": "Ok"}
    read = client.ask("GET", "/entity", f"{system},CustomEvents")["Result"]["CustomEvents"]
    assert [(event["Id"], event["Name"]) for event in read] == [(5000, "Vigie"), (5001, "Intrusion (AI)")]
    assert client.ask("POST", "/entity", f"{system},CustomEvents-5001") == {"Status": "Ok"}
    assert client.raised("gone", event=5001)["Status"] == "Fail"


def test_event_to_actions_are_shown_on_cameras(client: Client) -> None:
    read = client.ask("GET", "/entity", f"entity={client.camera},EventToActions")["Result"]["EventToActions"]
    assert [(link["CustomEventId"], link["Alarm"]) for link in read] == [(5000, client.alarm)]
    assert client.ask("GET", "/entity", f"entity={client.alarm},EventToActions")["Result"] == {"EventToActions": []}


@pytest.mark.parametrize(
    "query",
    [
        "Name",
        f"entity={UNKNOWN},Name",
        "entity={camera},Nonsense",
        "entity={camera},Nonsense=1",
        "entity={camera},Priority=1",
        "entity={camera},LogicalId=x",
        "entity={camera},Name=Gate, north",
        "entity=NewEntity(Camera),Name=x",
        "entity={alarm},Priority=0",
        "entity={alarm},ReactivationThreshold=soon",
        "entity={alarm},Recipients-{camera}",
        "entity={alarm},Recipients.Add(x)",
        f"entity={SYSTEM_CONFIGURATION},CustomEvents.Add(5000,Taken,Camera)",
        f"entity={SYSTEM_CONFIGURATION},CustomEvents.Add(x,Name,Camera)",
        f"entity={SYSTEM_CONFIGURATION},CustomEvents.Add(7,Name (a, b),Camera)",
        f"entity={SYSTEM_CONFIGURATION},CustomEvents*",
        "entity={camera},Name=#1",
        "",
    ],
)
def test_a_wrong_query_fails_in_the_envelope(client: Client, query: str) -> None:
    filled = query.replace("{camera}", client.camera).replace("{alarm}", client.alarm)
    assert client.ask("POST", "/entity", filled)["Status"] == "Fail"


@pytest.mark.parametrize(
    ("text", "seconds"), [("00:00:30", 30), ("0:05:00", 300), ("1.02:00:00", 93_600), ("00:00:01.500", 1)]
)
def test_time_spans_are_read(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(("seconds", "text"), [(30, "00:00:30"), (93_600, "1.02:00:00")])
def test_time_spans_are_written(seconds: int, text: str) -> None:
    assert time_span(seconds) == text


def test_what_is_no_time_span_is_refused() -> None:
    with pytest.raises(RequestInvalid):
        seconds_of("soon")
