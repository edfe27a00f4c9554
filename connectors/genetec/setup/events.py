"""Custom events, made over the Web SDK."""

from __future__ import annotations

from functools import partial

from connectors.genetec.access.query import call, escaped
from connectors.genetec.access.websdk import WebSdk
from connectors.genetec.control.watched_events import SYSTEM_CONFIGURATION, CustomEvent, certain_events
from connectors.genetec.menus import custom_event
from connectors.genetec.publish.publisher import actions_of
from connectors.genetec.settings import GenetecSettings
from connectors.protocols.worklist import Clash, Worklist
from core.errors import RequestInvalid

_TYPE = "Camera"


class EventSetup:
    """What ``event_name``, ``event_id`` and ``control`` of the settings need."""

    def __init__(self, settings: GenetecSettings, sdk: WebSdk, work: Worklist) -> None:
        self._settings = settings
        self._sdk = sdk
        self._work = work

    def run(self) -> None:
        """The event that alerts raise, with its number; then those that switch rules, with any that is free."""
        settings, raised = self._settings, "event" in actions_of(self._settings)
        if raised:
            name, number = settings.event_name, settings.event_id
            self._work.ensure(
                f"custom event {name!r} ({number})",
                custom_event(name, number),
                partial(self._is_ours, name, number),
                partial(self._make, name, number),
            )
        for name in dict.fromkeys(control.event for control in settings.control):
            if raised and name == settings.event_name:
                continue
            self._work.ensure(
                f"custom event {name!r}",
                custom_event(name, None),
                partial(self._has_name, name),
                partial(self._make, name, None),
            )

    def _is_ours(self, name: str, number: int) -> bool:
        events = certain_events(self._sdk)
        holder = next((event for event in events if event.number == number), None)
        if holder is None:
            _require_free_name(name, events)
            return False
        if holder.name != name:
            raise Clash(
                f"the value {number} belongs to the custom event {holder.name!r}",
                remedy=f"Set 'event_id' to a free value, such as {self._free(events)}; or 'event_name' to {holder.name!r}"
                " if that one is meant.",
            )
        if holder.entity_type.lower() != _TYPE.lower():
            raise Clash(
                f"the custom event {name!r} is for entities of type {holder.entity_type}, not {_TYPE}",
                remedy=f"Set 'event_id' and 'event_name' to another one; {self._free(events)} is free.",
            )
        return True

    def _has_name(self, name: str) -> bool:
        return any(event.name == name for event in certain_events(self._sdk))

    def _make(self, name: str, number: int | None) -> None:
        """Numbers are looked for anew each time, as what was made before in this run is listed by then."""
        if "#" in name:
            raise RequestInvalid("the Web SDK takes no '#'")
        wanted = self._free(certain_events(self._sdk)) if number is None else number
        query = f"entity={SYSTEM_CONFIGURATION},{call('CustomEvents.Add', wanted, escaped(name), _TYPE)}"
        self._sdk.do("POST", "/entity", query, what=f"add custom event {wanted}")

    def _free(self, events: list[CustomEvent]) -> int:
        """The first free number after ``event_id``, which stays reserved for what alerts raise."""
        taken = {event.number for event in events}
        number = self._settings.event_id + 1
        while number in taken:
            number += 1
        return number


def _require_free_name(name: str, events: list[CustomEvent]) -> None:
    other = next((event for event in events if event.name == name), None)
    if other is not None:
        raise Clash(
            f"a custom event {name!r} is there, but with the value {other.number}",
            remedy=f"Set 'event_id: {other.number}', or another 'event_name'.",
        )
