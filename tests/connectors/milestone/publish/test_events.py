from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import responses
from lxml import etree
from structlog.testing import capture_logs

from connectors.milestone.connector import MilestoneConnector
from connectors.milestone.publish.alert_document import NAMESPACE
from core.clock import ManualClock
from core.errors import (
    NotFoundInVms,
    ReplyLost,
    RequestInvalid,
    RightMissing,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)
from core.types import Receipt
from tests.connectors.milestone.gateway import add_list, gateway
from tests.connectors.milestone.support import (
    DEVICE,
    RECORDER,
    REST,
    Link,
    alert,
    camera,
    connector,
    delivery,
    http_answer,
    scripted_server,
    services,
    settings,
)

RECORDER_ID = (
    f"{{{NAMESPACE}}}EventHeader/{{{NAMESPACE}}}Source/{{{NAMESPACE}}}FQID/{{{NAMESPACE}}}ServerId/{{{NAMESPACE}}}Id"
)


@pytest.fixture
def vms() -> Iterator[None]:
    with gateway():
        yield


def publish(port: int, **changes: Any) -> Receipt:
    used = connector(event_server=f"127.0.0.1:{port}", **changes)
    try:
        return used.publish(delivery("event"), alert(), camera())
    finally:
        used.close()


@pytest.mark.usefixtures("vms")
def test_an_event_is_posted_as_xml_on_a_connection_of_its_own() -> None:
    script = http_answer("200 OK", "Event accepted")
    with scripted_server(script) as server:
        assert publish(server.port).remote_id == str(delivery("event").key)
    head, _, body = script.received[0].partition(b"\r\n\r\n")  # type: ignore[attr-defined]
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post / http/1.1"
    assert {"content-type: text/xml", f"content-length: {len(body)}", "connection: close"} <= set(lines)
    root = etree.fromstring(body)
    assert root.findtext(RECORDER_ID) == RECORDER


@pytest.mark.parametrize(
    ("status", "body", "kind", "remedy"),
    [
        ("200 OK", "Warning: Event message not known", NotFoundInVms, "Analytics Events: add one named 'Vigie'"),
        ("200 OK", f"{'<p>' * 100}Warning: Event message not known", NotFoundInVms, "add one named 'Vigie'"),
        ("200 OK", "Warning: Event source not known", NotFoundInVms, "vigie check"),
        ("400 Bad Request", "Timestamp is invalid", RequestInvalid, "fault of Vigie"),
        ("403 Forbidden", "", RightMissing, "allow this machine's address"),
        ("302 Found", "", VmsRefused, ""),
        ("500 Internal Server Error", "", ReplyLost, ""),
        ("503 Service Unavailable", "", VmsUnavailable, ""),
    ],
)
@pytest.mark.usefixtures("vms")
def test_every_answer_of_the_event_server_becomes_the_error_it_means(
    status: str, body: str, kind: type[VmsError], remedy: str
) -> None:
    with scripted_server(http_answer(status, body)) as server, pytest.raises(kind) as caught:
        publish(server.port)
    assert type(caught.value) is kind
    assert remedy in caught.value.remedy


@pytest.mark.usefixtures("vms")
def test_a_closed_port_9090_is_unavailable_and_says_where_to_enable_it() -> None:
    with scripted_server(http_answer("200 OK", "")) as server:
        port = server.port
    with pytest.raises(VmsUnavailable) as caught:
        publish(port)
    assert type(caught.value) is VmsUnavailable
    assert "Tools → Options → Analytics Events" in caught.value.remedy


def reads_and_hangs_up(link: Link) -> None:
    link.request()


@pytest.mark.usefixtures("vms")
def test_an_event_server_that_hangs_up_before_answering_is_a_lost_reply() -> None:
    with scripted_server(reads_and_hangs_up) as server, pytest.raises(ReplyLost):
        publish(server.port)


def test_while_the_gateway_is_down_the_event_goes_without_its_recorder() -> None:
    script = http_answer("200 OK", "")
    with gateway() as mock, scripted_server(script) as server:
        mock.replace("GET", f"{REST}/cameras/{DEVICE}", status=503)
        publish(server.port)
    assert b"ServerId" not in script.received[0]  # type: ignore[attr-defined]


def test_once_the_camera_is_known_events_wait_for_the_event_server_only() -> None:
    script = http_answer("200 OK", "")
    with gateway() as mock, scripted_server(script) as server:
        clock = ManualClock()
        used = MilestoneConnector(settings(event_server=f"127.0.0.1:{server.port}"), services(clock=clock))
        used.publish(delivery("event"), alert(), camera())
        asked = len(mock.calls)
        clock.advance(3600.0)
        used.publish(delivery("event"), alert(), camera())
        assert len(mock.calls) == asked
        used.close()
    assert RECORDER.encode() in script.received[1]  # type: ignore[attr-defined]


def test_an_event_of_a_camera_that_xprotect_does_not_know_is_not_sent() -> None:
    received: list[Link] = []
    with gateway() as mock, scripted_server(received.append) as server:
        mock.replace("GET", f"{REST}/cameras", json={"array": []})
        mock.replace("GET", f"{REST}/cameras/{DEVICE}", status=404, json={})
        with pytest.raises(NotFoundInVms):
            publish(server.port)
    assert not received


EVENTS = f"{REST}/events"
TYPE_ID = "88888888-8888-4888-8888-888888888888"
EVENT_ID = "99999999-9999-4999-8999-999999999999"
MARK = delivery("event").token


@contextmanager
def events_rest(version: str = "25.2.0.1", names: tuple[str, ...] = ("Vigie",)) -> Iterator[responses.RequestsMock]:
    with gateway(version=version) as mock:
        add_list(mock, "analyticsEvents", [{"id": TYPE_ID, "name": name} for name in names])
        mock.post(EVENTS, json={"data": {"id": EVENT_ID}}, status=202)
        mock.get(f"{EVENTS}/{EVENT_ID}", json={"data": {"id": EVENT_ID}})
        yield mock


def by_rest() -> MilestoneConnector:
    return connector(event_route="rest")


def test_by_rest_an_event_is_of_the_analytics_events_type_with_documented_keys_only() -> None:
    with events_rest() as mock:
        assert by_rest().publish(delivery("event"), alert(), camera()) == Receipt(remote_id=EVENT_ID)
        posted = next(call for call in mock.calls if call.request.method == "POST" and call.request.url == EVENTS)
        body = json.loads(bytes(posted.request.body or b""))  # type: ignore[arg-type]
    assert body == {
        "type": TYPE_ID,
        "source": f"cameras/{DEVICE}",
        "data": {
            "Description": f"Voie interdite on Quai 1: person 0.93 at 2025-11-20T10:02:03.456Z {MARK}",
            "StartTime": "2025-11-20T10:02:01.456Z",
            "EndTime": "2025-11-20T10:02:03.456Z",
            "Location": "Quai 1",
        },
    }


def test_by_rest_an_unknown_event_name_is_refused_with_where_to_add_it() -> None:
    with events_rest(names=("Other",)), pytest.raises(NotFoundInVms) as caught:
        by_rest().publish(delivery("event"), alert(), camera())
    assert "Analytics Events: add one named 'Vigie'" in caught.value.remedy


def test_a_release_without_events_rest_refuses_and_names_the_other_route() -> None:
    with events_rest(version="23.1.0.1"), pytest.raises(VmsRefused) as caught:
        by_rest().publish(delivery("event"), alert(), camera())
    assert "event_route: xml" in caught.value.remedy


@pytest.mark.parametrize(("status", "is_told"), [(200, False), (404, True)])
def test_events_that_are_not_stored_are_told_once(status: int, *, is_told: bool) -> None:
    with events_rest() as mock, capture_logs() as logs:
        mock.replace("GET", f"{EVENTS}/{EVENT_ID}", json={"data": {"id": EVENT_ID}}, status=status)
        used = by_rest()
        used.publish(delivery("event"), alert(), camera())
        used.publish(delivery("event"), alert(), camera())
        asked = sum(call.request.url == f"{EVENTS}/{EVENT_ID}" for call in mock.calls)
    told = [entry for entry in logs if entry["event"] == "analytics_events_are_not_stored"]
    assert len(told) == int(is_told)
    assert all("Alarms and Events" in entry["remedy"] for entry in told)
    assert asked == 1


def test_an_event_was_published_even_where_it_cannot_be_read_back_for_now() -> None:
    with events_rest() as mock, capture_logs() as logs:
        mock.replace("GET", f"{EVENTS}/{EVENT_ID}", status=503)
        assert by_rest().publish(delivery("event"), alert(), camera()).remote_id == EVENT_ID
    assert not [entry for entry in logs if entry["event"] == "analytics_events_are_not_stored"]


@pytest.mark.parametrize("data", [{"Description": f"seen {MARK}"}, f'{{"description":"seen {MARK}"}}'])
def test_a_stored_event_is_found_by_its_token_however_its_details_are_written(data: object) -> None:
    listed = [{"id": "a", "time": "2025-11-20T10:02:05Z"}, {"id": EVENT_ID, "data": data}]
    with events_rest() as mock:
        mock.get(EVENTS, json={"array": listed})
        found = by_rest().find(delivery("event"), alert(), camera())
        assert mock.calls[-1].request.params["include"] == "data"  # type: ignore[attr-defined]
    assert found == Receipt(remote_id=EVENT_ID)


def test_a_stored_event_is_asked_for_by_its_id_where_that_is_known() -> None:
    with events_rest():
        found = by_rest().find(delivery("event", remote_id=EVENT_ID), alert(), camera())
    assert found == Receipt(remote_id=EVENT_ID)


def test_an_event_that_is_not_stored_is_not_found() -> None:
    with events_rest() as mock:
        mock.get(EVENTS, json={"array": []})
        assert by_rest().find(delivery("event"), alert(), camera()) is None


@pytest.mark.parametrize(("status", "kind"), [(403, RightMissing), (500, ReplyLost), (503, VmsUnavailable)])
def test_a_refused_event_becomes_the_error_it_means(status: int, kind: type[VmsError]) -> None:
    with events_rest() as mock:
        mock.replace("POST", EVENTS, json={"error": {"details": [{"errorText": "no"}]}}, status=status)
        with pytest.raises(kind) as caught:
            by_rest().publish(delivery("event"), alert(), camera())
    assert type(caught.value) is kind
