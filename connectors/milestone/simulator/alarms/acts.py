"""What operators do with alarms and events, for tests and demonstrations to order (``Simulation.acts``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.milestone.simulator import orders
from connectors.milestone.simulator.alarms.book import Alarm, AlarmBook
from connectors.milestone.simulator.alarms.words import Choice, Words
from connectors.milestone.simulator.events.book import EventBook
from connectors.milestone.simulator.site import NamedEvent, Site
from connectors.protocols.simulation import Act
from core.errors import UsageError
from core.types import Json

_OPERATOR = "Operator 1"
_TEXTS = ("name", "message", "custom_tag", "description", "custom_data")
"""Where a token is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmActs:
    """The acts. Those on alarms name one by ``id``, or all that carry a ``token`` in their texts."""

    site: Site
    alarms: AlarmBook
    events: EventBook

    def by_name(self) -> Mapping[str, Act]:
        """For ``Simulation.acts``."""
        return {
            "close-alarm": self._close,
            "acknowledge-alarm": self._acknowledge,
            "delete-alarm": self._delete,
            "trigger-event": self._trigger,
        }

    async def _close(self, order: Mapping[str, Json]) -> Json:
        """``state`` (Closed), ``reason``, ``category``, ``comment``, ``by``; words that the site lacks are added."""
        orders.require_known(order, "id", "token", "state", "reason", "category", "comment", "by")
        found = self._found(order)
        for alarm in found:
            self.alarms.change(
                alarm,
                orders.text(order, "by") or _OPERATOR,
                state=self.alarms.states.named(orders.text(order, "state") or "Closed"),
                category=_word(order, "category", self.alarms.categories),
                reason=_word(order, "reason", self.alarms.reasons),
                comment=orders.text(order, "comment"),
            )
        return _ids(found)

    async def _acknowledge(self, order: Mapping[str, Json]) -> Json:
        """Takes an alarm on, as the button in Alarm Manager does: in progress, assigned to ``by``."""
        orders.require_known(order, "id", "token", "by")
        found, operator = self._found(order), orders.text(order, "by") or _OPERATOR
        for alarm in found:
            self.alarms.change(alarm, operator, state=self.alarms.states.named("In progress"), assigned_to=operator)
        return _ids(found)

    async def _delete(self, order: Mapping[str, Json]) -> Json:
        """Lets the database forget an alarm, as when its retention ends."""
        orders.require_known(order, "id", "token")
        found = self._found(order)
        for alarm in found:
            self.alarms.remove(alarm)
        return _ids(found)

    async def _trigger(self, order: Mapping[str, Json]) -> Json:
        """A user-defined event by ``name``, from a ``camera`` (id or name) or from none."""
        orders.require_known(order, "name", "camera")
        camera = orders.camera(order, self.site) if order.get("camera") else None
        return self.events.accept(self._event_type(order), camera, {}, "operator")

    def _found(self, order: Mapping[str, Json]) -> list[Alarm]:
        alarm_id, token = orders.text(order, "id").lower(), orders.text(order, "token")
        found = [
            alarm
            for alarm in self.alarms.alarms.values()
            if (alarm_id and alarm.alarm_id == alarm_id) or (token and _carries(alarm, token))
        ]
        if not found:
            raise UsageError("no such alarm", remedy="Give the 'id' of an alarm, or a 'token' that its texts carry.")
        return found

    def _event_type(self, order: Mapping[str, Json]) -> NamedEvent:
        known = self.site.user_defined_events.values()
        event_type = next((event for event in known if event.name == order.get("name")), None)
        if event_type is None:
            names = ", ".join(event.name for event in known)
            raise UsageError(f"unknown user-defined event {order.get('name')!r}", remedy=f"Known: {names or 'none'}.")
        return event_type


def _carries(alarm: Alarm, token: str) -> bool:
    return any(token in text for text in (alarm.name, alarm.message, *(alarm.text(name) for name in _TEXTS)))


def _word(order: Mapping[str, Json], name: str, words: Words) -> Choice | None:
    text = orders.text(order, name)
    return words.named(text) if text else None


def _ids(alarms: list[Alarm]) -> Json:
    return {"alarms": [alarm.alarm_id for alarm in alarms]}
