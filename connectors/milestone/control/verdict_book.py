"""Which verdicts on our alarms are news, and what more an alarm says of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from connectors.milestone.control.verdict_words import Judge, token_in
from core.types import Answer, UtcSeconds, VerdictGiven

_MAX_TOLD = 10_000
CLOCKS_APART_S = 60.0
"""The VMS's clock may be so far behind ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSeen:
    """An alarm as a list shows it. ``texts`` are those that may hold our token."""

    alarm_id: str
    texts: tuple[str, ...]
    state: str
    category: str
    modified: UtcSeconds
    assigned_to: str = ""

    def is_since(self, moment: UtcSeconds) -> bool:
        """Whether it was touched since then, as far as that can be told."""
        return self.modified >= moment - CLOCKS_APART_S


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmDetails:
    """What only the alarm itself tells, empty where it does not."""

    reason: str = ""
    by: str = ""
    comment: str = ""


class VerdictBook:
    """Remembers the verdicts of one connection, at most some thousands of them, the oldest let go first."""

    def __init__(self, judge: Judge, details: Callable[[str], AlarmDetails]) -> None:
        self._judge = judge
        self._details = details
        self._told: OrderedDict[str, tuple[Answer, str, str]] = OrderedDict()
        self._is_ending = False

    def is_ours(self, alarm: AlarmSeen) -> bool:
        """Whether it carries a token of ours."""
        return bool(token_in(*alarm.texts))

    def is_closed(self, alarm: AlarmSeen) -> bool:
        """Whether its state ends it."""
        return self._judge.is_closed(alarm.state)

    def verdicts(self, alarms: Iterable[AlarmSeen]) -> Iterator[VerdictGiven]:
        """The verdicts on them that are news, in the order in which the alarms were touched.

        Lists have other orders, and a link that ends between two of them begins again at the last one told. An alarm
        that is opened again has no verdict until it is judged again. Raises ``VmsError`` where an alarm's details
        cannot be had for now.
        """
        for alarm in sorted(alarms, key=lambda alarm: alarm.modified):
            if self._is_ending:
                return
            verdict = self._verdict(alarm)
            if verdict is not None:
                yield verdict

    def close(self) -> None:
        """Ends ``verdicts`` after the alarm that is being looked into; from any thread."""
        self._is_ending = True

    def forget(self, alarm_id: str) -> None:
        """The alarm is no more."""
        self._told.pop(alarm_id, None)

    def _verdict(self, alarm: AlarmSeen) -> VerdictGiven | None:
        token = token_in(*alarm.texts)
        if not token:
            return None
        if self._judge.answer(alarm.state, [alarm.category]) is None:
            self._told.pop(alarm.alarm_id, None)
            return None
        details = self._details(alarm.alarm_id)
        answer = self._judge.answer(alarm.state, [details.reason, alarm.category])
        assert answer is not None
        by = details.by or alarm.assigned_to
        if not self._is_news(alarm.alarm_id, (answer, by, details.comment)):
            return None
        return VerdictGiven(token=token, answer=answer, at=alarm.modified, by=by, comment=details.comment)

    def _is_news(self, alarm_id: str, verdict: tuple[Answer, str, str]) -> bool:
        if self._told.get(alarm_id) == verdict:
            return False
        self._told[alarm_id] = verdict
        self._told.move_to_end(alarm_id)
        while len(self._told) > _MAX_TOLD:
            self._told.popitem(last=False)
        return True
