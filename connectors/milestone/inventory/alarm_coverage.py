"""Which cameras' analytics events become alarms: by the alarm definitions on that event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.milestone.inventory.config_client import ConfigClient, is_enabled, object_id, path_id

DEFINITIONS_MENU = "Management Client → Alarms → Alarm Definitions"
ANALYTICS_GROUP = "a96692c8-51b1-4f87-b12c-0d3d9cbfc5a4"
"""Event type group of analytics events."""
HIGH_PRIORITY = "8188ff24-b5da-4c19-9ebf-c1d8fc2caa75"
"""The priority High of every installation."""
ALWAYS = "0"

_Members = Callable[[str], Iterable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCoverage:
    """``names`` of the enabled definitions on the event; ``missing``: devices that are no source of any of them."""

    names: tuple[str, ...]
    missing: tuple[str, ...]


def alarm_coverage(
    definitions: Sequence[Mapping[str, Any]], event_id: str, devices: Iterable[str], members: _Members
) -> AlarmCoverage:
    """``members``: ids of the cameras in a camera group.

    A source that is neither camera nor camera group (a recording server, a site) counts as covering every camera, as
    what XProtect takes it for is unverified.
    """
    on_event = [item for item in definitions if is_enabled(dict(item)) and is_on(item, event_id)]
    sources = [source for item in on_event for source in sources_of(item)]
    covered: set[str] = set()
    for kind, source_id in sources:
        if kind == "cameras":
            covered.add(source_id)
        elif kind == "cameraGroups":
            covered.update(members(source_id))
        else:
            covered.update(devices)
    return AlarmCoverage(
        names=tuple(str(item.get("name")) for item in on_event),
        missing=tuple(device for device in devices if device not in covered),
    )


def is_on(definition: Mapping[str, Any], event_id: str) -> bool:
    """Whether it is triggered by that event. That ``eventType`` is the analytics event's id is inferred."""
    return str(definition.get("eventType") or "").lower() == event_id.lower()


def sources_of(definition: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Its sources as (collection, id)."""
    listed = definition.get("sourceList")
    return [
        (str(item.get("type") or ""), path_id(item))
        for item in (listed if isinstance(listed, list) else ())
        if isinstance(item, dict)
    ]


def group_members(client: ConfigClient) -> _Members:
    """Cameras of a group and of the groups in it."""

    def cameras_in(group_id: str) -> list[str]:
        below = [object_id(item) for item in client.listed(f"cameraGroups/{group_id}/cameraGroups")]
        own = [object_id(item) for item in client.listed(f"cameraGroups/{group_id}/cameras")]
        return [*own, *(camera for group in below for camera in cameras_in(group))]

    return cameras_in
