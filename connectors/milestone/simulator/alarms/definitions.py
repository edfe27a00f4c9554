"""What an alarm definition must say to be created (notes §4.4).

The creation is wizard-like: send what you have, and the refusal names the ``params`` that are still missing. Which
ones XProtect insists on is *unverified*; this takes all that decide when the alarm fires.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.milestone.simulator.events.event_types import ANALYTICS_GROUP, EXTERNAL_GROUP
from connectors.milestone.simulator.site import AlarmDefinition, Site, fresh_id
from connectors.milestone.simulator.web.rest import JsonObject, RestRefused, paths_of, require_known, required_text
from core.types import Json, UtcSeconds

_EXTERNAL_TYPE = "0fcb1955-0e80-4fd4-a78a-db47ee89700c"

PRIORITIES: Mapping[str, str] = {
    "8188ff24-b5da-4c19-9ebf-c1d8fc2caa75": "High",
    "9ad9338b-22ba-4f2e-bf62-e6948ae99bbf": "Medium",
    "34f1f987-6854-44fb-88a5-daa0add1e38a": "Low",
}
"""The priorities of a fresh installation."""

_REQUIRED: Mapping[str, Json] = {
    "name": "",
    "eventTypeGroup": "",
    "eventType": "",
    "sourceList": [],
    "enableRule": "0",
    "priority": "8188ff24-b5da-4c19-9ebf-c1d8fc2caa75",
}
"""What decides when it fires, with the values that the refusal proposes."""

_DEFAULTS: Mapping[str, Json] = {
    "description": "",
    "enabled": True,
    "enableEventList": [],
    "disableEventList": [],
    "managementTimeoutTime": "00:01:00",
    "managementTimeoutEventList": [],
    "relatedCameraList": [],
    "mapType": "0",
    "relatedMap": "00000000-0000-0000-0000-000000000000",
    "owner": "",
    "category": "00000000-0000-0000-0000-000000000000",
    "triggerEventlist": [],
    "autoClose": False,
    "assignableToAdmins": False,
}
_KNOWN = frozenset({*_REQUIRED, *_DEFAULTS})


def read_alarm_definition(body: JsonObject, site: Site, moment: UtcSeconds) -> AlarmDefinition:
    """The definition that a request describes. Raises ``RestRefused``."""
    require_known(body, _KNOWN)
    _require_complete(body)
    if body["enableRule"] != "0":
        raise RestRefused(400, "Only 'always' (0) is simulated", property_name="enableRule")
    if str(body["priority"]) not in PRIORITIES:
        raise RestRefused(400, "Unknown priority", property_name="priority")
    if not isinstance(body.get("enabled", True), bool):
        raise RestRefused(400, "'enabled' must be true or false", property_name="enabled")
    event_type_id, sources = _trigger(body, site)
    return AlarmDefinition(
        definition_id=fresh_id(),
        name=required_text(body, "name"),
        event_type_id=event_type_id,
        sources=sources,
        is_enabled=body.get("enabled", True) is True,
        priority_id=str(body["priority"]),
        modified_at=moment,
        properties={**_DEFAULTS, **body},
    )


def _require_complete(body: JsonObject) -> None:
    missing = {name: value for name, value in _REQUIRED.items() if body.get(name) in (None, "", [])}
    if missing:
        refusal = RestRefused(400, f"Missing: {', '.join(missing)}", property_name=next(iter(missing)))
        refusal.beside = {"params": dict(missing)}
        raise refusal


def _trigger(body: JsonObject, site: Site) -> tuple[str, frozenset[str]]:
    """Which event, and from which cameras (user-defined events are their own source)."""
    group, event_type, paths = str(body["eventTypeGroup"]), str(body["eventType"]).lower(), body["sourceList"]
    if group == ANALYTICS_GROUP:
        if event_type not in site.analytics_events:
            raise RestRefused(400, "Unknown analytics event", property_name="eventType")
        return event_type, frozenset(_camera_id(path, site) for path in paths_of(paths, "sourceList"))
    if group == EXTERNAL_GROUP and event_type == _EXTERNAL_TYPE:
        return _user_defined_event_id(paths_of(paths, "sourceList"), site), frozenset(
            camera.camera_id for camera in site.cameras
        )
    raise RestRefused(400, "This event type group and type are not simulated", property_name="eventTypeGroup")


def _camera_id(path: tuple[str, str], site: Site) -> str:
    if path[0] != "cameras" or site.camera(path[1]) is None:
        raise RestRefused(400, f"Unknown source {path[0]}/{path[1]}", property_name="sourceList")
    return path[1]


def _user_defined_event_id(paths: list[tuple[str, str]], site: Site) -> str:
    if len(paths) != 1 or paths[0][0] != "userDefinedEvents" or paths[0][1] not in site.user_defined_events:
        raise RestRefused(400, "The source must be one user-defined event", property_name="sourceList")
    return paths[0][1]
