"""What an accepted analytics event says, for the ledger and for the alarm it may raise."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from connectors.milestone.simulator.events.analytics_event import NAMESPACE
from core.types import Json

_NAMES = {"m": NAMESPACE}
_OBJECT_FIELDS = ("ID", "Name", "Type", "Description", "Confidence", "Value", "AlarmTrigger")
_BOX_SIDES = ("Top", "Left", "Bottom", "Right")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventText:
    """Texts of a document that ``analytics_event.parse`` took; empty where the document has none."""

    event_id: str
    timestamp: str
    message: str
    name: str
    custom_tag: str
    source_name: str
    source_id: str
    description: str
    details: dict[str, Json]
    """Everything else worth counting on: type, vendor, custom data, objects, rules, snapshots, related cameras."""

    @classmethod
    def of(cls, root: etree._Element) -> EventText:
        """Reads a valid document."""
        return cls(
            event_id=_text(root, "EventHeader/ID"),
            timestamp=_text(root, "EventHeader/Timestamp"),
            message=_text(root, "EventHeader/Message"),
            name=_text(root, "EventHeader/Name"),
            custom_tag=_text(root, "EventHeader/CustomTag"),
            source_name=_text(root, "EventHeader/Source/Name"),
            source_id=_text(root, "EventHeader/Source/FQID/ObjectId"),
            description=_text(root, "Description"),
            details=_details(root),
        )

    def as_json(self) -> dict[str, Json]:
        """For the ledger."""
        return {
            "id": self.event_id,
            "timestamp": self.timestamp,
            "message": self.message,
            "name": self.name,
            "custom_tag": self.custom_tag,
            "source_name": self.source_name,
            "description": self.description,
            **self.details,
        }


def _details(root: etree._Element) -> dict[str, Json]:
    related: list[Json] = [*(reference.text for reference in _all(root, "ReferenceList/Reference/FQID/ObjectId"))]
    snapshots: list[Json] = [len(image.text or "") for image in _all(root, "SnapshotList/Snapshot/Image")]
    return {
        "class": _text(root, "EventHeader/Class"),
        "type": _text(root, "EventHeader/Type"),
        "priority": _text(root, "EventHeader/Priority"),
        "start_time": _text(root, "StartTime"),
        "end_time": _text(root, "EndTime"),
        "location": _text(root, "Location"),
        "vendor": _text(root, "Vendor/Name"),
        "custom_data": _text(root, "Vendor/CustomData"),
        "objects": [_object(element) for element in _all(root, "ObjectList/Object")],
        "rules": [_rule(element) for element in _all(root, "RuleList/Rule")],
        "related_cameras": related,
        "snapshot_characters": snapshots,
    }


def _object(element: etree._Element) -> Json:
    box: dict[str, Json] = {side.lower(): float(_text(element, f"BoundingBox/{side}") or "nan") for side in _BOX_SIDES}
    texts: dict[str, Json] = {name.lower(): _text(element, name) for name in _OBJECT_FIELDS}
    return {**texts, "box": box if _all(element, "BoundingBox") else None}


def _rule(element: etree._Element) -> Json:
    polygons: list[Json] = [
        [[float(_text(point, "X")), float(_text(point, "Y"))] for point in _all(polygon, "PointList/Point")]
        for polygon in _all(element, "PolygonList/Polygon")
    ]
    return {"id": _text(element, "ID"), "name": _text(element, "Name"), "polygons": polygons}


def _text(element: etree._Element, path: str) -> str:
    found = _all(element, path)
    return found[0].text or "" if found else ""


def _all(element: etree._Element, path: str) -> list[etree._Element]:
    return element.findall("/".join(f"m:{step}" for step in path.split("/")), _NAMES)
