from __future__ import annotations

import json
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from core.errors import NotFoundInVms, RequestInvalid
from core.types import Delivery
from tests.connectors.genetec.access.test_query import arguments_of
from tests.connectors.genetec.samples import ALARM, CAMERA, GUID, URL, alert, connector, delivery, fail, ok, queries

EVENT_URL = f"{URL}/events/RaiseCustomEvent/5000/{GUID}"


@pytest.mark.parametrize(
    ("given", "actions"),
    [
        ({}, ("event", "bookmark")),
        ({"publish": ["event", "alarm", "bookmark"]}, ("event", "bookmark")),
        ({"publish": ["bookmark", "alarm"]}, ("bookmark", "event")),
        ({"publish": ["event", "alarm"], "alarm_route": "direct", "alarm": ALARM}, ("event", "alarm")),
        ({"publish": ["alarm"], "alarm_route": "direct", "alarm": ALARM}, ("alarm",)),
        ({"publish": []}, ()),
    ],
)
def test_an_alarm_by_event_to_action_is_the_event_and_never_twice(
    given: dict[str, Any], actions: tuple[str, ...]
) -> None:
    assert connector(**given).actions() == actions


@responses.activate
def test_an_event_is_raised_on_its_camera_with_a_message_and_a_hidden_payload() -> None:
    responses.post(EVENT_URL, json=ok())
    connector().publish(delivery("event"), alert("Porte #3, zone A/B"), CAMERA)
    request = responses.calls[0].request
    (message,) = parse_qs(urlsplit(str(request.url)).query)["msg"]
    assert message.startswith("Porte No 3, zone A/B | person 91% | 2027-01-15T07:59:58.000Z | rule:voie-interdite | ")
    assert message.endswith(delivery("event").token)
    (part,) = parts_of(request)
    assert part.get_param("name", header="content-disposition") == "payload"
    assert part.get_filename() is None
    assert part.get_content_type() == "payload/txt"
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.isascii()
    payload = json.loads(content)
    assert payload["key"] == str(delivery("event").key)
    assert payload["objects"] == [{"label": "person", "confidence": 0.914, "box": [0.41, 0.22, 0.5, 0.52]}]
    assert payload["captured_at"] == "2027-01-15T07:59:58.000Z"


def parts_of(request: Any) -> list[Any]:
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    payload = message_from_bytes(head + request.body).get_payload()
    assert isinstance(payload, list)
    return payload


@responses.activate
def test_a_bookmark_marks_the_capture_time_of_its_camera() -> None:
    responses.post(f"{URL}/action", json=ok())
    connector().publish(delivery("bookmark"), alert("Zone (nord), {x}"), CAMERA)
    (query,) = queries(responses.calls)
    method, (camera, moment, text) = arguments_of(query)
    assert (method, camera, moment) == ("AddCameraBookmark", GUID, "2027-01-15T07:59:58.000Z")
    assert text.startswith("Zone (nord), {x} | ")
    assert text.endswith(delivery("bookmark").token)


@responses.activate
def test_a_direct_alarm_is_triggered_by_its_guid() -> None:
    responses.get(f"{URL}/alarm", json=ok())
    vms = connector(publish=["alarm"], alarm_route="direct", alarm=ALARM)
    vms.publish(delivery("alarm"), alert(), CAMERA)
    assert queries(responses.calls) == [f"TriggerAlarm({ALARM})"]


@responses.activate
def test_an_unknown_camera_is_refused_as_such() -> None:
    responses.post(EVENT_URL, json=fail("UnableToRetrieveEntity"))
    with pytest.raises(NotFoundInVms):
        connector().publish(delivery("event"), alert(), CAMERA)


def test_an_action_that_security_center_does_not_know_is_refused() -> None:
    with pytest.raises(RequestInvalid):
        connector().publish(delivery("metadata"), alert(), CAMERA)


@responses.activate
def test_a_long_name_leaves_the_token_whole() -> None:
    responses.post(EVENT_URL, json=ok())
    connector().publish(delivery("event"), alert("é" * 5000), CAMERA)
    url = str(responses.calls[0].request.url)
    assert delivery("event").token in parse_qs(urlsplit(url).query)["msg"][0]
    assert len(url) < 2000


def test_events_and_bookmarks_of_one_alert_have_tokens_of_their_own() -> None:
    tokens: list[Delivery] = [delivery("event"), delivery("bookmark")]
    assert tokens[0].token != tokens[1].token
