from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.connectors.milestone.simulator.running import INSTANCE, TIMEOUT_S, Running, event_xml, run

pytestmark = pytest.mark.slow

OBJECTS = (
    "<RuleList><Rule><Name>Zone 7</Name><PolygonList><Polygon><PointList><Point><X>0.1</X><Y>0.2</Y></Point>"
    "</PointList></Polygon></PolygonList></Rule></RuleList>"
    "<ObjectList><Object><Name>Person</Name><Confidence>0.93</Confidence><BoundingBox><Top>0.31</Top><Left>0.22</Left>"
    "<Bottom>0.78</Bottom><Right>0.36</Right></BoundingBox></Object></ObjectList>"
    "<Vendor><Name>Vigie</Name><CustomData>{&quot;key&quot;:&quot;key-1&quot;}</CustomData></Vendor>"
)


def test_an_event_is_taken_and_all_it_says_is_in_the_ledger(fresh: Running) -> None:
    answer = fresh.post_event(event_xml(fresh.camera.upper(), tag="key-1", before_end=OBJECTS))
    assert (answer.status_code, answer.text) == (200, "OK")
    [record] = fresh.ledger("event")
    assert record["id"] == "5f2d2f9e-6b8c-4a6e-9a2f-51c1b7f0a001"
    assert (record["custom_tag"], record["custom_data"]) == ("key-1", '{"key":"key-1"}')
    assert (record["camera"], record["camera_name"], record["event_type"]) == (fresh.camera, "gate", "Vigie")
    assert record["objects"][0]["box"] == {"top": 0.31, "left": 0.22, "bottom": 0.78, "right": 0.36}
    assert record["rules"] == [{"id": "", "name": "Zone 7", "polygons": [[[0.1, 0.2]]]}]


def test_the_same_event_twice_is_two(fresh: Running) -> None:
    for _ in range(2):
        fresh.post_event(event_xml(fresh.camera))
    assert len(fresh.ledger("event")) == 2


def test_an_unknown_message_is_answered_200_with_a_warning_and_has_no_effect(fresh: Running) -> None:
    answer = fresh.post_event(event_xml(fresh.camera, message="vigie"))
    assert (answer.status_code, answer.text) == (200, "Warning: Event message not known")
    assert fresh.ledger("event") == []


@pytest.mark.parametrize(
    ("source", "is_known"),
    [
        (None, True),
        (f"<Name>gate</Name><FQID><ObjectId>{INSTANCE}</ObjectId></FQID>", False),
        ("<Name>10.20.0.1</Name>", True),
        ("<Name>http://10.20.0.1/</Name>", True),
        ("<Name>10.20.0.1,0</Name>", True),
        ("<Name>10.20.0.2</Name>", False),
        ("<Name>gate</Name>", False),
        ("<Name>[</Name>", False),
        ("", False),
    ],
)
def test_the_source_must_be_a_known_camera(fresh: Running, source: str | None, is_known: bool) -> None:
    answer = fresh.post_event(event_xml(fresh.camera, source=source))
    assert answer.status_code == 200
    assert answer.text.startswith("OK" if is_known else "Warning: ")
    assert len(fresh.ledger("event")) == is_known


@pytest.mark.parametrize(
    "document", ["", "<a/>", "<AnalyticsEvent xmlns='urn:milestone-systems'/>", OBJECTS.replace("0.93", "93")]
)
def test_a_schema_error_is_answered_400(fresh: Running, document: str) -> None:
    body = event_xml(fresh.camera, before_end=document) if document == OBJECTS.replace("0.93", "93") else document
    answer = fresh.post_event(body)
    assert answer.status_code == 400
    assert fresh.ledger("event") == []


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("PUT", "/", {"Content-Type": "text/xml"}),
        ("POST", "/event", {"Content-Type": "text/xml"}),
        ("POST", "/", {"Content-Type": "application/xml"}),
        ("POST", "/", {"Content-Type": "application/json"}),
    ],
)
def test_only_a_post_of_text_xml_to_the_root_is_served(
    simulator: Running, method: str, path: str, headers: dict[str, str]
) -> None:
    host, port = simulator.event_server
    answer = requests.request(method, f"http://{host}:{port}{path}", data=b"<a/>", headers=headers, timeout=TIMEOUT_S)
    assert answer.status_code == 400


def test_a_body_without_content_length_is_refused(simulator: Running) -> None:
    def chunks() -> Iterator[bytes]:
        yield event_xml(simulator.camera).encode()

    host, port = simulator.event_server
    answer = requests.post(
        f"http://{host}:{port}/",
        data=chunks(),
        headers={"Content-Type": "text/xml"},
        timeout=TIMEOUT_S,
    )
    assert (answer.status_code, answer.text) == (400, "Content-Length is missing")


def test_several_events_go_over_one_kept_connection(fresh: Running) -> None:
    document = event_xml(fresh.camera).encode()
    request = (
        b"POST / HTTP/1.1\r\nHost: vms\r\nContent-Type: text/xml\r\nContent-Length: %d\r\nConnection: Keep-Alive\r\n\r\n"
    ) % len(document)
    with socket.create_connection(fresh.event_server, timeout=TIMEOUT_S) as connection:
        reader = connection.makefile("rb")
        for _ in range(3):
            connection.sendall(request + document)
            assert reader.readline() == b"HTTP/1.1 200 OK\r\n"
            lengths = [line for line in iter(reader.readline, b"\r\n") if line.lower().startswith(b"content-length:")]
            assert reader.read(int(lengths[0].split(b":")[1])) == b"OK"
        reader.close()
    assert len(fresh.ledger("event")) == 3


def test_an_address_that_is_not_allowed_is_answered_403(video: Path) -> None:
    with run(video, "--allow-address", "192.0.2.7") as closed:
        assert closed.post_event(event_xml(closed.camera)).status_code == 403
        assert closed.ledger("event") == []


def test_nothing_listens_while_analytics_events_are_switched_off(video: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        port = placeholder.getsockname()[1]
    with run(video, "--no-analytics-events", "--event-port", str(port)) as silent:
        assert silent.announced.extra["event_server"] is None
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)


def test_analytics_events_are_known_by_the_names_given(video: Path) -> None:
    with run(video, "--analytics-event", "Intrusion", "--analytics-event", "Fire") as named:
        assert named.post_event(event_xml(named.camera, message="Fire")).text == "OK"
        assert named.post_event(event_xml(named.camera)).text.startswith("Warning")
