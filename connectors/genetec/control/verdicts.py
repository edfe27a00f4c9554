"""The channel ``verdicts``: alarms that operators acknowledged.

An acknowledgement comes as an event of the alarm, which tells how, and as a message of alarm monitoring, whose members are
not public; the ``AlarmActivity`` report tells the rest, and what was acknowledged while nobody listened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from connectors.genetec.access.rows import guid_in, mappings
from connectors.genetec.access.spans import TooManyRows, time_range, whole_answers
from connectors.genetec.access.websdk import Answer, WebSdk
from connectors.genetec.control.acknowledgements import (
    KINDS,
    NOBODY,
    Acknowledged,
    Judge,
    acknowledged_in,
    is_acknowledged,
    read,
)
from connectors.genetec.control.alarm_tokens import AlarmTokens
from connectors.genetec.control.event_stream import EventStreams
from connectors.genetec.control.memory import ControlMemory
from connectors.genetec.control.stream_source import CLOCKS_APART_S, StreamSource
from connectors.genetec.settings import GenetecSettings
from core.contracts import Clock
from core.errors import VmsRefused
from core.types import ControlMessage, UtcSeconds, VerdictGiven

_REPORT = "AlarmActivity"
_TIME_FILTERS = ("TriggeredTimeRange", "TimeRange")
"""The SDK's query has the first; which one the Web SDK takes is unverified."""

_TRIGGERED_BEFORE_S = 24 * 3600.0
"""Alarms are found by when they were triggered: so long before may that be."""

_SAME_S = 2.0
"""An event and a row whose times differ by less tell of the same acknowledgement."""

_WAIT_S = 1.5
"""A row without the kind of acknowledgement waits so long for the event that tells it."""

_AS_TOLD_S = 1.0
"""A row without its kind that is not later was told by an earlier process, with its kind."""

_KIND_UNKNOWN = "unknown"
_MOST_EVENTS = 256

_log = structlog.get_logger(component="genetec")


@dataclass(frozen=True, slots=True)
class _Waiting:
    seen: Acknowledged
    until: float


class VerdictSource(StreamSource):
    """Tells every acknowledgement of an alarm that an event of ours triggered."""

    def __init__(
        self,
        settings: GenetecSettings,
        streams: EventStreams,
        sdk: WebSdk,
        clock: Clock,
        *,
        memory: ControlMemory,
        since: UtcSeconds,
    ) -> None:
        super().__init__(streams, sdk, clock, since=since)
        self._vms_id = settings.id
        self._memory = memory
        self._judge = Judge(settings.verdicts)
        self._tokens = AlarmTokens(self._sdk, memory)
        self._told_to = memory.began("verdicts", since)
        self._events: deque[Acknowledged] = deque(maxlen=_MOST_EVENTS)
        self._waiting: dict[str, _Waiting] = {}

    def _subscribe(self) -> None:
        wanted = ",".join(f"event(Alarm,{kind})" for kind in KINDS)
        self._sdk.ask("/events/subscribe", wanted, what="subscribe to acknowledgements")
        self._sdk.do("POST", "/events/alarmMonitoring/on", what="watch alarms")

    def _told(self, event: Mapping[str, Any]) -> Iterator[ControlMessage]:
        seen = acknowledged_in(event)
        if seen is not None:
            if seen.kind is not None:
                self._events.append(seen)
            now = self._clock.utc()
            yield from self._rows(seen.alarm, now - _TRIGGERED_BEFORE_S, now + CLOCKS_APART_S, otherwise=seen)
        yield from self._quiet()

    def _missed(self, begin: UtcSeconds, end: UtcSeconds) -> Iterator[ControlMessage]:
        yield from self._rows("", max(0.0, begin - _TRIGGERED_BEFORE_S), end)
        yield from self._quiet()

    def _quiet(self) -> Iterator[ControlMessage]:
        """What waited for its kind, and has it or has waited enough."""
        now = self._clock.monotonic()
        for subject, waiting in list(self._waiting.items()):
            seen = self._with_kind(waiting.seen)
            if seen.kind is not None or now >= waiting.until:
                del self._waiting[subject]
                yield from self._verdict(subject, seen)

    def _rows(
        self, alarm: str, begin: UtcSeconds, end: UtcSeconds, otherwise: Acknowledged | None = None
    ) -> Iterator[ControlMessage]:
        """Verdicts of the report's rows, of one alarm or of all; of ``otherwise`` where the report is refused."""
        shown: list[Acknowledged] = []
        try:
            shown.extend(map(read, self._report(alarm, begin, end)))
        except (VmsRefused, TooManyRows) as error:
            self._sdk.ping()  # raises when it is the account that is refused, and not the report
            self._complain(error)
            if otherwise is not None and otherwise.instance is not None:
                shown.append(otherwise)
        else:
            self._memory.settled(_REPORT)
        for seen in sorted(shown, key=lambda seen: _moment_of(seen) or 0.0):
            yield from self._weighed(seen)

    def _weighed(self, shown: Acknowledged) -> Iterator[ControlMessage]:
        """The verdict where it is news, at once or when its kind is known."""
        seen = self._with_kind(shown)
        subject = f"alarm {seen.alarm} {seen.instance}"
        at = _moment_of(seen)
        if at is not None and at < self._since - CLOCKS_APART_S:
            return
        if seen.kind is not None:
            yield from self._verdict(subject, seen)
        elif self._memory.last_said(subject) is None and (at is None or at > self._told_to + _AS_TOLD_S):
            self._waiting.setdefault(subject, _Waiting(seen, self._clock.monotonic() + _WAIT_S))

    def _verdict(self, subject: str, seen: Acknowledged) -> Iterator[ControlMessage]:
        said, before = seen.kind or _KIND_UNKNOWN, self._memory.last_said(subject)
        if before == said or (before is not None and said == _KIND_UNKNOWN):
            return
        token = self._tokens.token_of(seen)
        if token:
            at = _moment_of(seen)
            yield VerdictGiven(
                token=token,
                answer=self._judge.answer(seen),
                at=self._clock.utc() if at is None else at,
                by=self._name_of(seen.by),
            )
        self._memory.said(subject, said)

    def _with_kind(self, seen: Acknowledged) -> Acknowledged:
        """With the kind of the event that tells of the same acknowledgement, where one does."""
        if seen.kind is not None:
            return seen
        events = [
            event
            for event in reversed(self._events)
            if event.alarm == seen.alarm and event.instance in {None, seen.instance}
        ]
        nearest = min(events, key=lambda event: _apart_s(event, seen), default=None)
        if nearest is None or _apart_s(nearest, seen) > _SAME_S:
            return seen
        return replace(seen, kind=nearest.kind, at=nearest.at if seen.at is None else seen.at)

    def _report(self, alarm: str, begin: UtcSeconds, end: UtcSeconds) -> Iterator[Mapping[str, Any]]:
        """Rows of acknowledged instances that were triggered in the span."""
        alarms = f"Alarms@{alarm}," if alarm else ""
        refusal: VmsRefused | None = None
        for member in _TIME_FILTERS:

            def ask(begin: UtcSeconds, end: UtcSeconds, member: str = member) -> Answer:
                query = f"{alarms}States@Acked,{time_range(begin, end, member=member)}"
                return self._sdk.ask(f"/report/{_REPORT}", query, what="look for acknowledged alarms")

            try:
                for answer in whole_answers(ask, begin, end):
                    yield from filter(is_acknowledged, mappings(answer.rows()))
            except VmsRefused as error:
                refusal = error
            else:
                return
        if refusal is not None:
            raise refusal

    def _name_of(self, guid: str | None) -> str:
        """The user's name; the GUID where it cannot be had."""
        if guid is None or guid == NOBODY:
            return ""
        name = self._memory.name_of(guid)
        if name is None:
            try:
                rows = self._sdk.entities([guid], ["Guid", "Name"]) if guid_in(guid) else []
            except VmsRefused:
                self._sdk.ping()  # raises when it is the account that is refused, and not this question
                rows = []
            name = str(rows[0].get("Name") or guid) if rows else guid
            self._memory.named(guid, name)
        return name

    def _complain(self, error: Exception) -> None:
        if self._memory.complains_first_time(_REPORT):
            _log.warning(
                "acknowledgements_not_listed",
                vms=self._vms_id,
                reason=str(error),
                remedy="Verdicts given while the connection is down are not heard. Allow Vigie's user the Alarm report.",
            )


def _moment_of(seen: Acknowledged) -> UtcSeconds | None:
    """When it was acknowledged, or else triggered."""
    return seen.triggered_at if seen.at is None else seen.at


def _apart_s(one: Acknowledged, other: Acknowledged) -> float:
    """Between two acknowledgements; nothing where one does not tell its time."""
    return 0.0 if one.at is None or other.at is None else abs(one.at - other.at)
