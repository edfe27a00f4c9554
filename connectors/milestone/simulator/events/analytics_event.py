"""The rules of an analytics event document, as ``AnalyticsEvent.xsd`` states them, and of a document's text.

Written as data, not derived from the schema file: the simulator ships without it. Namespace ``urn:milestone-systems``,
every element qualified, strict order. Where schema processors differ the strict one is followed: ``xsi:type`` and
space around a date are refused.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from lxml import etree

NAMESPACE = "urn:milestone-systems"

_XML_SPACE = " \t\r\n"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_PERMITTED_ATTRIBUTES = frozenset({f"{_XSI}schemaLocation", f"{_XSI}noNamespaceSchemaLocation"})

_DATE_TIME = re.compile(
    r"-?(?P<year>[1-9][0-9]{4,}|[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2}(?:\.[0-9]+)?)"
    r"(?:Z|[+-](?P<zone_hour>[0-9]{2}):(?P<zone_minute>[0-9]{2}))?"
)
_DOUBLE = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|-?INF|NaN")
_GUID = re.compile(r"[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=|[A-Za-z0-9+/][AQgw]==)?")
_FEBRUARY, _MONTHS, _HOURS, _MINUTES, _SECONDS, _ZONE_MINUTES = 2, 12, 24, 60, 60, 14 * 60

_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_UNIT_INTERVAL = frozenset({"X", "Y", "Top", "Left", "Bottom", "Right", "Confidence"})
"""Elements that the schema's comments call normalised [0;1]."""

Check: TypeAlias = Callable[[str], bool]


class EventRefused(Exception):
    """The document breaks a rule; the text says which and where."""


@dataclass(frozen=True, slots=True)
class Simple:
    """Type of an element that holds text."""

    name: str
    accepts: Check


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in a sequence: an element, or the choice between several, ``least`` to ``most`` times."""

    choices: Mapping[str, Simple | Sequence]
    least: int = 0
    most: int | None = 1


Sequence: TypeAlias = tuple[Slot, ...]


def parse(document: bytes) -> etree._Element:
    """The root of a document that keeps the schema. Raises ``EventRefused``."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise EventRefused(f"not well-formed XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise EventRefused("a document type declaration is not permitted")
    if root.tag != f"{{{NAMESPACE}}}AnalyticsEvent":
        raise EventRefused(f"the root element must be AnalyticsEvent in {NAMESPACE}, found {root.tag}")
    check(root, _ANALYTICS_EVENT, "AnalyticsEvent")
    return root


def require_normalised(root: etree._Element) -> None:
    """Coordinates and confidences lie within 0..1, which the schema only says in its comments."""
    for element in root.iter(etree.Element):
        name = etree.QName(element).localname
        if name in _UNIT_INTERVAL and not 0.0 <= float((element.text or "").strip()) <= 1.0:
            raise EventRefused(f"{name} is {element.text}, outside the normalised range 0..1")


def check(element: etree._Element, kind: Simple | Sequence, path: str) -> None:
    """Whether an element and all below it keep their type. Raises ``EventRefused``; ``path`` names the place."""
    for attribute in element.attrib:
        if attribute not in _PERMITTED_ATTRIBUTES:
            raise EventRefused(f"{path}: the attribute {attribute!s} is not permitted")
    if isinstance(kind, Simple):
        _check_text(element, kind, path)
    else:
        _check_children(element, kind, path)


def _check_text(element: etree._Element, kind: Simple, path: str) -> None:
    if len(element):
        raise EventRefused(f"{path} holds text only, found the element {element[0].tag!s}")
    text = element.text or ""
    if not kind.accepts(text):
        raise EventRefused(f"{path}: {text[:80]!r} is not a valid {kind.name}")


def _check_children(element: etree._Element, slots: Sequence, path: str) -> None:
    for text in (element.text, *(child.tail for child in element)):
        if (text or "").strip(_XML_SPACE):
            raise EventRefused(f"{path} holds elements only, found the text {(text or '').strip()[:80]!r}")
    children = list(element)
    for slot in slots:
        taken = 0
        while children and taken != slot.most and (name := _local_name(children[0])) in slot.choices:
            check(children.pop(0), slot.choices[name], f"{path}/{name}")
            taken += 1
        if taken < slot.least:
            found = f"found {children[0].tag!s}" if children else "found nothing more"
            raise EventRefused(f"{path}: expected {' or '.join(slot.choices)}, {found}")
    if children:
        raise EventRefused(f"{path}: {children[0].tag!s} is not expected here")


def _local_name(element: etree._Element) -> str:
    name = etree.QName(element)
    return name.localname if name.namespace == NAMESPACE else ""


def _is_date_time(text: str) -> bool:
    match = _DATE_TIME.fullmatch(text)
    if not match:
        return False
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    if not (year and 1 <= month <= _MONTHS and 1 <= day <= _days(year, month)):
        return False
    hour, minute, second = int(match["hour"]), int(match["minute"]), float(match["second"])
    in_day = hour < _HOURS and minute < _MINUTES and second < _SECONDS
    at_end_of_day = hour == _HOURS and minute == 0 and second == 0.0
    return (in_day or at_end_of_day) and _is_zone(match["zone_hour"], match["zone_minute"])


def _days(year: int, month: int) -> int:
    return 29 if month == _FEBRUARY and calendar.isleap(year) else _DAYS[month - 1]


def _is_zone(hour: str | None, minute: str | None) -> bool:
    if hour is None or minute is None:
        return True
    return int(minute) < _MINUTES and int(hour) * _MINUTES + int(minute) <= _ZONE_MINUTES


def _is_double(text: str) -> bool:
    return bool(_DOUBLE.fullmatch(text.strip(_XML_SPACE)))


def _is_boolean(text: str) -> bool:
    return text.strip(_XML_SPACE) in {"true", "false", "1", "0"}


def is_base64(text: str) -> bool:
    """Whether a text is base64, with white space anywhere."""
    return bool(_BASE64.fullmatch("".join(text.split())))


def _is_guid(text: str) -> bool:
    return bool(_GUID.fullmatch(text))


def _integer(name: str, least: int, most: int) -> Simple:
    def accepts(text: str) -> bool:
        digits = text.strip(_XML_SPACE)
        return bool(_INTEGER.fullmatch(digits)) and least <= int(digits) <= most

    return Simple(name, accepts)


_STRING = Simple("string", lambda _text: True)
_DATE = Simple("dateTime", _is_date_time)
_FLOAT = Simple("double", _is_double)
_BOOL = Simple("boolean", _is_boolean)
_BINARY = Simple("base64Binary", is_base64)
_ID = Simple("GUID", _is_guid)
_INT = _integer("int", -(2**31), 2**31 - 1)
_UINT = _integer("unsignedInt", 0, 2**32 - 1)
_USHORT = _integer("unsignedShort", 0, 2**16 - 1)
_UBYTE = _integer("unsignedByte", 0, 2**8 - 1)


def _one(name: str, kind: Simple | Sequence) -> Slot:
    return Slot({name: kind}, least=1)


def _maybe(name: str, kind: Simple | Sequence) -> Slot:
    return Slot({name: kind})


def _any(name: str, kind: Simple | Sequence) -> Slot:
    return Slot({name: kind}, most=None)


_COLOR: Sequence = tuple(_one(name, _UBYTE) for name in "ARGB")
_POINT: Sequence = (_one("X", _FLOAT), _one("Y", _FLOAT))
_POLYGON: Sequence = (
    _maybe("Closed", _BOOL),
    _maybe("Color", _COLOR),
    _maybe("FillColor", _COLOR),
    _maybe("PointList", (_any("Point", _POINT),)),
)
_SERVER_ID: Sequence = (_maybe("Type", _STRING), _maybe("Hostname", _STRING), _maybe("Port", _INT), _one("Id", _ID))
_FQID: Sequence = (
    _maybe("ServerId", _SERVER_ID),
    _maybe("ParentId", _ID),
    Slot({"ObjectId": _ID, "ObjectIdString": _STRING}, least=1),
    _maybe("FolderType", _UBYTE),
    _maybe("Kind", _ID),
)
_SOURCE: Sequence = (_maybe("Name", _STRING), _maybe("Description", _STRING), _maybe("FQID", _FQID))
_HEADER: Sequence = (
    _one("ID", _ID),
    _one("Timestamp", _DATE),
    _maybe("Class", _STRING),
    _maybe("Type", _STRING),
    _maybe("Version", _STRING),
    _maybe("Priority", _USHORT),
    _maybe("Name", _STRING),
    _one("Message", _STRING),
    _maybe("CustomTag", _STRING),
    _maybe("Source", _SOURCE),
)
_RULE: Sequence = (
    _maybe("ID", _ID),
    _maybe("Name", _STRING),
    _maybe("Type", _STRING),
    _maybe("PolygonList", (_any("Polygon", _POLYGON),)),
)
_BOUNDING_BOX: Sequence = (
    _one("Top", _FLOAT),
    _one("Left", _FLOAT),
    _one("Bottom", _FLOAT),
    _one("Right", _FLOAT),
    _maybe("Color", _COLOR),
)
_OBJECT: Sequence = (
    _maybe("ID", _ID),
    _maybe("Name", _STRING),
    _maybe("Type", _STRING),
    _maybe("Description", _STRING),
    _maybe("Confidence", _FLOAT),
    _maybe("Value", _STRING),
    _maybe("AlarmTrigger", _BOOL),
    _maybe("Removed", _BOOL),
    _maybe("Color", _STRING),
    _maybe("Size", _FLOAT),
    _maybe("SizeUnit", _STRING),
    _maybe("BoundingBox", _BOUNDING_BOX),
    _maybe("Polygon", _POLYGON),
    _maybe("Motion", (_maybe("Speed", _FLOAT), _maybe("SpeedUnit", _STRING), _maybe("Path", _POLYGON))),
    _maybe("Mask", _BINARY),
)
SNAPSHOT: Sequence = (
    _one("TimeOffset", _INT),
    _maybe("Width", _UINT),
    _maybe("Height", _UINT),
    _maybe("HasOverlay", _BOOL),
    _maybe("SizeInBytes", _UINT),
    _maybe("Image", _BINARY),
    _maybe("Path", _STRING),
    _maybe("FQID", _FQID),
)
_SPAN: Sequence = (
    _maybe("Description", _STRING),
    _maybe("StartTime", _DATE),
    _maybe("EndTime", _DATE),
    _maybe("Location", _STRING),
)
_LISTS: Sequence = (
    _maybe("RuleList", (_any("Rule", _RULE),)),
    _maybe("ObjectList", (_any("Object", _OBJECT),)),
    _maybe("ReferenceList", (_any("Reference", (_maybe("FQID", _FQID),)),)),
    _maybe("SnapshotList", (_any("Snapshot", SNAPSHOT),)),
    _maybe("Vendor", (_maybe("Name", _STRING), _maybe("CustomData", _STRING))),
)
_ANALYTICS_EVENT: Sequence = (_one("EventHeader", _HEADER), *_SPAN, _maybe("Count", _UINT), *_LISTS)

_CONTRACT_HEADER: Sequence = (
    *_HEADER[:6],
    _maybe("PriorityName", _STRING),
    *_HEADER[6:],
    _maybe("ExpireTimestamp", _DATE),
    _maybe("MessageId", _ID),
)
"""``EventHeader`` of the SOAP alarm service's data contracts, which has more than the schema (notes §4.6)."""

EVENT_CONTRACT: Sequence = (_one("EventHeader", _CONTRACT_HEADER), *_SPAN, _maybe("Count", _UINT), *_LISTS)
"""``AnalyticsEvent`` of the SOAP alarm service."""

ALARM_CONTRACT: Sequence = (
    _one("EventHeader", _CONTRACT_HEADER),
    *_SPAN,
    _maybe("State", _USHORT),
    _maybe("StateName", _STRING),
    _maybe("Category", _USHORT),
    _maybe("CategoryName", _STRING),
    _maybe("AssignedTo", _STRING),
    _maybe("Count", _UINT),
    *_LISTS,
)
"""``Alarm`` of the SOAP alarm service."""
