from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st
from lxml import etree

from connectors.milestone.inventory.inventory import KnownCamera, Recorder
from connectors.milestone.publish.alert_document import (
    CAMERA_KIND,
    NAMESPACE,
    AlarmContent,
    alarm_parts,
    analytics_event,
)
from core.types import AlertObject, Box, Priority
from tests.connectors.milestone.support import DEVICE, RECORDER, alert, camera, delivery
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


def content(known: KnownCamera | None = KNOWN, action: str = "event", **changes: Any) -> AlarmContent:
    return AlarmContent(delivery=delivery(action), alert=alert(**changes), camera=camera(), known=known)


def built(**changes: Any) -> etree._Element:
    return etree.fromstring(analytics_event(content(**changes), "Vigie"))


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
    root = etree.fromstring(analytics_event(content(known=None), "Vigie"))
    schema.assertValid(root)
    assert root.find(".//m:ServerId", NS) is None


@pytest.mark.shared_data
@tried(deadline=None)
@given(words=st.text(max_size=40))
def test_whatever_people_type_the_document_is_valid_xml(schema: etree.XMLSchema, words: str) -> None:
    person = AlertObject(track_id=1, label=words, score=0.5, box=Box(left=0, top=0, right=1, bottom=1))
    shown = alert(rule_name=words, rule_type=words, objects=(person,), details={"said": words})
    told = AlarmContent(delivery=delivery("event"), alert=shown, camera=camera(name=words), known=KNOWN)
    schema.assertValid(etree.fromstring(analytics_event(told, words)))


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


ALARM_MEMBERS = [
    "EventHeader", "Description", "StartTime", "EndTime", "Location", "State", "StateName", "Category", "CategoryName",
    "AssignedTo", "Count", "RuleList", "ObjectList", "ReferenceList", "SnapshotList", "Vendor",
]  # fmt: skip


def alarm(**changes: Any) -> etree._Element:
    root = etree.Element("Alarm")
    root.extend(alarm_parts(content(action="alarm", **changes)))
    return root


@pytest.mark.parametrize("changes", [{}, {"objects": (), "zone": (), "snapshot_jpeg": b""}])
def test_an_alarm_has_its_members_in_the_order_of_its_data_contract(changes: dict[str, Any]) -> None:
    names = [etree.QName(item).localname for item in alarm(**changes)]
    assert names == [name for name in ALARM_MEMBERS if name in names]
    assert {"EventHeader", "Description", "State", "RuleList", "ReferenceList", "Vendor"} <= set(names)


@pytest.mark.shared_data
def test_what_an_alarm_shares_with_an_event_is_valid_for_the_events_schema(schema: etree.XMLSchema) -> None:
    root = etree.Element(f"{{{NAMESPACE}}}AnalyticsEvent")
    root.extend(part for part in alarm_parts(content(action="alarm")) if etree.QName(part).localname != "State")
    schema.assertValid(root)


def test_an_alarm_is_known_by_key_and_token_and_tells_what_rest_tells() -> None:
    root = alarm()
    token = delivery("alarm").token
    assert text(root, "m:EventHeader/m:ID") == str(delivery("alarm").key)
    assert text(root, "m:EventHeader/m:CustomTag") == token
    assert text(root, "m:EventHeader/m:Message") == "Voie interdite"
    assert text(root, "m:Description") == f"Voie interdite on Quai 1: person 0.93 at 2025-11-20T10:02:03.456Z {token}"
    assert text(root, "m:State") == "1"


def test_the_alarms_camera_is_a_related_camera_too() -> None:
    assert text(alarm(), "m:ReferenceList/m:Reference/m:FQID/m:ObjectId") == DEVICE
