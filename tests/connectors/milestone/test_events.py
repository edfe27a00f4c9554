from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st
from lxml import etree

from connectors.milestone.connector import MilestoneConnector
from connectors.milestone.events import CAMERA_KIND, NAMESPACE, document
from connectors.milestone.inventory import KnownCamera, Recorder
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
from core.types import AlertObject, Box, Priority, Receipt
from tests.connectors.milestone.gateway import gateway
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
from tests.shared import shared

NS = {"m": NAMESPACE}
KNOWN = KnownCamera(
    device=DEVICE,
    name="Quai 1",
    is_enabled=True,
    recorder=Recorder(recorder_id=RECORDER, name="REC", url="https://r:7563/", host="r", port=7563, has_tls=True),
)


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(shared("contracts/AnalyticsEvent.xsd")))


def built(**changes: Any) -> etree._Element:
    return etree.fromstring(document(delivery("event"), alert(**changes), camera(), "Vigie", KNOWN))


def text(root: etree._Element, path: str) -> str | None:
    return root.findtext(path, namespaces=NS)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"objects": ()},
        {"zone": ()},
        {"zone": (), "line": ((0.1, 0.2), (0.9, 0.8))},
        {"line": ((0.1, 0.2), (0.9, 0.8))},
        {"snapshot_jpeg": b""},
        {"objects": (), "zone": (), "snapshot_jpeg": b"", "details": {}, "rule_name": ""},
        {"priority": Priority.LOW},
        {
            "objects": (
                AlertObject(track_id=1, label="person", score=1.7, box=Box(left=-1, top=-0.2, right=3, bottom=9)),
            )
        },
        {"details": {"nested": {"a": [1, 2.5, None, "x"]}, "ratio": float("nan")}},
    ],
)
def test_the_document_is_valid_for_alerts_with_and_without_everything(
    schema: etree.XMLSchema, changes: dict[str, Any]
) -> None:
    schema.assertValid(built(**changes))


@pytest.mark.shared_data
def test_the_document_is_valid_without_the_recorder(schema: etree.XMLSchema) -> None:
    root = etree.fromstring(document(delivery("event"), alert(), camera(), "Vigie", None))
    schema.assertValid(root)
    assert root.find(".//m:ServerId", NS) is None


@pytest.mark.shared_data
@tried(deadline=None)
@given(words=st.text(max_size=40))
def test_whatever_people_type_the_document_is_valid_xml(schema: etree.XMLSchema, words: str) -> None:
    person = AlertObject(track_id=1, label=words, score=0.5, box=Box(left=0, top=0, right=1, bottom=1))
    shown = alert(rule_name=words, rule_type=words, objects=(person,), details={"said": words})
    document_ = document(delivery("event"), shown, camera(name=words), words, KNOWN)
    schema.assertValid(etree.fromstring(document_))


def test_the_header_carries_key_capture_time_name_camera_and_recorder() -> None:
    root = built()
    key = delivery("event").key
    assert text(root, "m:EventHeader/m:ID") == str(key)
    assert text(root, "m:EventHeader/m:Timestamp") == "2025-11-20T10:02:03.456+00:00"
    assert text(root, "m:EventHeader/m:Message") == "Vigie"
    assert text(root, "m:EventHeader/m:Name") == "Voie interdite"
    assert text(root, "m:EventHeader/m:CustomTag") == delivery("event").token
    assert text(root, "m:EventHeader/m:Priority") == "1"
    fqid = root.find("m:EventHeader/m:Source/m:FQID", NS)
    assert fqid is not None
    assert text(fqid, "m:ServerId/m:Id") == RECORDER
    assert text(fqid, "m:ObjectId") == DEVICE
    assert text(fqid, "m:Kind") == CAMERA_KIND
    assert text(root, "m:StartTime") == "2025-11-20T10:02:01.456+00:00"
    assert text(root, "m:EndTime") == "2025-11-20T10:02:03.456+00:00"
    assert text(root, "m:Description") == "Voie interdite on Quai 1: person 0.93"


def test_a_zone_is_a_closed_polygon_and_a_line_an_open_one() -> None:
    root = built(line=((0.25, 0.5), (0.75, 0.5)))
    polygons = root.findall("m:RuleList/m:Rule/m:PolygonList/m:Polygon", NS)
    assert [text(polygon, "m:Closed") for polygon in polygons] == ["true", "false"]
    points = [[e.text for e in point] for point in polygons[1].iterfind(".//m:Point", NS)]
    assert points == [["0.2500", "0.5000"], ["0.7500", "0.5000"]]


def test_an_object_is_both_a_box_and_a_closed_polygon() -> None:
    item = built().find("m:ObjectList/m:Object", NS)
    assert item is not None
    sides = [text(item, f"m:BoundingBox/m:{side}") for side in ("Top", "Left", "Bottom", "Right")]
    assert sides == ["0.3100", "0.2200", "0.7800", "0.3600"]
    assert text(item, "m:Polygon/m:Closed") == "true"
    assert len(item.findall("m:Polygon/m:PointList/m:Point", NS)) == 4
    assert text(item, "m:Confidence") == "0.9300"


def test_the_snapshot_and_the_key_travel_along() -> None:
    root = built()
    image = text(root, "m:SnapshotList/m:Snapshot/m:Image")
    assert base64.b64decode(image or "") == b"\xff\xd8jpeg\xff\xd9"
    data = json.loads(text(root, "m:Vendor/m:CustomData") or "")
    assert data["key"] == str(delivery("event").key)
    assert data["details"] == {"dwell_s": 2.0}


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
    assert text(root, "m:EventHeader/m:Source/m:FQID/m:ServerId/m:Id") == RECORDER


@pytest.mark.parametrize(
    ("status", "body", "kind", "remedy"),
    [
        ("200 OK", "Warning: Event message not known", NotFoundInVms, "Analytics Events: add one named 'Vigie'"),
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
        mock.replace("GET", f"{REST}/cameras/{DEVICE}", status=404, json={})
        with pytest.raises(NotFoundInVms):
            publish(server.port)
    assert not received
