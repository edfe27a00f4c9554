"""Events and the alarm definition, made over Config REST."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from config.model import CameraSettings
from connectors.milestone.check.control import USER_DEFINED_MENU
from connectors.milestone.check.events import EVENTS_MENU
from connectors.milestone.inventory.alarm_coverage import (
    ALWAYS,
    ANALYTICS_GROUP,
    DEFINITIONS_MENU,
    HIGH_PRIORITY,
    AlarmCoverage,
    alarm_coverage,
    group_members,
    is_on,
)
from connectors.milestone.inventory.config_client import ConfigClient, is_enabled, object_id
from connectors.milestone.inventory.inventory import canonical_id
from connectors.milestone.settings import MilestoneSettings
from connectors.protocols.worklist import Worklist
from core.errors import VmsRefused

_ANALYTICS, _USER_DEFINED, _DEFINITIONS = "analyticsEvents", "userDefinedEvents", "alarmDefinitions"


class EventSetup:
    """What ``event``, ``trigger`` and ``control`` of the settings need."""

    def __init__(self, settings: MilestoneSettings, client: ConfigClient, work: Worklist) -> None:
        self._settings = settings
        self._client = client
        self._work = work

    def run(self, cameras: Sequence[CameraSettings]) -> None:
        """Every event, then the alarm definition, which needs one.

        Where alerts become alarms anyway (``alarm``), a definition would give operators a second one for each alert.
        """
        if "event" in self._settings.publish:
            self._ensure_event(_ANALYTICS, "analytics event", self._settings.event_name, EVENTS_MENU)
            if cameras and "alarm" not in self._settings.publish:
                self._ensure_definition(cameras)
        names = [control.event for control in self._settings.control]
        if "trigger" in self._settings.publish:
            names.insert(0, self._settings.trigger_event)
        for name in dict.fromkeys(names):
            self._ensure_event(_USER_DEFINED, "user-defined event", name, USER_DEFINED_MENU)

    def _ensure_event(self, collection: str, kind: str, name: str, menu: str) -> None:
        self._work.ensure(
            f"{kind} {name!r}",
            f"{menu}: add one named {name!r}, and save.",
            lambda: self._event_id(collection, name) is not None,
            lambda: self._make(collection, {"name": name}),
        )

    def _event_id(self, collection: str, name: str) -> str | None:
        items = self._client.listed(collection)
        return next((object_id(item) for item in items if item.get("name") == name), None)

    def _make(self, collection: str, body: dict[str, Any]) -> None:
        self._client.create(collection, body)

    def _ensure_definition(self, cameras: Sequence[CameraSettings]) -> None:
        name = self._settings.event_name
        devices = [canonical_id(camera.device) for camera in cameras]
        sources = ", ".join(camera.name or camera.id for camera in cameras)
        self._work.ensure(
            f"alarm definition {name!r}",
            f"{DEFINITIONS_MENU} → Add New: Name {name}, Enable ticked, Triggering event: Analytics Events → {name},"
            f" Sources: {sources}, Time profile: Always, Initial alarm priority: High; and save.",
            partial(self._is_covered, devices),
            partial(self._cover, devices),
        )

    def _is_covered(self, devices: Sequence[str]) -> bool:
        event_id = self._event_id(_ANALYTICS, self._settings.event_name)
        if event_id is None:
            return False
        coverage = self._coverage(self._client.listed(_DEFINITIONS), event_id, devices)
        return bool(coverage.names) and not coverage.missing

    def _coverage(self, definitions: list[dict[str, Any]], event_id: str, devices: Sequence[str]) -> AlarmCoverage:
        return alarm_coverage(definitions, event_id, devices, group_members(self._client))

    def _cover(self, devices: Sequence[str]) -> None:
        """Adds the cameras that are no source yet: to the definition of our name, else in a new one."""
        name = self._settings.event_name
        event_id = self._event_id(_ANALYTICS, name)
        if event_id is None:
            raise VmsRefused(f"XProtect has no analytics event {name!r} yet")
        definitions = self._client.listed(_DEFINITIONS)
        missing = self._coverage(definitions, event_id, devices).missing
        fresh = [{"type": "cameras", "id": device} for device in missing]
        ours = next((item for item in definitions if item.get("name") == name and is_on(item, event_id)), None)
        if ours is None:
            self._make(_DEFINITIONS, _definition(name, event_id, fresh))
        elif not is_enabled(ours):
            raise VmsRefused(f"the alarm definition {name!r} is there, but disabled")
        else:
            sources = [*(ours.get("sourceList") or ()), *fresh]
            self._client.change(f"{_DEFINITIONS}/{object_id(ours)}", {"sourceList": sources})


def _definition(name: str, event_id: str, sources: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "name": name,
        "description": "Alerts of Vigie",
        "enabled": True,
        "eventTypeGroup": ANALYTICS_GROUP,
        "eventType": event_id,
        "sourceList": sources,
        "enableRule": ALWAYS,
        "priority": HIGH_PRIORITY,
    }
