"""Sessions of the Events & State WebSocket: subscriptions, and what a client missed while it was away (notes §4.7)."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from connectors.milestone.simulator.site import fresh_id
from connectors.milestone.simulator.web.rest import JsonObject
from core.contracts import Clock
from core.types import Json

_LOG_LENGTH = 20_000
"""So many events can be replayed."""
_QUEUE_LENGTH = 20_000
"""A client that lets so many wait is cut off."""
_ANY = "*"
_LISTS = ("resourceTypes", "sourceIds", "eventTypes")


class FilterRefused(Exception):
    """A subscription that cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class _Filter:
    is_include: bool
    resource_types: frozenset[str]
    source_ids: frozenset[str]
    event_types: frozenset[str]

    def covers(self, event: JsonObject) -> bool:
        collection, _, source_id = str(event["source"]).lower().partition("/")
        wanted = ((self.resource_types, collection), (self.source_ids, source_id), (self.event_types, event["type"]))
        return all(_ANY in known or str(actual).lower() in known for known, actual in wanted)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Some filter includes the event and none excludes it; without filters it is silent (notes §4.7, from the field)."""

    filters: tuple[_Filter, ...]

    @classmethod
    def of(cls, body: Json) -> Subscription:
        """Reads ``filters``. Raises ``FilterRefused``."""
        if body is None:
            return cls(())
        if not isinstance(body, list):
            raise FilterRefused("'filters' must be a list")
        return cls(tuple(_read_filter(item) for item in body))

    def wants(self, event: JsonObject) -> bool:
        """Whether an event is for it."""
        covering = [known.is_include for known in self.filters if known.covers(event)]
        return bool(covering) and all(covering)


@dataclass(slots=True)
class Session:
    """What one client has asked for. ``queue`` is None while no socket serves it, or the client was cut off."""

    session_id: str
    left_at: float = math.inf
    """When its last socket went; infinite while one is there, also one that is being cut off."""
    position: int = 0
    """Of the last event that was put into its queue, or was there when it began."""
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    queue: asyncio.Queue[JsonObject | None] | None = None
    """Events to push; None ends the socket."""

    def wants(self, event: JsonObject) -> bool:
        """Whether one of the subscriptions covers an event."""
        return any(subscription.wants(event) for subscription in self.subscriptions.values())

    def push(self, event: JsonObject) -> None:
        """Queues an event for the socket, if there is one."""
        if self.queue is None:
            return
        if self.queue.qsize() >= _QUEUE_LENGTH:
            self.end_socket()
            return
        self.queue.put_nowait(event)

    def end_socket(self) -> None:
        """Tells the socket that serves it to close."""
        if self.queue is not None:
            self.queue.put_nowait(None)
            self.queue = None


class EssSessions:
    """All sessions, and the latest events. Used on one event loop only."""

    def __init__(self, clock: Clock, resume_s: float, find_state: Callable[[], list[JsonObject]]) -> None:
        self.resume_s = resume_s
        self._clock = clock
        self._find_state = find_state
        self._sessions: dict[str, Session] = {}
        self._log: deque[tuple[int, JsonObject]] = deque(maxlen=_LOG_LENGTH)
        self._positions = count(1)

    def publish(self, event: JsonObject) -> None:
        """Takes an event; one without source is its own: ``userDefinedEvents/<id>`` (*unverified*)."""
        told: JsonObject = {"source": f"userDefinedEvents/{event['type']}", **event}
        position = next(self._positions)
        self._log.append((position, told))
        for session in self._sessions.values():
            if session.queue is not None:
                session.position = position
                if session.wants(told):
                    session.push(told)

    def begin(self, session_id: str, event_id: str) -> tuple[Session, bool]:
        """A session to serve, and whether it is the old one; then its queue holds what was missed after ``event_id``."""
        self._forget_old()
        session = self._sessions.get(session_id)
        since = self._position_of(event_id, session) if session else None
        if session is None or since is None:
            session = Session(fresh_id(), queue=asyncio.Queue(), position=self._last_position())
            self._sessions[session.session_id] = session
            return session, False
        session.end_socket()
        session.queue, session.left_at = asyncio.Queue(), math.inf
        for position, event in list(self._log):
            if position > since and session.wants(event):
                session.push(event)
        session.position = self._last_position()
        return session, True

    def leave(self, session: Session, queue: asyncio.Queue[JsonObject | None]) -> None:
        """The socket with this queue is gone; the session waits to be resumed, unless another socket took it over."""
        if session.queue in {queue, None}:
            session.queue = None
            session.left_at = self._clock.monotonic()

    def states(self, session: Session) -> list[JsonObject]:
        """The last stateful events of what the session subscribed to."""
        return [event for event in self._find_state() if session.wants(event)]

    def _position_of(self, event_id: str, session: Session) -> int | None:
        """None when so old that the events since are gone."""
        if not event_id:
            return session.position
        return next((position for position, event in self._log if event["id"] == event_id), None)

    def _last_position(self) -> int:
        return self._log[-1][0] if self._log else 0

    def _forget_old(self) -> None:
        now = self._clock.monotonic()
        for session in list(self._sessions.values()):
            if session.queue is None and now - session.left_at > self.resume_s:
                del self._sessions[session.session_id]


def _read_filter(item: Json) -> _Filter:
    if not isinstance(item, dict) or item.get("modifier") not in ("include", "exclude"):
        raise FilterRefused("a filter needs a 'modifier', include or exclude")
    lists = [_read_list(item, name) for name in _LISTS]
    return _Filter(item["modifier"] == "include", *lists)


def _read_list(item: JsonObject, name: str) -> frozenset[str]:
    values = item.get(name)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise FilterRefused(f"'{name}' must be a list of texts, or ['*']")
    return frozenset(str(value).lower() for value in values)
