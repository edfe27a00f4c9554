"""User-defined events and camera states through the Events & State WebSocket (2023 R3 and later).

Facts (XProtect's own samples, staff, and clients on large sites): a session that lost its connection can be resumed for
about half a minute with its id and the last event heard; a subscription without filters is accepted and stays silent;
``getState`` may take two minutes; the gateway recycles about daily, which drops every connection.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import structlog

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.control.camera_states import CAUSES, CameraStates, event_time
from connectors.milestone.control.ess_link import WHAT, Answer, EssDialer, EssLink, Push
from connectors.milestone.control.ess_memory import EssMemory
from connectors.milestone.control.stored_events import stored_events
from connectors.milestone.control.watched_events import watched_events
from connectors.milestone.inventory.inventory import Inventory, canonical_id
from connectors.milestone.settings import MilestoneSettings
from connectors.protocols.websocket import WebSocket
from core.contracts import Clock, ControlSource
from core.errors import NotFoundInVms, ProtocolViolation, VmsError, VmsUnavailable
from core.types import CameraReported, ControlMessage, EventSeen, Linked, UtcSeconds

Filter: TypeAlias = dict[str, Any]

_TICK_S = 0.25
"""How often timers are looked at while nothing comes."""
_STATE_WITHIN_S = 180.0
"""2,500 cameras take one to two minutes."""
_STATE_EVERY_S = 300.0
"""How often what was pushed is held against ``getState``: that is how a silent subscription is found."""
_STATE_AGAIN_S = 15.0
"""A push that is late by more than this is not coming."""
_MISSED_AGAIN_S = 15.0
"""Before a second try to list what was missed: after a restart the gateway's parts come back one by one. Each later one
waits twice as long, for pushes wait while a list does not come."""
_LOOK_AGAIN_S = 30.0
"""While an event of the settings is not made yet: whoever makes it is waiting for it to work."""
_CAMERAS_PER_SUBSCRIPTION = 500
_RESUMED = 200
_MISSED = "/events"

_log = structlog.get_logger(component="milestone")


@dataclass(slots=True)
class _Watched:
    """The user-defined events that are listened for, id → name, and when to look for those that are still missing."""

    names: Mapping[str, str]
    look_at: float


class EssSource(ControlSource):
    """One connection. Yields the control events of the settings, and the states of ``cameras`` (of all when empty)."""

    def __init__(
        self,
        settings: MilestoneSettings,
        session: XProtectSession,
        inventory: Inventory,
        dialer: EssDialer,
        clock: Clock,
        *,
        memory: EssMemory,
        since: UtcSeconds,
        cameras: Collection[str] = (),
    ) -> None:
        self._settings = settings
        self._session = session
        self._inventory = inventory
        self._dialer = dialer
        self._clock = clock
        self._memory = memory
        self._since = since
        self._cameras = cameras
        self._lock = threading.Lock()
        self._connection: WebSocket | None = None
        self._closed = False

    def messages(self) -> Iterator[ControlMessage]:
        if self._closed:
            return
        try:
            names = watched_events(self._settings, self._inventory, self._memory)
            with self._dialer.dialled(self._hold) as link:
                yield from self._linked(link, names)
        except VmsError as error:
            if isinstance(error, ProtocolViolation):
                self._memory.forget()
            if not self._closed:
                raise

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._connection is not None:
                self._connection.abort()

    def _hold(self, connection: WebSocket) -> None:
        with self._lock:
            self._connection = connection
            if self._closed:
                connection.abort()

    def _linked(self, link: EssLink, names: Mapping[str, str]) -> Iterator[ControlMessage]:
        cameras = sorted(_device_ids(self._cameras))
        is_resumed = self._start(link, subscriptions(cameras, names))
        yield Linked()
        if names and not is_resumed:
            self._memory.missed(self._since)
        yield from self._listen(link, _Watched(names, self._clock.monotonic() + _LOOK_AGAIN_S), cameras)

    def _start(self, link: EssLink, filters: Sequence[Filter]) -> bool:
        """Resumes, or starts anew and subscribes; whether it is resumed."""
        wait_s = self._settings.timeout_s
        known = self._memory.resumable(self._clock.monotonic(), filters)
        answer = link.ask("startSession", wait_s, sessionId=known.session_id, eventId=known.event_id)
        is_resumed = bool(known.session_id) and answer["status"] == _RESUMED
        if not is_resumed:
            self._memory.forget()
        self._memory.started(str(answer.get("sessionId") or ""), _seconds(answer), self._clock.monotonic())
        if not is_resumed:
            for one in filters:
                link.ask("addSubscription", wait_s, filters=[one])
            self._memory.subscribed(filters)
        return is_resumed

    def _listen(self, link: EssLink, watched: _Watched, cameras: Sequence[str]) -> Iterator[ControlMessage]:
        states = CameraStates(cameras, self._clock)
        asked: int | None = None
        ask_at = list_at = self._clock.monotonic()
        list_again_s = _MISSED_AGAIN_S
        while not self._closed:
            self._look_for_new_events(link, watched, cameras)
            if self._memory.unlisted_since is not None and self._clock.monotonic() >= list_at:
                yield from self._missed(watched.names, self._memory.unlisted_since)
                list_at = self._clock.monotonic() + list_again_s
                list_again_s *= 2
            if asked is None and self._clock.monotonic() >= ask_at:
                asked = link.send("getState", _STATE_WITHIN_S)
            message = link.receive(_TICK_S)
            self._memory.alive(self._clock.monotonic())
            if isinstance(message, Push):
                yield from self._pushed(message, watched.names, states)
            elif isinstance(message, Answer):
                yield from states.answered(_states_of(message))
                asked = None
                ask_at = self._clock.monotonic() + (_STATE_AGAIN_S if states.are_doubtful else _STATE_EVERY_S)

    def _look_for_new_events(self, link: EssLink, watched: _Watched, cameras: Sequence[str]) -> None:
        """Subscribes to an event of the settings that was made in XProtect since."""
        now = self._clock.monotonic()
        if now < watched.look_at or len(watched.names) >= len({order.event for order in self._settings.control}):
            return
        watched.look_at = now + _LOOK_AGAIN_S
        try:
            names = watched_events(self._settings, self._inventory, self._memory)
        except VmsUnavailable:
            return
        if fresh := [event_id for event_id in names if event_id not in watched.names]:
            link.ask("addSubscription", self._settings.timeout_s, filters=[_events(fresh)])
            watched.names = names
            self._memory.subscribed(subscriptions(cameras, names))

    def _missed(self, names: Mapping[str, str], since: UtcSeconds) -> Iterator[EventSeen]:
        try:
            events = stored_events(self._session, names, since)
        except VmsUnavailable as error:
            if self._memory.complains_first_time(_MISSED):
                _log.warning("missed_events_not_listed", reason=str(error), remedy=error.remedy)
            return
        for event in events:
            yield from self._seen(event, names)
        self._memory.listed()
        self._memory.settled(_MISSED)

    def _pushed(self, push: Push, names: Mapping[str, str], states: CameraStates) -> Iterator[ControlMessage]:
        """An event counts as heard only once it was handed over: what follows it is replayed after a drop."""
        for event in push.events:
            report: CameraReported | None = states.pushed(event)
            if report is not None:
                yield report
            yield from self._seen(event, names)
            self._memory.heard(str(event.get("id") or ""))

    def _seen(self, event: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[EventSeen]:
        name = names.get(str(event.get("type") or "").lower())
        event_id = str(event.get("id") or "")
        if name is not None and self._memory.last_said(event_id) is None:
            yield EventSeen(event=name, at=event_time(event, self._clock.utc()), event_id=event_id)
            self._memory.said(event_id)


def _device_ids(cameras: Collection[str]) -> Iterator[str]:
    """Those that can be ids: of a mistyped one its camera's video and ``vigie check`` tell."""
    for device in cameras:
        with suppress(NotFoundInVms):
            yield canonical_id(device)


def subscriptions(cameras: Sequence[str], event_types: Collection[str]) -> list[Filter]:
    """What to subscribe to, one subscription for each: parts of a large site apart, and never without filters.

    A user-defined event may carry any source, hence is taken from all.
    """
    parts = [
        list(cameras[first : first + _CAMERAS_PER_SUBSCRIPTION])
        for first in range(0, len(cameras), _CAMERAS_PER_SUBSCRIPTION)
    ]
    filters = [_include("cameras", part, sorted(CAUSES)) for part in parts or [["*"]]]
    return [*filters, _events(event_types)] if event_types else filters


def _events(event_types: Collection[str]) -> Filter:
    return _include("*", ["*"], sorted(event_types))


def _include(resource_type: str, sources: list[str], event_types: list[str]) -> Filter:
    return {"modifier": "include", "resourceTypes": [resource_type], "sourceIds": sources, "eventTypes": event_types}


def _states_of(answer: Answer) -> list[dict[str, Any]]:
    states = answer.body.get("states")
    if not isinstance(states, list):
        raise ProtocolViolation(f"{WHAT}: the answer to getState holds no states")
    return [state for state in states if isinstance(state, dict)]


def _seconds(answer: Mapping[str, Any]) -> float | None:
    """How long the server keeps the session without connection; None where it does not say."""
    told = answer.get("inactiveTimeoutSeconds")
    return float(told) if isinstance(told, int | float) and told > 0 else None
