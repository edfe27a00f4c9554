"""The figures of a set of judged rules: counts, shares, false-alarm rate, delays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from analytics.evaluation.results import ClipResult, RuleResult
from analytics.evaluation.scoring import Outcome
from analytics.evaluation.statistics import f1, f1_range, percentile, ratio
from core.statistics import Range, wilson

ENOUGH_INTERVALS = 5
"""A condition with fewer true events of a type gets no figures: they would say nothing."""


class Measured(NamedTuple):
    """One rule in its clip."""

    clip: ClipResult
    rule: RuleResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the rules of one event type did together.

    Rules whose truth is not complete (``exhaustive: false``) count for recall only: their hits are no part of
    precision, their alerts beside the truth are ``ignored``, their clip's time is no part of the false-alarm rate.
    """

    intervals: int
    exhaustive_intervals: int
    tp: int
    exhaustive_tp: int
    fp: int
    repeats: int
    ignored: int
    camera_s: float
    delays_s: tuple[float, ...]

    @property
    def fn(self) -> int:
        """Missed intervals."""
        return self.intervals - self.tp

    @property
    def precision(self) -> float | None:
        """Share of the alerts that are right, repeats apart."""
        return ratio(self.exhaustive_tp, self.exhaustive_tp + self.fp)

    @property
    def recall(self) -> float | None:
        """Share of the events that were found."""
        return ratio(self.tp, self.intervals)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        return f1(self.precision, self.recall)

    @property
    def precision_range(self) -> Range | None:
        """95 % interval."""
        return wilson(self.exhaustive_tp, self.exhaustive_tp + self.fp)

    @property
    def recall_range(self) -> Range | None:
        """95 % interval."""
        return wilson(self.tp, self.intervals)

    @property
    def f1_range(self) -> Range | None:
        """95 % interval; None where precision and recall are of different events (incomplete truth)."""
        return f1_range(self.tp, self.fp, self.fn) if self.exhaustive_intervals == self.intervals else None

    @property
    def false_alarms_per_camera_hour(self) -> float | None:
        """False alarms by the time watched."""
        return ratio(self.fp, self.camera_s / 3600)

    @property
    def delay_p50_s(self) -> float | None:
        """Median delay of the true positives."""
        return percentile(self.delays_s, 0.5)

    @property
    def delay_p95_s(self) -> float | None:
        """95th percentile of the delay of the true positives."""
        return percentile(self.delays_s, 0.95)

    def as_json(self) -> dict[str, Any]:
        """The figures of the JSON document; null where nothing can be said."""
        return {
            "intervals": self.intervals,
            "tp": self.tp,
            "fn": self.fn,
            "fp": self.fp,
            "repeats": self.repeats,
            "ignored": self.ignored,
            "precision": _rounded(self.precision),
            "precision_95": _bounds(self.precision_range),
            "recall": _rounded(self.recall),
            "recall_95": _bounds(self.recall_range),
            "f1": _rounded(self.f1),
            "f1_95": _bounds(self.f1_range),
            "camera_minutes": _rounded(self.camera_s / 60),
            "camera_hours": _rounded(self.camera_s / 3600),
            "false_alarms_per_camera_hour": _rounded(self.false_alarms_per_camera_hour),
            "delay_p50_s": _rounded(self.delay_p50_s),
            "delay_p95_s": _rounded(self.delay_p95_s),
        }


def measured(clips: Iterable[ClipResult]) -> Iterator[Measured]:
    """Every rule that raises alerts; those that count have errors instead (``CountResult``)."""
    for clip in clips:
        for rule in clip.rules:
            if rule.counts is None:
                yield Measured(clip, rule)


def figures(of: Sequence[Measured]) -> Figures:
    """The figures of these rules together, each clip's time counted once for each of its complete rules."""
    complete = [one for one in of if one.rule.exhaustive]
    return Figures(
        intervals=sum(len(one.rule.intervals) for one in of),
        exhaustive_intervals=sum(len(one.rule.intervals) for one in complete),
        tp=_count(of, Outcome.TRUE_POSITIVE),
        exhaustive_tp=_count(complete, Outcome.TRUE_POSITIVE),
        fp=_count(of, Outcome.FALSE_POSITIVE),
        repeats=_count(of, Outcome.REPEAT),
        ignored=_count(of, Outcome.IGNORED),
        camera_s=math.fsum(one.clip.duration_s for one in complete),
        delays_s=tuple(alert.delay_s for one in of for alert in one.rule.alerts if alert.delay_s is not None),
    )


def by_type(of: Iterable[Measured]) -> dict[str, Figures]:
    """Figures of each event type, by name."""
    groups: dict[str, list[Measured]] = {}
    for one in of:
        groups.setdefault(one.rule.type, []).append(one)
    return {type_: figures(groups[type_]) for type_ in sorted(groups)}


def by_condition(clips: Sequence[ClipResult]) -> dict[str, dict[str, Figures]]:
    """Figures of each event type in each condition that has enough of its events."""
    names = sorted({name for clip in clips for name in clip.conditions})
    found = {name: by_type(measured(clip for clip in clips if name in clip.conditions)) for name in names}
    enough = {name: {type_: of for type_, of in types.items() if _is_enough(of)} for name, types in found.items()}
    return {name: types for name, types in enough.items() if types}


def _is_enough(of: Figures) -> bool:
    return of.intervals >= ENOUGH_INTERVALS


def _count(of: Iterable[Measured], outcome: Outcome) -> int:
    return sum(len(one.rule.times(outcome)) for one in of)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _bounds(of: Range | None) -> list[float] | None:
    return None if of is None else [round(of.low, 4), round(of.high, 4)]
