"""``/report/{type}``: what was written down, found again.

Unverified: the names of the columns of Bookmark, CameraEvent and AlarmActivity in JSON. They are those of the SDK's
column constants here (``EventTimeColumnName`` → ``EventTime``); their real values are not public, nor is it known
that the text of a raised custom event is in a report at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.genetec.simulator.alarms import AlarmDesk
from connectors.genetec.simulator.envelope import Reply, Status
from connectors.genetec.simulator.event_types import BOOKMARK_ADDED, EVENT_TYPES
from connectors.genetec.simulator.privileges import USERS, Privileges
from connectors.genetec.simulator.query import Kind, Operation, parse_query
from connectors.genetec.simulator.site import Site
from connectors.protocols.backdoor import Ledger
from core.clock import iso_utc, parse_iso
from core.errors import NotFoundInVms, RequestInvalid
from core.types import Json

_FILTERS = {
    "EntityConfiguration": frozenset(
        {"EntityTypes", "Name", "NameSearchMode", "Page", "PageSize", "DownloadAllRelatedData", "LogicalId"}
    ),
    "Bookmark": frozenset({"Cameras", "TimeRange", "MaximumResultCount"}),
    "CameraEvent": frozenset({"Cameras", "TimeRange", "MaximumResultCount"}),
    "AlarmActivity": frozenset(
        {"Alarms", "States", "TriggeredTimeRange", "TimeRange", "InstanceId", "MaximumResultCount"}
    ),
}
"""Unverified: whether AlarmActivity takes ``TimeRange`` or, as in the SDK, ``TriggeredTimeRange``."""

_COLLECTIONS = frozenset({"EntityTypes", "Cameras", "Alarms", "States"})
_TIME_RANGES = frozenset({"TimeRange", "TriggeredTimeRange"})
_CAMERA_EVENTS = frozenset({"event", "camera-state"})
"""Kinds of the ledger."""


@dataclass(slots=True)
class Filters:
    """The filters of a report query."""

    values: dict[str, str] = field(default_factory=dict)
    collections: dict[str, set[str]] = field(default_factory=dict)
    """Members in lower case."""
    time_range: tuple[float, float] | None = None

    def admits(self, collection: str, member: str) -> bool:
        """Whether a filter of that name leaves the member in."""
        return member.lower() in self.collections.get(collection, {member.lower()})

    def admits_time(self, moment: float) -> bool:
        """Whether the time range, if any, holds the moment."""
        return self.time_range is None or self.time_range[0] <= moment <= self.time_range[1]

    def number(self, name: str, default: int) -> int:
        """A filter that is a positive number."""
        text = self.values.get(name, str(default))
        if not text.isdigit() or int(text) < 1:
            raise RequestInvalid(f"{name}={text} is not a positive number")
        return int(text)


class Reports:
    """Runs reports; more rows than ``limit`` are cut, with the status that says so."""

    def __init__(self, site: Site, alarms: AlarmDesk, ledger: Ledger, limit: int, privileges: Privileges) -> None:
        self._privileges = privileges
        self._site = site
        self._alarms = alarms
        self._ledger = ledger
        self._limit = limit
        self._types: Mapping[str, Callable[[Filters], Sequence[Json]]] = {
            "Bookmark": self._bookmarks,
            "CameraEvent": self._camera_events,
            "AlarmActivity": self._alarm_activity,
        }

    def run(self, report_type: str, query: str) -> Reply:
        """Raises ``NotFoundInVms`` for a type that the simulator has not."""
        if report_type not in _FILTERS:
            raise NotFoundInVms(f"there is no report {report_type!r}")
        filters = _filters(report_type, query)
        if report_type == "EntityConfiguration":
            return Reply(result=self._entities(filters))
        rows = self._types[report_type](filters)
        limit = min(self._limit, filters.number("MaximumResultCount", self._limit))
        status = Status.TOO_MANY_RESULTS if len(rows) > limit else Status.OK
        return Reply(status=status, result=list(rows[:limit]))

    def _entities(self, filters: Filters) -> Json:
        """A page has one row more than ``PageSize`` when another page follows."""
        types = filters.collections.get("EntityTypes")
        if not types:
            raise RequestInvalid("EntityConfiguration needs EntityTypes@")
        if not self._privileges.allows(USERS):
            types = types - {"user"}
        wanted = filters.values.get("Name", "").lower()
        matches = str.startswith if filters.values.get("NameSearchMode") == "StartsWith" else str.__contains__
        found = [entity for entity in self._site.of_types(types) if matches(entity.name.lower(), wanted)]
        size = filters.number("PageSize", self._limit)
        start = (filters.number("Page", 1) - 1) * size
        return [{"Guid": entity.guid} for entity in found[start : start + size + 1]]

    def _bookmarks(self, filters: Filters) -> list[Json]:
        return [
            _video_row(str(record["camera"]), _seconds(record["at"]), BOOKMARK_ADDED, str(record["text"]))
            for record in self._ledger.records("bookmark")
            if filters.admits("Cameras", str(record["camera"])) and filters.admits_time(_seconds(record["at"]))
        ]

    def _camera_events(self, filters: Filters) -> list[Json]:
        cameras = {camera.guid for camera in self._site.cameras}
        return [
            _video_row(
                str(record["source"]),
                _seconds(record["accepted_at"]),
                str(record["event_type"]),
                str(record.get("text", "")),
                record.get("custom_event") or 0,
            )
            for record in self._ledger.records()
            if record["kind"] in _CAMERA_EVENTS
            and record["source"] in cameras
            and filters.admits("Cameras", str(record["source"]))
            and filters.admits_time(_seconds(record["accepted_at"]))
        ]

    def _alarm_activity(self, filters: Filters) -> list[Json]:
        return [
            self._alarms.row(instance)
            for instance in self._alarms.instances()
            if filters.admits("Alarms", instance.alarm.guid)
            and filters.admits("States", "Active" if instance.is_active else "Acked")
            and filters.values.get("InstanceId", str(instance.number)) == str(instance.number)
            and filters.admits_time(instance.triggered_at)
        ]


def _filters(report_type: str, query: str) -> Filters:
    filters = Filters()
    for operation in parse_query(query):
        if operation.member.partition(".")[0] not in _FILTERS[report_type]:
            raise RequestInvalid(f"{report_type} has no filter {operation.member!r}")
        _apply(filters, operation)
    return filters


def _apply(filters: Filters, operation: Operation) -> None:
    member, _, method = operation.member.partition(".")
    if operation.kind is Kind.SET and member not in _COLLECTIONS | _TIME_RANGES:
        filters.values[member] = operation.value
    elif operation.kind is Kind.ADD and member in _COLLECTIONS:
        members = {value.strip(" ()").lower() for value in operation.values}
        filters.collections.setdefault(member, set()).update(members)
    elif (
        operation.kind is Kind.CALL
        and member in _TIME_RANGES
        and method == "SetTimeRange"
        and len(operation.values) == 2  # noqa: PLR2004 - start and end
    ):
        start, end = (_moment(value) for value in operation.values)
        filters.time_range = (start, end)
    else:
        raise RequestInvalid(f"{operation.member} is not a filter in that form")


def _moment(text: str) -> float:
    try:
        return parse_iso(text)
    except ValueError as error:
        raise RequestInvalid(f"{text!r} is not a time") from error


def _seconds(value: Json) -> float:
    assert isinstance(value, int | float)
    return float(value)


def _video_row(camera: str, moment: float, event_type: str, notes: str, value: Json = 0) -> Json:
    """Unverified: that ``Value`` of a custom event is its number."""
    return {
        "CameraGuid": camera,
        "EventTime": iso_utc(moment),
        "EventType": EVENT_TYPES[event_type],
        "Value": value,
        "Notes": notes,
        "XmlData": "",
    }
