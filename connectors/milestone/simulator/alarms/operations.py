"""What the operations of the SOAP alarm service do (notes §4.6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web
from lxml import etree

from connectors.milestone.simulator.alarms.book import Alarm, AlarmBook
from connectors.milestone.simulator.alarms.contract import (
    PROXY,
    AlarmFault,
    Call,
    Document,
    Value,
    answer,
    fill,
    fill_array,
    integer,
    malformed,
    moment,
    result,
)
from connectors.milestone.simulator.alarms.documents import fill_alarm, fill_header, fill_snapshots
from connectors.milestone.simulator.alarms.filter import Line, read_filter
from connectors.milestone.simulator.alarms.lines import (
    LineSessions,
    alarm_line,
    alarm_members,
    event_lines,
    event_members,
)
from connectors.milestone.simulator.alarms.snapshots import Snapshot
from connectors.milestone.simulator.alarms.words import Choice, Words
from connectors.milestone.simulator.events.analytics_event import ALARM_CONTRACT, EVENT_CONTRACT, SNAPSHOT
from connectors.milestone.simulator.events.book import EventBook
from connectors.milestone.simulator.events.event_text import EventText
from connectors.milestone.simulator.site import Camera, Site, rest_time

ORDERS: Mapping[str, Sequence[str]] = {
    "Add": ("alarm",),
    "AddEvent": ("baseEvent",),
    "AddAsEvent": ("alarm",),
    "Get": ("id",),
    "GetHeader": ("id",),
    "GetSnapshots": ("id",),
    "AttachSnapshot": ("id", "snapshot"),
    "UpdateAlarmValues": ("id", "updates"),
    "UpdateAlarm": ("id", "text", "state", "priority", "time", "assignedTo"),
    "Acknowledge": ("id",),
    "UpdateMultipleAlarms": ("objectId", "oldState", "newState", "time", "assignedTo"),
    "AcknowledgeMultipleAlarms": ("objectId",),
    "StartAlarmLineSession": ("filter",),
    "StopAlarmLineSession": ("sessionId",),
    "GetSessionAlarmLines": ("maxCount", "sessionId"),
    "GetAlarmLines": ("from", "maxCount", "filter"),
    "StartEventLineSession": ("filter",),
    "StopEventLineSession": ("sessionId",),
    "GetSessionEventLines": ("maxCount", "sessionId"),
    "GetEventLines": ("from", "maxCount", "filter"),
    "GetStatistics": (),
    "GetAlarmHistory": ("id",),
    "GetAlarmUpdateHistory": ("id",),
    "GetAlarmMessages": (),
}
"""Parameters of each operation, in order, after the token."""

PUBLISHING = frozenset({"Add", "AddEvent", "AddAsEvent"})
"""Operations that the fault ``publish`` befalls."""

_NO_ID = "00000000-0000-0000-0000-000000000000"
_IN_PROGRESS = "In progress"
_UPDATE_KEYS = frozenset({"State", "Priority", "Category", "ReasonForClosing", "AssignedTo", "Comment"})
"""What ``UpdateAlarmValues`` takes; the names are *unverified*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Carries out calls whose token was accepted."""

    site: Site
    alarms: AlarmBook
    events: EventBook
    alarm_sessions: LineSessions
    event_sessions: LineSessions
    user: str
    """Who is written down as the author of changes."""

    def carry_out(self, name: str, call: Call) -> web.Response:
        """The answer. Raises ``SoapFault`` or ``AlarmFault``."""
        doers: Mapping[str, Callable[[Call], None]] = {
            "Add": self._add,
            "AddEvent": self._add_event,
            "AddAsEvent": self._add_as_event,
            "AttachSnapshot": self._attach,
            "UpdateAlarmValues": self._update_values,
            "UpdateAlarm": self._update,
            "Acknowledge": self._acknowledge,
            "UpdateMultipleAlarms": self._update_multiple,
            "AcknowledgeMultipleAlarms": self._acknowledge_multiple,
            "StopAlarmLineSession": lambda call: self.alarm_sessions.stop(call.guid("sessionId")),
            "StopEventLineSession": lambda call: self.event_sessions.stop(call.guid("sessionId")),
        }
        if name in doers:
            doers[name](call)
            return answer(name)
        content = result(name)
        self._tellers()[name](call, content)
        return answer(name, content)

    def _tellers(self) -> Mapping[str, Callable[[Call, etree._Element], None]]:
        return {
            "Get": lambda call, into: fill_alarm(into, self._alarm(call), self.site),
            "GetHeader": lambda call, into: fill_header(into, self._alarm(call), self.site),
            "GetSnapshots": lambda call, into: fill_snapshots(into, self._alarm(call)),
            "StartAlarmLineSession": lambda call, into: _start(self.alarm_sessions, call, into),
            "StartEventLineSession": lambda call, into: _start(self.event_sessions, call, into),
            "GetSessionAlarmLines": self._alarm_changes,
            "GetSessionEventLines": self._event_changes,
            "GetAlarmLines": self._alarm_lines,
            "GetEventLines": self._event_lines,
            "GetStatistics": self._statistics,
            "GetAlarmHistory": self._history,
            "GetAlarmUpdateHistory": self._update_history,
            "GetAlarmMessages": self._messages,
        }

    def _add(self, call: Call) -> None:
        """The id is the client's; one that exists is refused, as the database's key would (*unverified*)."""
        document = call.document("alarm", ALARM_CONTRACT)
        text = EventText.of(document.element)
        alarm_id = "" if text.event_id == _NO_ID else text.event_id.lower()
        if alarm_id in self.alarms.alarms:
            raise AlarmFault("DbWrite", f"There is an alarm {alarm_id} already")
        self.alarms.raise_alarm(
            alarm_id=alarm_id,
            name=text.name or text.message,
            message=text.message,
            camera=self._camera(text),
            source=text.source_id,
            details=text.as_json(),
            priority=_chosen(document, "EventHeader/Priority", self.alarms.priorities),
            state=_chosen(document, "State", self.alarms.states),
            category=_chosen(document, "Category", self.alarms.categories) or self._named_category(document),
            assigned_to=document.text("AssignedTo"),
            raised_at=moment(text.timestamp, "Timestamp"),
            document=document.element,
        )

    def _named_category(self, document: Document) -> Choice | None:
        name = document.text("CategoryName")
        return self.alarms.categories.named(name) if name else None

    def _add_event(self, call: Call) -> None:
        self._accept(call.document("baseEvent", EVENT_CONTRACT, "AnalyticsEvent"))

    def _add_as_event(self, call: Call) -> None:
        self._accept(call.document("alarm", ALARM_CONTRACT))

    def _accept(self, document: Document) -> None:
        """What happens to an event whose message no analytics event has is *unverified*: refused."""
        text = EventText.of(document.element)
        event_type = self.site.analytics_event(text.message)
        if event_type is None:
            raise AlarmFault("Unknown", f"There is no analytics event '{text.message}'")
        self.events.accept(event_type, self._camera(text), text.as_json(), "alarm service", document.element)

    def _camera(self, text: EventText) -> Camera:
        """What happens to an alarm without a known source is *unverified*: refused."""
        camera = self.site.camera(text.source_id) if text.source_id else self.site.camera_at(text.source_name)
        if camera is None:
            raise AlarmFault("Unknown", f"The source {text.source_id or text.source_name!r} does not exist")
        return camera

    def _attach(self, call: Call) -> None:
        alarm = self._alarm(call)
        self.alarms.attach(alarm, [Snapshot.of(call.document("snapshot", SNAPSHOT).element)])

    def _update_values(self, call: Call) -> None:
        alarm, updates = self._alarm(call), dict(call.pairs("updates"))
        if unknown := sorted(set(updates) - _UPDATE_KEYS):
            raise AlarmFault("DbUpdate", f"Unknown values: {', '.join(unknown)}")
        book = self.alarms
        book.change(
            alarm,
            self.user,
            state=_level(updates.get("State"), book.states, "State"),
            priority=_level(updates.get("Priority"), book.priorities, "Priority"),
            category=_level(updates.get("Category"), book.categories, "Category"),
            reason=_level(updates.get("ReasonForClosing"), book.reasons, "ReasonForClosing"),
            assigned_to=updates.get("AssignedTo"),
            comment=updates.get("Comment", ""),
        )

    def _update(self, call: Call) -> None:
        alarm, book = self._alarm(call), self.alarms
        book.change(
            alarm,
            self.user,
            state=_level(call.text("state"), book.states, "state"),
            priority=_level(call.text("priority"), book.priorities, "priority"),
            assigned_to=call.text("assignedTo"),
            comment=call.text("text"),
            at=call.moment("time"),
        )

    def _acknowledge(self, call: Call) -> None:
        self.alarms.change(self._alarm(call), self.user, state=self.alarms.states.named(_IN_PROGRESS))

    def _update_multiple(self, call: Call) -> None:
        states = self.alarms.states
        old, new = (_level(call.text(name), states, name) for name in ("oldState", "newState"))
        assigned_to, at = call.text("assignedTo"), call.moment("time")
        for alarm in self._from_source(call):
            if alarm.state == old:
                self.alarms.change(alarm, self.user, state=new, assigned_to=assigned_to, at=at)

    def _acknowledge_multiple(self, call: Call) -> None:
        for alarm in self._from_source(call):
            if alarm.state == self.alarms.states.first:
                self.alarms.change(alarm, self.user, state=self.alarms.states.named(_IN_PROGRESS))

    def _from_source(self, call: Call) -> list[Alarm]:
        source = call.guid("objectId")
        return [alarm for alarm in self.alarms.alarms.values() if alarm.camera.camera_id == source]

    def _alarm_changes(self, call: Call, into: etree._Element) -> None:
        delta = self.alarm_sessions.take(call.guid("sessionId"), call.integer("maxCount"))
        fill_array(etree.SubElement(into, f"{{{PROXY}}}Deleted"), "guid", delta.deleted)
        inserted = [("AlarmLine", alarm_members(line)) for line in delta.inserted]
        updated = [("AlarmLine", alarm_members(line)) for line in delta.updated]
        updated += [("AlarmLine", alarm_members(line, matches=False)) for line in delta.left]
        fill(into, PROXY, [("Inserted", inserted), ("Updated", updated)])

    def _event_changes(self, call: Call, into: etree._Element) -> None:
        delta = self.event_sessions.take(call.guid("sessionId"), call.integer("maxCount"))
        fill_array(etree.SubElement(into, f"{{{PROXY}}}Deleted"), "guid", delta.deleted)
        fill(into, PROXY, [("Inserted", [("EventLine", event_members(line)) for line in delta.inserted])])

    def _alarm_lines(self, call: Call, into: etree._Element) -> None:
        lines = read_filter(call.element("filter")).apply(map(alarm_line, self.alarms.alarms.values()))
        fill(into, PROXY, [("AlarmLine", alarm_members(line)) for line in _page(lines, call)])

    def _event_lines(self, call: Call, into: etree._Element) -> None:
        lines = read_filter(call.element("filter")).apply(event_lines(self.events))
        fill(into, PROXY, [("EventLine", event_members(line)) for line in _page(lines, call)])

    def _statistics(self, _call: Call, into: etree._Element) -> None:
        counts = Counter(alarm.state.level for alarm in self.alarms.alarms.values())
        for state in self.alarms.states:
            entry: list[tuple[str, Value]] = [
                ("Number", str(state.level)),
                ("Type", "State"),
                ("Value", str(counts[state.level])),
            ]
            fill(into, PROXY, [("Statistic", entry)])

    def _history(self, call: Call, into: etree._Element) -> None:
        """``Text`` is the comment, else the reason for closing (*unverified*)."""
        for change in self._alarm(call).history:
            entry: list[tuple[str, Value]] = [
                ("AssignedTo", change.assigned_to or None),
                ("Author", change.author),
                ("Priority", str(change.priority.level)),
                ("State", str(change.state.level)),
                ("Text", change.comment or change.values.get("ReasonForClosing")),
                ("Time", rest_time(change.at)),
            ]
            fill(into, PROXY, [("AlarmHistory", entry)])

    def _update_history(self, call: Call, into: etree._Element) -> None:
        for change in self._alarm(call).history:
            for key, value in change.values.items():
                entry: list[tuple[str, Value]] = [
                    ("Author", change.author),
                    ("Key", key),
                    ("Time", rest_time(change.at)),
                    ("Value", value),
                ]
                fill(into, PROXY, [("AlarmUpdate", entry)])

    def _messages(self, _call: Call, into: etree._Element) -> None:
        names = [event.name for event in self.site.analytics_events.values()]
        raised = [alarm.message for alarm in self.alarms.alarms.values()]
        fill_array(into, "string", list(dict.fromkeys([*names, *raised])))

    def _alarm(self, call: Call) -> Alarm:
        alarm_id = call.guid("id")
        if alarm_id not in self.alarms.alarms:
            raise AlarmFault("DbRead", f"There is no alarm {alarm_id}")
        return self.alarms.alarms[alarm_id]


def _start(sessions: LineSessions, call: Call, into: etree._Element) -> None:
    into.text = sessions.start(read_filter(call.element("filter")))


def _page(lines: Sequence[Line], call: Call) -> Sequence[Line]:
    first, most = call.integer("from"), call.integer("maxCount")
    return lines[max(0, first) :][: max(0, most)]


def _chosen(document: Document, path: str, words: Words) -> Choice | None:
    """The entry whose level a document names; 0 and nothing name none. Raises ``SoapFault``."""
    text = document.text(path)
    return None if not text or integer(text, path) == 0 else _level(text, words, path)


def _level(text: str | None, words: Words, name: str) -> Choice | None:
    if text is None:
        return None
    choice = words.by_level(integer(text, name))
    if choice is None:
        raise malformed(f"no {name} has the level {text}")
    return choice
