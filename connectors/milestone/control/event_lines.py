"""User-defined events of releases without the Events & State WebSocket, by asking the SOAP alarm service for its events.

Inferred, as no source shows a user-defined event there: that its name is the line's message, as with analytics events.
The service has only events whose retention is a day or more: Management Client → Tools → Options → Alarms and Events.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator

from connectors.milestone.control.ess_memory import EssMemory
from connectors.milestone.control.watched_events import watched_events
from connectors.milestone.inventory.inventory import Inventory
from connectors.milestone.publish.alarm_service import AlarmService, Condition, EventLine, Operator, Target
from connectors.milestone.settings import MilestoneSettings
from core.contracts import Clock, ControlSource
from core.errors import VmsError, VmsRefused
from core.types import ControlMessage, EventSeen, Linked, UtcSeconds

_POLL_S = 1.0
_MAX_LINES = 500
_OVERLAP_S = 60.0
"""Lines so old are read again, as they may be stored late and clocks differ."""


class EventLineSource(ControlSource):
    """Asks about every second. Camera states do not come."""

    def __init__(
        self,
        settings: MilestoneSettings,
        inventory: Inventory,
        alarm_service: AlarmService,
        clock: Clock,
        *,
        memory: EssMemory,
        since: UtcSeconds,
    ) -> None:
        self._settings = settings
        self._inventory = inventory
        self._alarm_service = alarm_service
        self._clock = clock
        self._memory = memory
        self._since = since
        self._closed = threading.Event()

    def messages(self) -> Iterator[ControlMessage]:
        if self._closed.is_set():
            return
        try:
            lines = self._lines(self._names())
            yield Linked()
            yield from self._seen(lines)
            while not self._closed.wait(_POLL_S):
                yield from self._seen(self._lines(self._names()))
        except VmsError:
            if not self._closed.is_set():
                raise

    def close(self) -> None:
        self._closed.set()

    def _names(self) -> frozenset[str]:
        """Looked at each time, for one may be made any time; the inventory remembers its list for half a minute."""
        return frozenset(watched_events(self._settings, self._inventory, self._memory).values())

    def _lines(self, names: Collection[str]) -> list[EventLine]:
        """What was stored since, oldest first. Asked for by name: a busy site stores thousands of events a minute."""
        later = Condition.since(Target.TIMESTAMP, max(0.0, self._since - _OVERLAP_S))
        found: list[EventLine] = []
        try:
            for name in names:
                named = Condition(Target.MESSAGE, Operator.EQUALS, name)
                lines = self._alarm_service.event_lines([named, later], _MAX_LINES)
                found += [line for line in lines if line.message == name]
        except VmsRefused as error:
            raise VmsRefused(
                f"this XProtect has no Events & State WebSocket, and its alarm service tells no events: {error}",
                remedy=error.remedy or "Remove 'control:' of this VMS, or upgrade XProtect to 2023 R3 or later.",
            ) from error
        return sorted(found, key=lambda line: line.timestamp)

    def _seen(self, lines: list[EventLine]) -> Iterator[EventSeen]:
        for line in lines:
            self._since = max(self._since, line.timestamp)
            if self._memory.last_said(line.event_id) is None:
                yield EventSeen(event=line.message, at=line.timestamp or self._clock.utc(), event_id=line.event_id)
                self._memory.said(line.event_id)
