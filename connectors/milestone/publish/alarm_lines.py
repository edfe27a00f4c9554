"""What the SOAP alarm service tells of alarms and events, read from zeep's objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.clock import parse_iso
from core.types import UtcSeconds

_NO_TIME = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmLine:
    """An alarm in short. Times are the VMS's; 0 where it tells none."""

    alarm_id: str
    local_id: int
    custom_tag: str
    state: int
    state_name: str
    category_name: str
    priority: int
    message: str
    description: str
    assigned_to: str
    timestamp: UtcSeconds
    modified: UtcSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmChanges:
    """What happened to the alarms of a session since it was asked last; the first answer has all of them inserted."""

    inserted: list[AlarmLine]
    updated: list[AlarmLine]
    deleted: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmHistoryEntry:
    """One change that somebody made to an alarm.

    Keys seen in scripts of Milestone's own PowerShell module: ``ReasonCode`` (the reason for closing), ``Comment``.
    """

    author: str
    key: str
    value: str
    at: UtcSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """An event in short."""

    event_id: str
    name: str
    message: str
    type: str
    custom_tag: str
    source_id: str
    source_name: str
    timestamp: UtcSeconds


def alarm_lines(found: Any) -> list[AlarmLine]:
    """Of an ``ArrayOfAlarmLine``."""
    return [_alarm_line(item) for item in _items(found, "AlarmLine")]


def _alarm_line(item: Any) -> AlarmLine:
    return AlarmLine(
        alarm_id=_text(item, "Id").lower(),
        local_id=_number(item, "LocalId"),
        custom_tag=_text(item, "CustomTag"),
        state=_number(item, "State"),
        state_name=_text(item, "StateName"),
        category_name=_text(item, "CategoryName"),
        priority=_number(item, "Priority"),
        message=_text(item, "Message"),
        description=_text(item, "Description"),
        assigned_to=_text(item, "AssignedTo"),
        timestamp=_time(item, "Timestamp"),
        modified=_time(item, "Modified"),
    )


def alarm_changes(found: Any) -> AlarmChanges:
    """Of an ``AlarmUpdateData``."""
    if not found:
        return AlarmChanges(inserted=[], updated=[], deleted=[])
    return AlarmChanges(
        inserted=alarm_lines(found["Inserted"]),
        updated=alarm_lines(found["Updated"]),
        deleted=[str(item).lower() for item in _items(found["Deleted"], "guid")],
    )


def event_lines(found: Any) -> list[EventLine]:
    """Of an ``ArrayOfEventLine``."""
    return [_event_line(item) for item in _items(found, "EventLine")]


def history_entries(found: Any) -> list[AlarmHistoryEntry]:
    """Of an ``ArrayOfAlarmUpdate``."""
    return [_history_entry(item) for item in _items(found, "AlarmUpdate")]


def _event_line(item: Any) -> EventLine:
    return EventLine(
        event_id=_text(item, "Id").lower(),
        name=_text(item, "Name"),
        message=_text(item, "Message"),
        type=_text(item, "Type"),
        custom_tag=_text(item, "CustomTag"),
        source_id=_text(item, "SourceId").lower(),
        source_name=_text(item, "SourceName"),
        timestamp=_time(item, "Timestamp"),
    )


def _history_entry(item: Any) -> AlarmHistoryEntry:
    return AlarmHistoryEntry(
        author=_text(item, "Author"), key=_text(item, "Key"), value=_text(item, "Value"), at=_time(item, "Time")
    )


def _text(item: Any, name: str) -> str:
    return str(item[name] or "")


def _number(item: Any, name: str) -> int:
    return int(item[name] or 0)


def _time(item: Any, name: str) -> UtcSeconds:
    text = _text(item, name)
    return parse_iso(text) if text and not text.startswith("0001-") else _NO_TIME


def _items(found: Any, name: str) -> list[Any]:
    """The members of a list, which zeep gives as a list where it is the whole answer, else inside an object."""
    if found is None:
        return []
    return list(found if isinstance(found, list) else found[name] or ())
