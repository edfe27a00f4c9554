"""What the simulated system knows: entities, custom events and what they trigger."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4, uuid5

from core.errors import NotFoundInVms, RequestInvalid
from core.types import VIGIE_NAMESPACE, Json

ADMIN: Final = "00000000-0000-0000-0000-000000000003"
ALWAYS: Final = "00000000-0000-0000-0000-000000000006"
SYSTEM_CONFIGURATION: Final = "00000000-0000-0000-0000-000000000007"
"""Well-known GUIDs (public samples)."""

_LOGICAL_ID = re.compile(r"LogicalId\(\s*(\w+)\s*,\s*(\d+)\s*\)", re.IGNORECASE)
_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.\d+)?")


@dataclass(slots=True, kw_only=True)
class Entity:
    """An entity and the properties that clients read and write by name."""

    guid: str
    type: str
    name: str
    logical_id: int | None = None
    properties: dict[str, Json] = field(default_factory=dict)

    def read(self, name: str) -> Json:
        """A property by the name that the Web SDK gives it. Raises ``RequestInvalid`` for one that is unknown."""
        common: dict[str, Json] = {
            "Guid": self.guid,
            "Name": self.name,
            "EntityType": self.type,
            "LogicalId": self.logical_id,
            "Description": "",
            "IsOnline": True,
            "RunningState": "Running",
        }
        known = common | self.properties
        if name not in known:
            raise RequestInvalid(f"{self.type} has no property {name!r}")
        return known[name]

    def everything(self) -> dict[str, Json]:
        """The properties that the simulator keeps."""
        names = ("Guid", "Name", "EntityType", "LogicalId", "IsOnline", "RunningState", *self.properties)
        return {name: self.read(name) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomEvent:
    """A custom event of the system, raised by its number on entities of one type."""

    number: int
    name: str
    entity_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An event-to-action: the custom event triggers the alarm, on any entity of its type or on one camera."""

    event: CustomEvent
    alarm: Entity
    source: str = ""
    """GUID of the only camera; any when empty."""

    def is_shown_on(self, entity: Entity) -> bool:
        """Unverified: that one for any entity is shown on each."""
        return entity.guid == self.source if self.source else entity.type == self.event.entity_type


class Site:
    """Entities by GUID or logical id, custom events by number, and event-to-actions."""

    def __init__(self, camera_names: Sequence[str]) -> None:
        self.custom_events: dict[int, CustomEvent] = {}
        self._entities: dict[str, Entity] = {}
        self._links: list[Link] = []
        self._add(Entity(guid=SYSTEM_CONFIGURATION, type="SystemConfiguration", name="System"))
        self._add(Entity(guid=ADMIN, type="User", name="admin"))
        self._add(Entity(guid=ALWAYS, type="Schedule", name="Always"))
        for number, name in enumerate(camera_names, start=1):
            guid = f"00000001-0000-babe-0000-{number:012x}"
            self._add(Entity(guid=guid, type="Camera", name=name, logical_id=number))

    @property
    def cameras(self) -> list[Entity]:
        """Every camera."""
        return self.of_types({"camera"})

    def of_types(self, types: set[str]) -> list[Entity]:
        """Every entity of these types (names in lower case)."""
        return [entity for entity in self._entities.values() if entity.type.lower() in types]

    def exists(self, reference: str) -> bool:
        """Whether a GUID or ``LogicalId(Type,n)`` names an entity."""
        return self._look_up(reference) is not None

    def find(self, reference: str, entity_type: str = "") -> Entity:
        """The entity of a GUID or ``LogicalId(Type,n)``. Raises ``NotFoundInVms``."""
        found = self._look_up(reference)
        if found is None or (entity_type and found.type != entity_type):
            raise NotFoundInVms(f"there is no {entity_type or 'entity'} {reference!r}")
        return found

    def user(self, name: str) -> Entity:
        """The user of that name, made when there is none; its GUID depends on its name only."""
        known = (entity for entity in self.of_types({"user"}) if entity.name == name)
        guid = str(uuid5(VIGIE_NAMESPACE, f"simulated user|{name}"))
        return next(known, None) or self._add(Entity(guid=guid, type="User", name=name))

    def create(self, entity_type: str) -> Entity:
        """A new entity without a name. Only alarms are made through the simulator."""
        if entity_type.lower() != "alarm":
            raise RequestInvalid(f"the simulator creates no entity of type {entity_type!r}")
        return self._add(_alarm(str(uuid4())))

    def add_alarm(self, name: str, reactivation_threshold_s: int) -> Entity:
        """An alarm that was there before; its GUID depends on its name only."""
        alarm = _alarm(str(uuid5(VIGIE_NAMESPACE, f"simulated alarm|{name}")))
        alarm.name = name
        alarm.properties["ReactivationThreshold"] = time_span(reactivation_threshold_s)
        alarm.properties["Recipients"] = [ADMIN]
        return self._add(alarm)

    def delete(self, entity: Entity) -> None:
        """Removes an alarm; other entities stay."""
        if entity.type != "Alarm":
            raise RequestInvalid(f"the simulator does not delete an entity of type {entity.type}")
        del self._entities[entity.guid]

    def add_custom_event(self, event: CustomEvent) -> None:
        """Raises ``RequestInvalid`` when the number is taken."""
        if event.number in self.custom_events:
            raise RequestInvalid(f"a custom event {event.number} exists already")
        self.custom_events[event.number] = event

    def custom_event(self, number: str) -> CustomEvent:
        """The custom event of a number as written. Raises ``NotFoundInVms``."""
        event = self.custom_events.get(int(number)) if re.fullmatch(r"[0-9]{1,9}", number) else None
        if event is None:
            raise NotFoundInVms(f"there is no custom event {number!r}")
        return event

    def link(self, event: CustomEvent, alarm: Entity, source: str = "") -> None:
        """Event-to-action: the custom event triggers the alarm, with the event's source as its camera."""
        self._links.append(Link(event=event, alarm=alarm, source=source))

    @property
    def links(self) -> list[Link]:
        """Event-to-actions whose custom event and alarm still exist."""
        return [
            link
            for link in self._links
            if link.event.number in self.custom_events and link.alarm.guid in self._entities
        ]

    def alarms_of(self, event: CustomEvent, source: Entity | None) -> list[Entity]:
        """Alarms that the custom event triggers on this source."""
        guid = source.guid if source else ""
        return [
            link.alarm
            for link in self.links
            if link.event.number == event.number and (not link.source or link.source == guid)
        ]

    def _add(self, entity: Entity) -> Entity:
        self._entities[entity.guid] = entity
        return entity

    def _look_up(self, reference: str) -> Entity | None:
        text = reference.strip().strip("{}")
        if found := _LOGICAL_ID.fullmatch(text):
            wanted = found[1].lower(), int(found[2])
            candidates = (entity for entity in self._entities.values() if entity.logical_id is not None)
            return next((item for item in candidates if (item.type.lower(), item.logical_id) == wanted), None)
        try:
            return self._entities.get(str(UUID(text)))
        except ValueError:
            return None


def seconds_of(span: str) -> int:
    """``[d.]HH:MM:SS`` in seconds. Raises ``RequestInvalid``."""
    found = _TIME_SPAN.fullmatch(span.strip())
    if not found:
        raise RequestInvalid(f"{span!r} is not a time span [d.]HH:MM:SS")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def time_span(seconds: int) -> str:
    """Seconds as ``[d.]HH:MM:SS``."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{f'{days}.' if days else ''}{hours:02}:{minutes:02}:{rest:02}"


def _alarm(guid: str) -> Entity:
    properties: dict[str, Json] = {
        "Priority": 1,
        "ReactivationThreshold": "00:00:00",
        "AutoAcknowledgmentDelay": "00:00:00",
        "Recipients": [],
        "Schedule": ALWAYS,
    }
    return Entity(guid=guid, type="Alarm", name="", properties=properties)
