"""Every alarm of the site, however it was born, and what operators did with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from lxml import etree

from connectors.milestone.simulator.alarms.snapshots import Snapshot, snapshots_of
from connectors.milestone.simulator.alarms.words import Choice, Words, categories, priorities, reasons, states
from connectors.milestone.simulator.site import Camera, fresh_id, rest_time
from connectors.milestone.simulator.web.rest import JsonObject
from connectors.protocols.simulation import Ledger
from core.contracts import Clock
from core.types import Json, UtcSeconds

Observer: TypeAlias = "Callable[[Literal['inserted', 'updated', 'deleted'], Alarm], None]"
"""Called on the simulator's event loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmChange:
    """What one person did at once: the new values by name, and how the alarm stood then."""

    at: UtcSeconds
    author: str
    values: Mapping[str, str]
    """Changed properties and their new texts; the names are *unverified*."""
    comment: str
    state: Choice
    priority: Choice
    assigned_to: str

    def as_json(self) -> JsonObject:
        """As Alarms REST lists it; the shape is *unverified*."""
        return {
            "time": rest_time(self.at),
            "author": self.author,
            "comment": self.comment,
            "state": self.state.as_json(),
            "priority": self.priority.as_json(),
            "assignedTo": {"displayName": self.assigned_to},
            "changes": dict(self.values),
        }


@dataclass(slots=True, kw_only=True)
class Alarm:
    """An alarm as operators see it."""

    alarm_id: str
    local_id: int
    name: str
    message: str
    source: str
    """As given where it was raised."""
    camera: Camera
    raised_at: UtcSeconds
    updated_at: UtcSeconds
    state: Choice
    priority: Choice
    details: JsonObject
    """What its event said beside that; see ``EventText.as_json``."""
    document: etree._Element | None
    """The event or alarm in XML as it came, with rules, objects and references; None for alarms of Alarms REST."""
    snapshots: list[Snapshot]
    category: Choice | None = None
    reason: Choice | None = None
    assigned_to: str = ""
    revision: int = 0
    history: list[AlarmChange] = field(default_factory=list)

    def text(self, name: str) -> str:
        """One of the texts of ``details``; empty where it has none."""
        return str(self.details.get(name) or "")

    def as_json(self, *, with_data: bool) -> JsonObject:
        """As Alarms REST shows it; ``data`` only when asked for. Category and reason are *unverified*."""
        shown: JsonObject = {
            "id": self.alarm_id,
            "localId": self.local_id,
            "name": self.name,
            "message": self.message,
            "source": self.source,
            "time": rest_time(self.raised_at),
            "lastUpdatedTime": rest_time(self.updated_at),
            "state": self.state.as_json(),
            "priority": self.priority.as_json(),
            "category": self.category.as_json() if self.category else None,
            "reasonForClosing": self.reason.as_json() if self.reason else None,
            "assignedTo": {"displayName": self.assigned_to},
        }
        return {**shown, "data": self.details} if with_data else shown


@dataclass(slots=True, kw_only=True)
class AlarmBook:
    """Every alarm of this run, oldest first."""

    clock: Clock
    ledger: Ledger
    alarms: dict[str, Alarm] = field(default_factory=dict)
    observers: list[Observer] = field(default_factory=list)
    states: Words = field(default_factory=states)
    priorities: Words = field(default_factory=priorities)
    categories: Words = field(default_factory=categories)
    reasons: Words = field(default_factory=reasons)
    _born: int = 0

    def raise_alarm(
        self,
        *,
        name: str,
        message: str,
        camera: Camera,
        source: str,
        details: JsonObject,
        priority: Choice | None = None,
        state: Choice | None = None,
        category: Choice | None = None,
        assigned_to: str = "",
        alarm_id: str = "",
        raised_at: UtcSeconds | None = None,
        document: etree._Element | None = None,
    ) -> Alarm:
        """Makes an alarm and writes it into the ledger."""
        now = self.clock.utc()
        self._born += 1
        alarm = Alarm(
            alarm_id=alarm_id or fresh_id(),
            local_id=self._born,
            name=name,
            message=message,
            source=source,
            camera=camera,
            raised_at=now if raised_at is None else raised_at,
            updated_at=now,
            state=state or self.states.first,
            priority=priority or self.priorities.first,
            category=category,
            assigned_to=assigned_to,
            details=details,
            document=document,
            snapshots=snapshots_of(document),
        )
        self.alarms[alarm.alarm_id] = alarm
        fields: dict[str, Json] = {**details, "id": alarm.alarm_id, "name": name, "message": message}
        self.ledger.add("alarm", **fields, camera=camera.camera_id, camera_name=camera.name)
        self._tell("inserted", alarm)
        return alarm

    def change(
        self,
        alarm: Alarm,
        author: str,
        *,
        state: Choice | None = None,
        priority: Choice | None = None,
        category: Choice | None = None,
        reason: Choice | None = None,
        assigned_to: str | None = None,
        comment: str = "",
        at: UtcSeconds | None = None,
    ) -> None:
        """Carries out what a person does with an alarm, and remembers it; what is None stays as it is."""
        alarm.state, alarm.priority = state or alarm.state, priority or alarm.priority
        alarm.category, alarm.reason = category or alarm.category, reason or alarm.reason
        alarm.assigned_to = alarm.assigned_to if assigned_to is None else assigned_to
        values = {"State": state, "Priority": priority, "Category": category, "ReasonForClosing": reason}
        texts = {name: choice.name for name, choice in values.items() if choice}
        texts |= {"AssignedTo": assigned_to} if assigned_to is not None else {}
        texts |= {"Comment": comment} if comment else {}
        now = self.clock.utc()
        alarm.history.append(
            AlarmChange(
                at=now if at is None else at,
                author=author,
                values=texts,
                comment=comment,
                state=alarm.state,
                priority=alarm.priority,
                assigned_to=alarm.assigned_to,
            )
        )
        self._touch(alarm, now)

    def attach(self, alarm: Alarm, snapshots: Sequence[Snapshot]) -> None:
        """Adds pictures to an alarm."""
        alarm.snapshots += snapshots
        self._touch(alarm, self.clock.utc())

    def remove(self, alarm: Alarm) -> None:
        """Forgets an alarm, as the database does when its retention ends."""
        del self.alarms[alarm.alarm_id]
        self._tell("deleted", alarm)

    def _touch(self, alarm: Alarm, now: UtcSeconds) -> None:
        alarm.updated_at = now
        alarm.revision += 1
        self._tell("updated", alarm)

    def _tell(self, what: Literal["inserted", "updated", "deleted"], alarm: Alarm) -> None:
        for observer in self.observers:
            observer(what, alarm)
