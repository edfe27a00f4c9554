"""The channel ``events``: custom events that arm and disarm, and cameras that Security Center lost or has again.

Unverified: which member of a streamed custom event, and of its row in the ``CameraEvent`` report, says which custom event
it is. It is looked for as a number in ``CustomEventId``, ``CustomEvent``, ``Id`` or ``Value``, else as the name anywhere.
Nor is it known whether that report is content with a time range as its only filter, and shows events whose source is no
camera: where it does not, those that came while nobody listened stay unheard.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import structlog

from connectors.genetec.access.rows import first_of, guid_in, mappings, moment_in, texts_in
from connectors.genetec.access.spans import TooManyRows, time_range, whole_answers
from connectors.genetec.access.websdk import Answer, WebSdk
from connectors.genetec.control.camera_states import CAMERA_EVENTS, CameraStates
from connectors.genetec.control.event_kinds import CUSTOM_EVENT, kind_of
from connectors.genetec.control.event_stream import EventStreams
from connectors.genetec.control.memory import ControlMemory
from connectors.genetec.control.stream_source import StreamSource
from connectors.genetec.control.watched_events import CustomEvent, event_number, watched_events
from connectors.genetec.inventory.inventory import Inventory
from connectors.genetec.settings import GenetecSettings
from core.clock import iso_utc
from core.contracts import Clock
from core.errors import VmsRefused
from core.types import ControlMessage, EventSeen, UtcSeconds

_CERTAIN = ("CustomEventId", "CustomEvent")
"""A number here can be of nothing else."""
_NUMBERED = (*_CERTAIN, "Id", "Value")
_KINDS = frozenset({CUSTOM_EVENT, *CAMERA_EVENTS})
_SOURCES = ("SourceGuid", "CameraGuid", "Camera", "Source")
_TIMES = ("Timestamp", "EventTime", "EventTimestamp")
_REPORT = "CameraEvent"

_log = structlog.get_logger(component="genetec")


class EventSource(StreamSource):
    """Tells the control events of the settings, and the states of ``cameras`` (GUIDs; of all that tell when empty)."""

    def __init__(
        self,
        settings: GenetecSettings,
        streams: EventStreams,
        sdk: WebSdk,
        clock: Clock,
        *,
        memory: ControlMemory,
        states: CameraStates,
        since: UtcSeconds,
        cameras: Collection[str] = (),
    ) -> None:
        super().__init__(streams, sdk, clock, since=since)
        self._settings = settings
        self._memory = memory
        self._states = states
        self._cameras = sorted(filter(None, map(guid_in, cameras)))
        self._events: Mapping[int, CustomEvent] = {}

    def _prepare(self) -> None:
        self._states.linked()

    def _subscribe(self) -> None:
        if {control.event for control in self._settings.control} != {event.name for event in self._events.values()}:
            self._events = watched_events(self._settings, self._sdk, self._memory)
        types = sorted({event.entity_type for event in self._events.values()})
        wanted = [f"event({entity_type},{CUSTOM_EVENT})" for entity_type in types]
        wanted += [f"event(Camera,{kind})" for kind in CAMERA_EVENTS]
        self._sdk.ask("/events/subscribe", ",".join(wanted), what="subscribe to events")

    def _told(self, event: Mapping[str, Any]) -> Iterator[ControlMessage]:
        kind = kind_of(event.get("EventType"))
        at = _moment_of(event) or self._clock.utc()
        source = guid_in(first_of(event, _SOURCES))
        if kind == CUSTOM_EVENT:
            yield from self._seen(event, source, at)
        elif kind in CAMERA_EVENTS and source and (not self._cameras or source in self._cameras):
            report = self._states.event(source, kind, at)
            if report is not None:
                yield report

    def _missed(self, begin: UtcSeconds, end: UtcSeconds) -> Iterator[ControlMessage]:
        rows: list[Mapping[str, Any]] = []
        try:
            for answer in whole_answers(self._report, begin, end):
                rows += [row for row in mappings(answer.rows()) if kind_of(row.get("EventType")) in _KINDS]
        except (VmsRefused, TooManyRows) as error:
            self._sdk.ping()  # raises when it is the account that is refused, and not the report
            self._complain(error)
        else:
            self._memory.settled(_REPORT)
        for row in sorted(rows, key=lambda row: _moment_of(row) or 0.0):
            yield from self._told(row)
        yield from self._on_line()  # at last: it tells of now

    def _report(self, begin: UtcSeconds, end: UtcSeconds) -> Answer:
        return self._sdk.ask(f"/report/{_REPORT}", time_range(begin, end), what="look for events that were missed")

    def _on_line(self) -> Iterator[ControlMessage]:
        """``IsOnline`` of every entity is known from two public lists of properties; where it is missing, nothing is told."""
        if not self._cameras:
            return
        now = self._clock.utc()
        rows = Inventory(self._sdk).described(self._cameras, ("Guid", "IsOnline"))
        for guid, row in rows.items():
            told = str(row.get("IsOnline", "")).lower()
            report = self._states.on_line(guid, told == "true", now) if told in {"true", "false"} else None
            if report is not None:
                yield report

    def _seen(self, event: Mapping[str, Any], source: str, at: UtcSeconds) -> Iterator[ControlMessage]:
        custom = self._custom_event(event)
        if custom is None:
            return
        event_id = f"{custom.number}|{source}|{iso_utc(at)}"
        if self._memory.last_said(event_id) is None:
            yield EventSeen(event=custom.name, at=at, event_id=event_id)
            self._memory.said(event_id, custom.name)

    def _custom_event(self, event: Mapping[str, Any]) -> CustomEvent | None:
        numbers = map(event_number, map(event.get, _NUMBERED))
        found = next(filter(None, map(self._events.get, (number for number in numbers if number is not None))), None)
        if found is not None:
            return found
        if any(event_number(event.get(member)) is not None for member in _CERTAIN):
            return None
        said = texts_in(event)
        return next((custom for custom in self._events.values() if custom.name in said), None)

    def _complain(self, error: Exception) -> None:
        if self._memory.complains_first_time(_REPORT):
            _log.warning(
                "missed_events_not_listed",
                vms=self._settings.id,
                reason=str(error),
                remedy="What happens while the connection is down is not heard. Allow Vigie's user the Camera events report.",
            )


def _moment_of(event: Mapping[str, Any]) -> UtcSeconds | None:
    return moment_in(first_of(event, _TIMES))
