"""``/entity?q=``: reads, property sets and method calls on one entity or a batch of them."""

from __future__ import annotations

import re
from collections.abc import Callable

from connectors.genetec.simulator.event_types import CUSTOM_EVENT
from connectors.genetec.simulator.privileges import CONFIGURE, Privileges
from connectors.genetec.simulator.query import Kind, Operation, group, parse_query
from connectors.genetec.simulator.site import SYSTEM_CONFIGURATION, CustomEvent, Entity, Link, Site, seconds_of
from core.errors import RequestInvalid
from core.types import Json

_NEW = re.compile(r"NewEntity\((\w+)\)")
_CUSTOM_EVENT_PARTS = 3
_PRIORITIES = range(1, 256)


def run_entity_query(query: str, site: Site, privileges: Privileges) -> Json:
    """Carries the operations out in turn. Returns what was read: an object for one entity, a list for several."""
    results: list[Json] = []
    read: dict[str, Json] = {}
    entity: Entity | None = None
    entities = 0
    for operation in parse_query(query):
        if operation.member == "entity" and operation.kind is Kind.SET:
            entity, read = _entity(operation.value, site, privileges), {}
            entities += 1
            results.append(read)
        elif entity is None:
            raise RequestInvalid("a query starts with entity=")
        elif operation.kind is Kind.READ:
            privileges.require(operation.member)
            read[operation.member] = _read(entity, operation.member, site)
        else:
            privileges.require(CONFIGURE)
            _change(entity, operation, site)
    if entities > 1:
        return results
    return read or None


def _entity(reference: str, site: Site, privileges: Privileges) -> Entity:
    new = _NEW.fullmatch(reference.strip())
    if new:
        privileges.require(CONFIGURE)
        return site.create(new[1])
    return site.find(reference)


def _read(entity: Entity, name: str, site: Site) -> Json:
    if entity.guid == SYSTEM_CONFIGURATION and name == "CustomEvents":
        return [_described(event) for event in site.custom_events.values()]
    if entity.type == "Camera" and name == "SupportedCustomEvents":
        return [_described(event) for event in site.custom_events.values() if event.entity_type.lower() == "camera"]
    if name == "EventToActions":
        return [_linked(link) for link in site.links if link.is_shown_on(entity)]
    return entity.read(name)


def _linked(link: Link) -> Json:
    """Unverified: how the role shows an event-to-action, and on which entity."""
    return {
        "EventType": CUSTOM_EVENT,
        "CustomEventId": link.event.number,
        "ActionType": "TriggerAlarm",
        "Alarm": link.alarm.guid,
    }


def _described(event: CustomEvent) -> Json:
    """Unverified: how the role shows a custom event."""
    return {"Id": event.number, "Name": event.name, "EntityType": event.entity_type}


def _change(entity: Entity, operation: Operation, site: Site) -> None:
    if entity.guid == SYSTEM_CONFIGURATION:
        _change_system(operation, site)
    elif operation.kind is Kind.SET:
        _set(entity, operation.member, operation.value)
    elif operation.member == "Recipients" and entity.type == "Alarm":
        _change_recipients(entity, operation, site)
    else:
        raise RequestInvalid(f"{operation.member} cannot be changed so on {entity.type}")


def _change_system(operation: Operation, site: Site) -> None:
    if operation.kind is Kind.CALL and operation.member == "CustomEvents.Add":
        site.add_custom_event(_custom_event(operation.values))
    elif operation.kind is Kind.REMOVE and operation.member == "CustomEvents":
        del site.custom_events[site.custom_event(operation.value).number]
    else:
        raise RequestInvalid(f"{operation.member} cannot be changed so on SystemConfiguration")


def _custom_event(values: tuple[str, ...]) -> CustomEvent:
    if (
        len(values) != _CUSTOM_EVENT_PARTS
        or not re.fullmatch(r"[0-9]{1,9}", values[0].strip())
        or not values[1].strip()
    ):
        raise RequestInvalid("write CustomEvents.Add(number,name,EntityType)")
    return CustomEvent(number=int(values[0]), name=values[1], entity_type=values[2].strip())


def _change_recipients(alarm: Entity, operation: Operation, site: Site) -> None:
    recipients = alarm.properties["Recipients"]
    assert isinstance(recipients, list)
    if operation.kind is Kind.CLEAR:
        recipients.clear()
    elif operation.kind is Kind.ADD:
        recipients += [site.find(group(value)[0]).guid for value in operation.values]
    elif operation.kind is Kind.REMOVE and site.find(operation.value).guid in recipients:
        recipients.remove(site.find(operation.value).guid)
    else:
        raise RequestInvalid("that recipient is not there")


def _set(entity: Entity, name: str, text: str) -> None:
    if name == "Name":
        entity.name = text
    elif name == "LogicalId":
        entity.logical_id = _number(text)
    elif entity.type == "Alarm" and name in _ALARM_PROPERTIES:
        entity.properties[name] = _ALARM_PROPERTIES[name](text)
    else:
        raise RequestInvalid(f"{entity.type} has no property {name!r} that can be set")


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
        raise RequestInvalid(f"{text!r} is not a number")
    return int(text)


def _priority(text: str) -> int:
    number = _number(text)
    if number not in _PRIORITIES:
        raise RequestInvalid(f"{number} is not a priority from 1 to 255")
    return number


def _checked_span(text: str) -> str:
    seconds_of(text)
    return text


_ALARM_PROPERTIES: dict[str, Callable[[str], Json]] = {
    "Priority": _priority,
    "ReactivationThreshold": _checked_span,
    "AutoAcknowledgmentDelay": _checked_span,
    "Schedule": str,
    "Description": str,
}
