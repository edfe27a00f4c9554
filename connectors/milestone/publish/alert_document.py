"""An alert in Milestone's XML, namespace ``urn:milestone-systems``: as an analytics event and as an alarm.

The analytics event follows ``AnalyticsEvent.xsd``; the alarm is the data contract of the event server's alarm service.
Both use the same elements in the same strict order, so one writer serves both.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass

from lxml import etree

from config.model import CameraSettings
from connectors.milestone.inventory.inventory import KnownCamera, canonical_id
from connectors.milestone.publish import wording
from core.clock import utc_datetime
from core.types import Alert, AlertObject, Box, Delivery, Point, Polygon, Priority, UtcSeconds

NAMESPACE = "urn:milestone-systems"
CAMERA_KIND = "5135ba21-f1dc-4321-806a-6ce2017343c0"
ALARM_PRIORITIES = {Priority.HIGH: 1, Priority.MEDIUM: 2, Priority.LOW: 3}
"""XProtect's default alarm priorities count from 1 (High); that an event's number means the same is unverified."""

NEW_STATE = 1
"""State "New": Milestone's AlarmList sample numbers New 1, In progress 4, On hold 9, Closed 11."""

_RULE_COLOUR = (255, 255, 0, 0)
_OBJECT_COLOUR = (255, 255, 255, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmContent:
    """All that an event or an alarm tells. ``known``: the camera as the VMS has it, where that could be asked."""

    delivery: Delivery
    alert: Alert
    camera: CameraSettings
    known: KnownCamera | None = None


def analytics_event(content: AlarmContent, event_name: str) -> bytes:
    """The Analytics Event as UTF-8 XML; ``event_name`` is what makes XProtect know it."""
    root = _root("AnalyticsEvent")
    _describe(root, content, message=event_name, description=wording.summary(content.alert, content.camera))
    _details(root, content)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def alarm_parts(content: AlarmContent) -> list[etree._Element]:
    """The members of an ``Alarm``, in the order of its data contract.

    The camera is also a reference, so that it counts among the alarm's related cameras. The alarm's own id is the
    delivery's key; its ``CustomTag`` the delivery's token.
    """
    alert, camera = content.alert, content.camera
    root = _root("Alarm")
    said = wording.description(content.delivery, alert, camera)
    _describe(root, content, message=wording.title(alert), description=said)
    _add(root, "State", str(NEW_STATE))
    _details(root, content, has_reference=True)
    return list(root)


def _describe(root: etree._Element, content: AlarmContent, *, message: str, description: str) -> None:
    """The members with which both begin. An alarm has its state and category after ``Location``, an event nothing."""
    _header(_add(root, "EventHeader"), content, message)
    _add(root, "Description", description)
    _add(root, "StartTime", _time(content.alert.started_at))
    _add(root, "EndTime", _time(content.alert.captured_at))
    _add(root, "Location", wording.camera_name(content.camera))


def _details(root: etree._Element, content: AlarmContent, *, has_reference: bool = False) -> None:
    alert = content.alert
    _rule(_add(_add(root, "RuleList"), "Rule"), alert)
    if alert.objects:
        objects = _add(root, "ObjectList")
        for item in alert.objects:
            _object(_add(objects, "Object"), item)
    if has_reference:
        _fqid(_add(_add(root, "ReferenceList"), "Reference"), content)
    if alert.snapshot_jpeg:
        _snapshot(_add(_add(root, "SnapshotList"), "Snapshot"), alert.snapshot_jpeg)
    _vendor(_add(root, "Vendor"), content.delivery, alert)


def _header(header: etree._Element, content: AlarmContent, message: str) -> None:
    alert = content.alert
    _add(header, "ID", str(content.delivery.key))
    _add(header, "Timestamp", _time(alert.captured_at))
    _add(header, "Class", "Analytics")
    _add(header, "Type", alert.rule_type)
    _add(header, "Version", "1.0")
    _add(header, "Priority", str(ALARM_PRIORITIES[alert.priority]))
    _add(header, "Name", wording.title(alert))
    _add(header, "Message", message)
    _add(header, "CustomTag", content.delivery.token)
    source = _add(header, "Source")
    _add(source, "Name", wording.camera_name(content.camera))
    _fqid(source, content)


def _fqid(parent: etree._Element, content: AlarmContent) -> None:
    fqid = _add(parent, "FQID")
    if content.known is not None:
        server = _add(fqid, "ServerId")
        _add(server, "Type", "XPCORS")  # free text in the schema; this value for a recorder is unverified
        _add(server, "Id", content.known.recorder.recorder_id)
    _add(fqid, "ObjectId", canonical_id(content.camera.device))
    _add(fqid, "Kind", CAMERA_KIND)


def _rule(rule: etree._Element, alert: Alert) -> None:
    _add(rule, "Name", wording.title(alert))
    _add(rule, "Type", alert.rule_type)
    if alert.zone or alert.line:
        polygons = _add(rule, "PolygonList")
        for points, is_closed in ((alert.zone, True), (alert.line, False)):
            if points:
                _polygon(_add(polygons, "Polygon"), points, _RULE_COLOUR, is_closed=is_closed)


def _object(element: etree._Element, item: AlertObject) -> None:
    _add(element, "Name", item.label)
    _add(element, "Type", item.label)
    _add(element, "Confidence", _share(item.score))
    _add(element, "Value", f"track {item.track_id}")
    _add(element, "AlarmTrigger", "true")
    box = _add(element, "BoundingBox")
    for side in ("top", "left", "bottom", "right"):
        _add(box, side.capitalize(), _share(getattr(item.box, side)))
    _colour(_add(box, "Color"), _OBJECT_COLOUR)
    _polygon(_add(element, "Polygon"), _corners(item.box), _OBJECT_COLOUR, is_closed=True)


def _polygon(element: etree._Element, points: Polygon, colour: tuple[int, int, int, int], *, is_closed: bool) -> None:
    _add(element, "Closed", "true" if is_closed else "false")
    _colour(_add(element, "Color"), colour)
    listed = _add(element, "PointList")
    for x, y in points:
        point = _add(listed, "Point")
        _add(point, "X", _share(x))
        _add(point, "Y", _share(y))


def _colour(element: etree._Element, colour: tuple[int, int, int, int]) -> None:
    for channel, value in zip("ARGB", colour, strict=True):
        _add(element, channel, str(value))


def _corners(box: Box) -> tuple[Point, ...]:
    return (box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)


def _snapshot(element: etree._Element, jpeg: bytes) -> None:
    _add(element, "TimeOffset", "0")
    _add(element, "SizeInBytes", str(len(jpeg)))
    _add(element, "Image", b64encode(jpeg).decode())


def _vendor(element: etree._Element, delivery: Delivery, alert: Alert) -> None:
    _add(element, "Name", "Vigie")
    told = {
        "key": str(delivery.key),
        "alert": str(alert.alert_id),
        "rule": alert.rule_id,
        "tracks": [item.track_id for item in alert.objects],
        "details": dict(alert.details),
    }
    _add(element, "CustomData", json.dumps(told))


def _root(name: str) -> etree._Element:
    return etree.Element(_q(name), nsmap={None: NAMESPACE})  # type: ignore[dict-item]  # the stubs forget the default namespace


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, _q(name))
    if text is not None:
        element.text = wording.xml_text(text)
    return element


def _q(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _share(value: float) -> str:
    """A coordinate or score within 0..1, as the schema's comments want it."""
    return f"{min(1.0, max(0.0, value)):.4f}"


def _time(moment: UtcSeconds) -> str:
    return utc_datetime(moment).isoformat(timespec="milliseconds")
