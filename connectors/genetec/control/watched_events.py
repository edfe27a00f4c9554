"""The custom events that the settings' ``control`` names, as the system configuration lists them.

Unverified: the shape of ``CustomEvents``. Of each entry the number is taken from ``Id`` (or ``Value``), the name from
``Name``, the type of its sources from ``EntityType`` (or ``SourceEntityType``); it may be a list or stand under a member.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from connectors.genetec.access.rows import number_in
from connectors.genetec.access.websdk import WebSdk
from connectors.genetec.control.memory import ControlMemory
from connectors.genetec.menus import CUSTOM_EVENTS
from connectors.genetec.settings import GenetecSettings
from core.errors import VmsRefused

SYSTEM_CONFIGURATION = "00000000-0000-0000-0000-000000000007"
"""GUID of the entity that holds the custom events, the same in every Security Center."""

REMEDY = (
    f"Run 'vigie genetec setup', or {CUSTOM_EVENTS} → Add an item: that name, entity type Camera; or correct it in"
    " 'control:'."
)
"""For a name that Security Center does not know."""

_NO_TYPE = frozenset({"none", "all"})
_DEEPEST = 4

_log = structlog.get_logger(component="genetec")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomEvent:
    """A custom event of the system."""

    number: int
    name: str
    entity_type: str
    """What may be its source; ``Camera`` where the system does not say."""


def watched_events(settings: GenetecSettings, sdk: WebSdk, memory: ControlMemory) -> Mapping[int, CustomEvent]:
    """By number. A name that Security Center does not know is complained of once, and looked for by every connection."""
    wanted = {control.event for control in settings.control}
    if not wanted:
        return {}
    found = {event.number: event for event in known_events(sdk) if event.name in wanted}
    missing = wanted - {event.name for event in found.values()}
    for name in sorted(wanted):
        if name not in missing:
            memory.settled(f"event {name}")
        elif memory.complains_first_time(f"event {name}"):
            _log.warning(
                "control_event_unknown",
                vms=settings.id,
                event_name=name,
                remedy=REMEDY,
            )
    return found


def known_events(sdk: WebSdk) -> list[CustomEvent]:
    """Every custom event of the system. Raises ``VmsRefused`` where this account may not list them."""
    return list(_events(_listed(sdk)))


def certain_events(sdk: WebSdk) -> list[CustomEvent]:
    """As ``known_events``, but refuses to take a list that it cannot read for an empty one."""
    listed = _listed(sdk)
    events = list(_events(listed))
    if listed and not events:
        raise VmsRefused("Security Center's list of custom events has a form that Vigie does not know")
    return events


def _listed(sdk: WebSdk) -> Any:
    rows = sdk.entities([SYSTEM_CONFIGURATION], ["Guid", "CustomEvents"])
    return rows[0].get("CustomEvents") if rows else None


def _events(value: Any, depth: int = 0) -> Iterator[CustomEvent]:
    """Every custom event in a JSON value, wherever it stands."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        event = _event(value)
        if event is not None:
            yield event
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _events(item, depth + 1)


def _event(row: Mapping[str, Any]) -> CustomEvent | None:
    name = row.get("Name")
    number = event_number(row.get("Id", row.get("Value")))
    if not isinstance(name, str) or number is None:
        return None
    entity_type = str(row.get("EntityType") or row.get("SourceEntityType") or "")
    return CustomEvent(
        number=number,
        name=name,
        entity_type="Camera" if entity_type.lower() in _NO_TYPE or not entity_type.isalpha() else entity_type,
    )


def event_number(value: Any) -> int | None:
    """The number of a custom event: as such, as text, as ``CustomEventId(5000)``, or under ``Id`` or ``Value``."""
    if isinstance(value, Mapping):
        return event_number(value.get("Id", value.get("Value")))
    if isinstance(value, str):
        value = value.strip().removeprefix("CustomEventId(").removesuffix(")")
    return number_in(value)
