"""The SOAP alarm service's lists: a line for each alarm and event, and sessions that tell what changed (notes §4.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from connectors.milestone.simulator.alarms.book import Alarm
from connectors.milestone.simulator.alarms.contract import AlarmFault, Value
from connectors.milestone.simulator.alarms.filter import MOMENTS, Filter, Line, LineValue
from connectors.milestone.simulator.events.analytics_event import NAMESPACE
from connectors.milestone.simulator.events.book import EventBook
from connectors.milestone.simulator.site import fresh_id, rest_time
from connectors.protocols.simulation import FaultBoard
from core.clock import parse_iso
from core.contracts import Clock
from core.types import Json

SESSION_OUTCOMES = frozenset({"lost"})
"""Outcomes of the fault ``alarm-session``: the event server forgets every session, as when it restarts."""

_IDLE_S = 300.0
"""A session that nobody asks for so long ends; the real time is *unverified*."""

_ALARM_MEMBERS = (
    "AssignedTo",
    "CameraId",
    "Category",
    "CategoryName",
    "CustomTag",
    "Description",
    "FilterMatch",
    "Id",
    "LocalId",
    "Location",
    "Message",
    "Modified",
    "Name",
    "ObjectValue",
    "Priority",
    "PriorityName",
    "RuleType",
    "SourceId",
    "SourceName",
    "State",
    "StateName",
    "Timestamp",
    "Type",
    "VendorName",
)
_EVENT_MEMBERS = (
    "CameraId",
    "CustomTag",
    "Id",
    "LocalId",
    "Message",
    "Name",
    "ObjectValue",
    "RuleType",
    "SourceId",
    "SourceName",
    "Timestamp",
    "Type",
    "VendorName",
)
_NO_CAMERA = "00000000-0000-0000-0000-000000000000"


def alarm_line(alarm: Alarm) -> Line:
    """An alarm's line."""
    camera, category = alarm.camera, alarm.category
    values: dict[str, LineValue] = {
        "AssignedTo": alarm.assigned_to,
        "CameraId": camera.camera_id,
        "Category": category.level if category else 0,
        "CategoryName": category.name if category else "",
        "CustomTag": alarm.text("custom_tag"),
        "Description": alarm.text("description"),
        "Id": alarm.alarm_id,
        "LocalId": alarm.local_id,
        "Location": alarm.text("location"),
        "Message": alarm.message,
        "Modified": alarm.updated_at,
        "Name": alarm.name,
        "ObjectId": camera.camera_id,
        "ObjectValue": _first_object_value(alarm.details.get("objects")),
        "Priority": alarm.priority.level,
        "PriorityName": alarm.priority.name,
        "RuleType": _rule_type(alarm),
        "SourceId": camera.camera_id,
        "SourceName": camera.name,
        "State": alarm.state.level,
        "StateName": alarm.state.name,
        "Timestamp": alarm.raised_at,
        "Type": alarm.text("type"),
        "VendorName": alarm.text("vendor"),
    }
    return Line(alarm.alarm_id, values, alarm.revision)


def event_lines(book: EventBook) -> list[Line]:
    """The lines of the stored events, oldest first."""
    return [_event_line(book, event_id, at) for at, event_id in enumerate(book.stored, start=1)]


def _event_line(book: EventBook, event_id: str, local_id: int) -> Line:
    told, event = book.told[event_id], book.stored[event_id]
    camera_id = str(told.get("camera") or _NO_CAMERA)
    values: dict[str, LineValue] = {
        "CameraId": camera_id,
        "CustomTag": str(told.get("custom_tag") or ""),
        "Id": event_id,
        "LocalId": local_id,
        "Message": str(told["event_type"]),
        "Name": str(told.get("name") or told["event_type"]),
        "ObjectId": camera_id,
        "ObjectValue": _first_object_value(told.get("objects")),
        "RuleType": "",
        "SourceId": camera_id,
        "SourceName": str(told.get("camera_name") or ""),
        "Timestamp": parse_iso(str(event["time"])),
        "Type": str(told.get("type") or ""),
        "VendorName": str(told.get("vendor") or ""),
    }
    return Line(event_id, values)


def alarm_members(line: Line, *, matches: bool = True) -> list[tuple[str, Value]]:
    """An ``AlarmLine``, its members in alphabetical order."""
    return _members(Line(line.line_id, {**line.values, "FilterMatch": matches}), _ALARM_MEMBERS)


def event_members(line: Line) -> list[tuple[str, Value]]:
    """An ``EventLine``, its members in alphabetical order."""
    return _members(line, _EVENT_MEMBERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What changed for a session since it was asked last."""

    inserted: list[Line]
    updated: list[Line]
    """Lines shown before that changed and still match."""
    left: list[Line]
    """Lines shown before that match no more; told as updated, with ``FilterMatch`` false (*unverified*)."""
    deleted: list[str]


@dataclass(slots=True)
class _Session:
    wanted: Filter
    asked_at: float
    shown: dict[str, int] = field(default_factory=dict)
    """Ids of the lines that the client knows, with their revisions."""


class LineSessions:
    """Sessions over one list; ``lines`` gives it as it stands, oldest first."""

    def __init__(self, lines: Callable[[], Iterable[Line]], clock: Clock, faults: FaultBoard) -> None:
        self._lines = lines
        self._clock = clock
        self._faults = faults
        self._sessions: dict[str, _Session] = {}

    def start(self, wanted: Filter) -> str:
        """Opens a session that has been shown nothing yet."""
        session_id, now = fresh_id(), self._clock.monotonic()
        self._sessions = {key: known for key, known in self._sessions.items() if now - known.asked_at <= _IDLE_S}
        self._sessions[session_id] = _Session(wanted, now)
        return session_id

    def stop(self, session_id: str) -> None:
        """Ends a session. Raises ``AlarmFault``."""
        self._alive(session_id)
        del self._sessions[session_id]

    def take(self, session_id: str, most: int) -> Delta:
        """What changed, at most ``most`` lines; the rest is for the next call. Raises ``AlarmFault``."""
        session = self._alive(session_id)
        room, lines = max(0, most), {line.line_id: line for line in self._lines()}
        shown = session.shown
        deleted = [line_id for line_id in shown if line_id not in lines]
        changed = [line for line in lines.values() if shown.get(line.line_id, line.revision) != line.revision][:room]
        fresh = [line for line in session.wanted.apply(lines.values()) if line.line_id not in shown]
        delta = Delta(
            inserted=fresh[: room - len(changed)],
            updated=[line for line in changed if session.wanted.matches(line)],
            left=[line for line in changed if not session.wanted.matches(line)],
            deleted=deleted,
        )
        _remember(session, delta)
        return delta

    def _alive(self, session_id: str) -> _Session:
        now = self._clock.monotonic()
        if self._faults.next("alarm-session") == "lost":
            self._sessions.clear()
        session = self._sessions.get(session_id)
        if session is None or now - session.asked_at > _IDLE_S:
            self._sessions.pop(session_id, None)
            raise AlarmFault("UnknownSession", f"There is no session {session_id}")
        session.asked_at = now
        return session


def _remember(session: _Session, delta: Delta) -> None:
    session.shown.update((line.line_id, line.revision) for line in [*delta.inserted, *delta.updated])
    for line_id in [*delta.deleted, *(line.line_id for line in delta.left)]:
        del session.shown[line_id]


def _members(line: Line, names: Iterable[str]) -> list[tuple[str, Value]]:
    return [(name, _written(name, line.values[name])) for name in names]


def _written(name: str, value: LineValue) -> str | None:
    """As data contracts are written; texts that an alarm does not have are nil."""
    if name in MOMENTS:
        return rest_time(float(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) or None


def _first_object_value(objects: Json) -> str:
    first = objects[0] if isinstance(objects, list) and objects else None
    return str(first.get("value") or "") if isinstance(first, dict) else ""


def _rule_type(alarm: Alarm) -> str:
    steps = ("RuleList", "Rule", "Type")
    path = "/".join(f"{{{NAMESPACE}}}{step}" for step in steps)
    return "" if alarm.document is None else alarm.document.findtext(path) or ""
