"""Events: raised by clients, written down, streamed to who subscribed, turned into alarms.

Unverified: the fields of streamed custom events beyond type, time and source.
"""

from __future__ import annotations

from collections.abc import Callable

from connectors.genetec.simulator.alarms import AlarmDesk
from connectors.genetec.simulator.event_types import (
    ANALYTICS_EVENTS,
    CUSTOM_EVENT,
    EVENT_TYPES,
    TRANSMISSION_LOST,
    TRANSMISSION_RECOVERED,
)
from connectors.genetec.simulator.query import Kind, parse_query
from connectors.genetec.simulator.sessions import Session, Sessions
from connectors.genetec.simulator.site import CustomEvent, Entity, Site
from connectors.protocols.backdoor import Ledger
from core.contracts import Clock
from core.errors import RequestInvalid
from core.types import Json


class EventDesk:
    """Takes events in and hands them on."""

    def __init__(self, site: Site, sessions: Sessions, alarms: AlarmDesk, ledger: Ledger, clock: Clock) -> None:
        self._site = site
        self._sessions = sessions
        self._alarms = alarms
        self._ledger = ledger
        self._clock = clock
        self.reach_observers: list[Callable[[Entity, bool], None]] = []
        """Told of each camera that is lost (True) or reached again."""

    def raise_custom(self, event: CustomEvent, source: Entity | None, text: str, payload: str) -> None:
        """A custom event, on a source of its type or on none; triggers the alarms linked to it."""
        if source and source.type.lower() != event.entity_type.lower():
            raise RequestInvalid(f"custom event {event.number} is for {event.entity_type}, not {source.type}")
        fields: dict[str, Json] = {"CustomEventId": event.number, "Message": text}
        self._write(CUSTOM_EVENT, source, text=text, payload=payload, custom_event=event.number, name=event.name)
        self._stream(CUSTOM_EVENT, source, fields)
        for alarm in self._site.alarms_of(event, source):
            self._alarms.trigger(alarm, source=source, text=text, event=event)

    def raise_built_in(self, event_type: str, source: Entity) -> None:
        """A built-in analytics event: no text, no payload."""
        if event_type not in ANALYTICS_EVENTS:
            raise RequestInvalid(f"{event_type!r} is not an event that can be raised")
        self._write(event_type, source, text="", payload="")
        self._stream(event_type, source, {})

    def camera_state(self, camera: Entity, *, is_lost: bool) -> None:
        """The unit of a camera cannot be reached any more, or can be again (which events tell so is inferred)."""
        event_type = TRANSMISSION_LOST if is_lost else TRANSMISSION_RECOVERED
        camera.properties["IsOnline"] = not is_lost
        for observer in self.reach_observers:
            observer(camera, is_lost)
        self._ledger.add("camera-state", source=camera.guid, event_type=event_type)
        self._stream(event_type, camera, {})

    def bookmark(self, camera: Entity, at: float, text: str) -> None:
        """A bookmark on a camera's video."""
        self._ledger.add("bookmark", camera=camera.guid, camera_name=camera.name, at=at, text=text)

    def _write(self, event_type: str, source: Entity | None, **fields: Json) -> None:
        named: dict[str, Json] = {
            "event_type": event_type,
            "source": source.guid if source else "",
            "source_name": source.name if source else "",
        }
        self._ledger.add("event", **named, **fields)

    def _stream(self, event_type: str, source: Entity | None, fields: dict[str, Json]) -> None:
        self._sessions.stream(event_type, source, self._clock.utc(), fields)


def subscribe(session: Session, query: str, site: Site) -> None:
    """``event({source},{EventType})[,event(…)]``; a source is a GUID, ``LogicalId(Type,n)`` or an entity type."""
    session.subscriptions |= dict.fromkeys(_wanted(query, site))


def unsubscribe(session: Session, query: str, site: Site) -> None:
    """Takes subscriptions back; one that was not there is no error (unverified)."""
    for key in _wanted(query, site):
        session.subscriptions.pop(key, None)


def subscribed(session: Session) -> list[Json]:
    """As ``GET /events/subscribed`` answers."""
    sources_of: dict[str, list[Json]] = {}
    for source, event_type in session.subscriptions:
        sources_of.setdefault(event_type, []).append(source)
    return [{"EventType": event_type, "Entities": sources} for event_type, sources in sources_of.items()]


def _wanted(query: str, site: Site) -> list[tuple[str, str]]:
    wanted: list[tuple[str, str]] = []
    for operation in parse_query(query):
        if operation.kind is not Kind.CALL or operation.member != "event" or len(operation.values) != 2:  # noqa: PLR2004
            raise RequestInvalid("write event(source,EventType)")
        source, event_type = (value.strip() for value in operation.values)
        if event_type not in EVENT_TYPES:
            raise RequestInvalid(f"{event_type!r} is not an event type")
        is_type = source.isalpha()
        wanted.append((source.lower() if is_type else site.find(source).guid, event_type))
    return wanted
