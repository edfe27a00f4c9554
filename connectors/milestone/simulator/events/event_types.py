"""The event types that every installation has, their groups and their state groups (notes §2.3, §4.1, §4.7).

Only the ids are from the notes. Names are *unverified*, and so is the pairing of events within state groups other than
that of the communication of cameras.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors.milestone.simulator.config.objects import named_object, relations
from connectors.milestone.simulator.events.camera_state import (
    COMMUNICATION_GROUP,
    COMMUNICATION_STARTED,
    COMMUNICATION_STOPPED,
    HARDWARE_GROUP,
    HARDWARE_STARTED,
    MOTION_GROUP,
    MOTION_STOPPED,
    RECORDING_GROUP,
    RECORDING_STARTED,
)
from connectors.milestone.simulator.site import NamedEvent, Site
from connectors.milestone.simulator.web.rest import JsonObject
from core.types import Json

ANALYTICS_GROUP = "a96692c8-51b1-4f87-b12c-0d3d9cbfc5a4"
EXTERNAL_GROUP = "5946b6fa-44d9-4f4c-82bb-46a17b924265"
_DEVICE_GROUP = "1eacbcad-d566-4375-834b-cfbe3d937caa"
_HARDWARE_EVENTS = "6b90aee7-e6a5-4b5c-82aa-1686c19afe19"

GROUPS: Mapping[str, str] = {
    ANALYTICS_GROUP: "Analytics events",
    EXTERNAL_GROUP: "External events",
    _DEVICE_GROUP: "Device - Predefined",
    _HARDWARE_EVENTS: "Hardware - Predefined",
    "b1ca6710-f244-4ce2-8daf-662e342c405a": "System",
    "64d2c24b-a92f-48a0-b9ca-707af7828d67": "Recording server",
    "2fb8e979-188e-44cc-b1b7-a7ed9c91e5c0": "System monitor",
}
"""Id → name of the groups of event types (notes §4.4)."""

BUILT_IN_USER_DEFINED: Mapping[str, str] = {
    "85867627-b287-4439-9e55-a63701e1715b": "Built-in event 1",
    "77b1e70d-ba8d-4bb8-9ee8-43b09746d82a": "Built-in event 2",
    "7605f8b0-7f5f-4432-b223-0bb2dc3f1f5c": "Built-in event 3",
}
"""User-defined events of every installation, which clients are to ignore (notes §4.1)."""

EXTERNAL, ANALYTICS = "External", "MIPDevice"
"""Generator types that a user's token may trigger (notes §4.1, to be re-checked there)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltInType:
    """An event type that cannot be changed. ``opposite`` is the event that ends what this one begins."""

    event_type_id: str
    name: str
    group_id: str
    opposite: str
    state_group: str


_COMMUNICATION_ERROR = "a334af1c-4b4b-4957-9e5f-ab8ca07feab6"
_MOTION = ("6eb95dd6-7ccc-4bce-99f8-af0d0b582d77", MOTION_STOPPED)
_RECORDING = (RECORDING_STARTED, "79a94f89-92de-4fca-8a43-5561d407423d")
_HARDWARE = (HARDWARE_STARTED, "63ea1f06-5a83-4f39-9fab-49959fde7b66")

STATE_GROUPS: Mapping[str, str] = {
    COMMUNICATION_GROUP: "Communication",
    RECORDING_GROUP: "Recording",
    MOTION_GROUP: "Motion",
    HARDWARE_GROUP: "Hardware communication",
}
"""Id → name."""


def _pair(names: tuple[str, str], ids: tuple[str, str], group_id: str, state_group: str) -> list[BuiltInType]:
    return [
        BuiltInType(event_type_id=own, name=name, group_id=group_id, opposite=other, state_group=state_group)
        for name, own, other in zip(names, ids, reversed(ids), strict=True)
    ]


_COMMUNICATION = ("CommunicationStarted", "CommunicationStopped")
BUILT_IN: Mapping[str, BuiltInType] = {
    known.event_type_id: known
    for known in (
        *_pair(_COMMUNICATION, (COMMUNICATION_STARTED, COMMUNICATION_STOPPED), _DEVICE_GROUP, COMMUNICATION_GROUP),
        BuiltInType(
            event_type_id=_COMMUNICATION_ERROR,
            name="CommunicationError",
            group_id=_DEVICE_GROUP,
            opposite=COMMUNICATION_STARTED,
            state_group=COMMUNICATION_GROUP,
        ),
        *_pair(("MotionStarted", "MotionStopped"), _MOTION, _DEVICE_GROUP, MOTION_GROUP),
        *_pair(("RecordingStarted", "RecordingStopped"), _RECORDING, _DEVICE_GROUP, RECORDING_GROUP),
        *_pair(_COMMUNICATION, _HARDWARE, _HARDWARE_EVENTS, HARDWARE_GROUP),
    )
}
"""By id."""


def built_in_user_defined(moment: float) -> Iterable[NamedEvent]:
    """The user-defined events that an installation begins with."""
    for event_type_id, name in BUILT_IN_USER_DEFINED.items():
        yield NamedEvent(event_type_id=event_type_id, name=name, description="", modified_at=moment)


def event_types(owner: Site) -> dict[str, JsonObject]:
    """Every event type of the site, by id: built-in ones, analytics events and user-defined events."""
    built_in = {key: _shown_built_in(owner, known) for key, known in BUILT_IN.items()}
    analytics = {key: _shown(event, ANALYTICS, ANALYTICS_GROUP) for key, event in owner.analytics_events.items()}
    external = {key: _shown(event, EXTERNAL, EXTERNAL_GROUP) for key, event in owner.user_defined_events.items()}
    return built_in | analytics | external


def event_type_group(group_id: str) -> JsonObject:
    """A group, such as all analytics events."""
    name = GROUPS[group_id]
    return {"id": group_id, "name": name, "displayName": name, "relations": relations("eventTypeGroups", group_id)}


def state_group(group_id: str) -> JsonObject:
    """A state that something has one of at a time; ``states`` are the events that change it."""
    name = STATE_GROUPS[group_id]
    states: list[Json] = [known.name for known in BUILT_IN.values() if known.state_group == group_id]
    own = relations("stateGroups", group_id)
    return {"id": group_id, "name": name, "displayName": name, "states": states, "relations": own}


def _shown_built_in(owner: Site, known: BuiltInType) -> JsonObject:
    event = NamedEvent(event_type_id=known.event_type_id, name=known.name, description="", modified_at=owner.created_at)
    return {
        **_shown(event, "Device", known.group_id),
        "builtIn": True,
        "counterEventID": known.opposite,
        "stateGroupId": known.state_group,
        "state": known.name,
    }


def _shown(event: NamedEvent, generator_type: str, group_id: str) -> JsonObject:
    parent = ("eventTypeGroups", group_id)
    sources: list[Json] = ["Camera"]
    return {
        **named_object("eventTypes", event.event_type_id, event.name, event.modified_at, parent),
        "description": event.description,
        "builtIn": event.event_type_id in BUILT_IN_USER_DEFINED,
        "generatorType": generator_type,
        "generatorSubtype": "UserDefined" if generator_type == EXTERNAL else "",
        "generatorID": "",
        "generatorName": "",
        "generatorGroupId": group_id,
        "generatorGroupName": GROUPS[group_id],
        "occursGlobally": generator_type == EXTERNAL,
        "counterEventID": "00000000-0000-0000-0000-000000000000",
        "stateGroupId": "00000000-0000-0000-0000-000000000000",
        "state": "",
        "sourceArray": sources,
        "sourceFilterArray": [],
    }
