"""Operators' verdicts on our alarms: the event server's alarm lines, asked for about every second.

An alarm line session of the SOAP alarm service tells what changed since it was asked last; that is as good as pushed.
Where it cannot be reached, the Alarms REST API is read again and again instead.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import structlog

from connectors.milestone.access.session import XProtectSession
from connectors.milestone.control.alarm_details import AlarmDetailsReader
from connectors.milestone.control.alarm_pages import AlarmPageSource
from connectors.milestone.control.verdict_book import CLOCKS_APART_S, AlarmSeen, VerdictBook
from connectors.milestone.control.verdict_words import TOKEN_MARK, Judge
from connectors.milestone.publish.alarm_service import AlarmLine, AlarmService, Condition, Operator, Target
from connectors.milestone.settings import MilestoneSettings
from core.contracts import Clock, ControlSource
from core.errors import NotFoundInVms, VmsError, VmsRefused, VmsUnavailable
from core.types import ControlMessage, Linked, UtcSeconds

_log = structlog.get_logger(component="milestone")

_POLL_S = 0.8
_MAX_LINES = 500
"""Lines per answer; a full answer is followed by the next at once."""
_MARKED = tuple(Condition(target, Operator.CONTAINS, TOKEN_MARK) for target in (Target.CUSTOM_TAG, Target.MESSAGE))


class VerdictSource(ControlSource):
    """Verdicts by SOAP, else by REST: decided by each connection anew."""

    def __init__(
        self,
        settings: MilestoneSettings,
        session: XProtectSession,
        alarm_service: AlarmService,
        clock: Clock,
        *,
        since: UtcSeconds,
    ) -> None:
        self._session = session
        judge = Judge(settings.verdicts)
        by_soap = VerdictBook(judge, AlarmDetailsReader(session, alarm_service))
        by_rest = VerdictBook(judge, AlarmDetailsReader(session, None))
        self._lines = AlarmLineSource(alarm_service, by_soap, clock, since=since)
        self._pages = AlarmPageSource(session, by_rest, clock, since=since)

    def messages(self) -> Iterator[ControlMessage]:
        is_linked = False
        try:
            for message in self._lines.messages():
                is_linked = True
                yield message
        except VmsError as error:
            if is_linked or self._session.routes.alarms() != "rest":
                raise
            _log.info("alarm_service_not_used", reason=str(error), remedy=error.remedy)
        yield from self._pages.messages()

    def close(self) -> None:
        self._lines.close()
        self._pages.close()


class AlarmLineSource(ControlSource):
    """Verdicts by alarm line sessions.

    Two, as our token stands in one of two fields: in ``CustomTag`` of alarms made by SOAP, and of those that an alarm
    definition made of an event (inferred: the event's tag); at the end of ``Message`` of those made by REST.
    """

    def __init__(self, alarm_service: AlarmService, book: VerdictBook, clock: Clock, *, since: UtcSeconds) -> None:
        self._alarm_service = alarm_service
        self._book = book
        self._clock = clock
        self._since = since
        self._closed = threading.Event()

    def messages(self) -> Iterator[ControlMessage]:
        if self._closed.is_set():
            return
        try:
            with ExitStack() as stack:
                sessions = [stack.enter_context(self._session(condition)) for condition in _MARKED]
                yield Linked()
                yield from self._book.verdicts(self._missed())
                while not self._closed.is_set():
                    yield from self._book.verdicts([seen for one in sessions for seen in self._changed(one)])
                    self._closed.wait(_POLL_S)
        except VmsError:
            if not self._closed.is_set():
                raise

    def close(self) -> None:
        self._closed.set()
        self._book.close()

    @contextmanager
    def _session(self, condition: Condition) -> Iterator[str]:
        session_id = self._alarm_service.start_session([condition])
        is_answering = True
        try:
            yield session_id
        except VmsUnavailable:
            is_answering = False
            raise
        finally:
            if is_answering:
                with suppress(VmsError):  # it ends by itself too
                    self._alarm_service.stop_session(session_id)

    def _missed(self) -> list[AlarmSeen]:
        """What was touched since then; the sessions' first answers hold it too, if they hold all lines (unverified)."""
        found: list[AlarmSeen] = []
        later = Condition.since(Target.MODIFIED, max(0.0, self._since - CLOCKS_APART_S))
        for marked in _MARKED:
            try:
                found += self._seen(self._alarm_service.lines([marked, later], _MAX_LINES))
            except VmsRefused as error:
                _log.warning("missed_verdicts_not_listed", reason=str(error), remedy=error.remedy)
                break
        return found

    def _changed(self, session_id: str) -> list[AlarmSeen]:
        found: list[AlarmSeen] = []
        is_full = True
        while is_full and not self._closed.is_set():
            try:
                changes = self._alarm_service.changes(session_id, _MAX_LINES)
            except NotFoundInVms as error:
                raise VmsUnavailable(f"the alarm service forgot our session: {error}") from error
            for alarm_id in changes.deleted:
                self._book.forget(alarm_id)
            inserted = self._seen(changes.inserted)  # at first these are all that there are
            found += [seen for seen in inserted if seen.is_since(self._since)]
            found += self._seen(changes.updated)
            is_full = len(changes.inserted) + len(changes.updated) >= _MAX_LINES
        return found

    def _seen(self, lines: Iterable[AlarmLine]) -> list[AlarmSeen]:
        """A line that does not tell when it was modified counts as modified now: telling twice beats not telling."""
        now = self._clock.utc()
        return [
            AlarmSeen(
                alarm_id=line.alarm_id,
                texts=(line.custom_tag, line.message, line.description),
                state=line.state_name,
                category=line.category_name,
                modified=line.modified or now,
                assigned_to=line.assigned_to,
            )
            for line in lines
        ]
