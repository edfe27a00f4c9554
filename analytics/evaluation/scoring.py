"""Which alerts of one rule in one clip are right: nothing but times.

The rules of matching are those of the data set's own description (``docs/evaluation.md`` repeats them).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_ROUNDING_S = 1e-6
"""Sums of decimal fractions miss a bound by less than this."""


class Outcome(StrEnum):
    """What an alert turned out to be."""

    TRUE_POSITIVE = "tp"
    REPEAT = "repeat"
    FALSE_POSITIVE = "fp"
    IGNORED = "ignored"
    """Matches nothing, but the rule's truth is not complete: nobody can say."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Interval:
    """A true event: from when an alert is right to when a first alert still makes sense, in seconds of the file."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """How late, and how much before or after its interval, an alert may come."""

    max_delay_s: float
    early_tolerance_s: float

    def accepts(self, time_s: float, interval: Interval) -> bool:
        """Whether a first alert at that time is right."""
        latest = min(interval.end_s, interval.start_s + self.max_delay_s)
        return self._is_within(time_s, interval.start_s, latest)

    def covers(self, time_s: float, interval: Interval) -> bool:
        """Whether an alert at that time tells of this event again, however late."""
        return self._is_within(time_s, interval.start_s, interval.end_s)

    def _is_within(self, time_s: float, start_s: float, end_s: float) -> bool:
        reach = self.early_tolerance_s + _ROUNDING_S
        return start_s - reach <= time_s <= end_s + reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One alert's outcome, and the interval (its index) that it finds or repeats."""

    outcome: Outcome
    interval: int | None = None


def judge(
    times_s: Sequence[float], intervals: Sequence[Interval], tolerances: Tolerances, *, exhaustive: bool
) -> list[Judgement]:
    """Judges the alerts of one rule in one clip, one judgement for each, in the order given.

    Alerts are taken in order of time. An interval that no judgement calls a true positive is a miss.
    ``exhaustive``: whether every true event has its interval, so that an alert beside all of them is false.
    """
    by_start = sorted(range(len(intervals)), key=intervals.__getitem__)
    matched: set[int] = set()
    judgements: dict[int, Judgement] = {}
    for alert in sorted(range(len(times_s)), key=times_s.__getitem__):
        time_s = times_s[alert]
        free = (index for index in by_start if index not in matched and tolerances.accepts(time_s, intervals[index]))
        found = next(free, None)
        if found is not None:
            matched.add(found)
            judgements[alert] = Judgement(outcome=Outcome.TRUE_POSITIVE, interval=found)
            continue
        known = (index for index in by_start if index in matched and tolerances.covers(time_s, intervals[index]))
        judgements[alert] = _unmatched(next(known, None), exhaustive=exhaustive)
    return [judgements[alert] for alert in range(len(times_s))]


def _unmatched(known: int | None, *, exhaustive: bool) -> Judgement:
    """The judgement of an alert that finds nothing new; ``known``: the interval found before that it lies in."""
    if known is not None:
        return Judgement(outcome=Outcome.REPEAT, interval=known)
    return Judgement(outcome=Outcome.FALSE_POSITIVE if exhaustive else Outcome.IGNORED)
