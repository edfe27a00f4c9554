"""What changed between two evaluations: the rehearsal of an upgrade.

Only rules that are defined alike in both (parameters, truth, tolerances) are compared, and figures are computed anew
over exactly those, so that an added clip or a corrected truth never looks like progress or decline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from analytics.evaluation.figures import Figures, Measured, by_type, figures
from analytics.evaluation.results import Evaluation, RuleResult
from analytics.evaluation.scoring import Outcome
from core.errors import UsageError

_SAME_MOMENT_S = 1.0
"""Alerts of one rule that are so near in both evaluations are the same alert."""
_ROUNDING = 1e-9

_Key: TypeAlias = tuple[str, str]
"""Clip and rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeChange:
    """One event type, or one in a clip, before and after."""

    clip: str | None
    type: str
    before: Figures
    after: Figures

    @property
    def is_worse(self) -> bool:
        """F1 fell (recall, where F1 cannot be told), or there are more false alarms."""
        before, after = self.before.f1, self.after.f1
        if before is None or after is None:
            before, after = self.before.recall, self.after.recall
        fell = before is not None and after is not None and after < before - _ROUNDING
        return fell or self.after.fp > self.before.fp

    @property
    def is_change(self) -> bool:
        """Whether any figure moved."""
        return self.before != self.after

    def as_json(self) -> dict[str, Any]:
        """Both sides."""
        of = {"type": self.type, "is_worse": self.is_worse}
        place = {} if self.clip is None else {"clip": self.clip}
        return {**place, **of, "before": self.before.as_json(), "after": self.after.as_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChange:
    """One alert gained or lost. ``outcome``: what it is, or was; ``time_s``: of the event, or of a wrong alert."""

    clip: str
    rule: str
    type: str
    outcome: Outcome
    is_gained: bool
    time_s: float

    def as_json(self) -> dict[str, Any]:
        """One entry of the document."""
        return {
            "change": "gained" if self.is_gained else "lost",
            "outcome": str(self.outcome),
            "clip": self.clip,
            "rule": self.rule,
            "type": self.type,
            "time_s": self.time_s,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CountChange:
    """Totals of one rule that counts."""

    clip: str
    rule: str
    before: int
    after: int

    @property
    def is_worse(self) -> bool:
        """It miscounts by more."""
        return self.after > self.before

    def as_json(self) -> dict[str, Any]:
        """One entry of the document."""
        errors = {"error_before": self.before, "error_after": self.after}
        return {"clip": self.clip, "rule": self.rule, "is_worse": self.is_worse, **errors}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All that changed."""

    types: tuple[TypeChange, ...]
    """Every type that both have."""
    clips: tuple[TypeChange, ...]
    """Types within a clip whose figures moved."""
    alerts: tuple[AlertChange, ...]
    counts: tuple[CountChange, ...]
    """Rules that count and now miscount by more or less."""
    unmeasured: tuple[str, ...]
    """Types that were measured before and are not installed any more."""
    only_before: tuple[_Key, ...]
    """Rules that only the old evaluation has, or that are defined otherwise now."""
    only_after: tuple[_Key, ...]
    settings: Mapping[str, tuple[Any, Any]]
    """What was measured with, where it differs."""

    @property
    def is_worse(self) -> bool:
        """Whether any type got worse."""
        changes: tuple[TypeChange | CountChange, ...] = (*self.types, *self.counts)
        return bool(self.unmeasured) or any(change.is_worse for change in changes)

    def as_json(self) -> dict[str, Any]:
        """The ``compare`` part of the document."""
        return {
            "is_worse": self.is_worse,
            "types": [change.as_json() for change in self.types],
            "clips": [change.as_json() for change in self.clips],
            "alerts": [change.as_json() for change in self.alerts],
            "counting": [change.as_json() for change in self.counts],
            "unmeasured": list(self.unmeasured),
            "only_before": [list(key) for key in self.only_before],
            "only_after": [list(key) for key in self.only_after],
            "settings": {name: list(values) for name, values in self.settings.items()},
        }


def compare(before: Evaluation, after: Evaluation) -> Comparison:
    """What changed from one to the other.

    Raises:
        UsageError: they have no rule in common.
    """
    old, new = _by_key(before), _by_key(after)
    common = [key for key in new if key in old and old[key].rule.definition == new[key].rule.definition]
    if not common:
        raise UsageError(
            "the two evaluations have no rule in common", remedy="Compare evaluations of the same data set."
        )
    pairs = [(old[key], new[key]) for key in common]
    rules = [(one, other) for one, other in pairs if one.rule.counts is None and other.rule.counts is None]
    now = {*(rule.type for clip in after.clips for rule in clip.rules)}
    then = {rule.type for clip in before.clips for rule in clip.rules}
    return Comparison(
        types=tuple(_type_changes(None, rules)),
        clips=tuple(_clip_changes(rules)),
        alerts=tuple(change for one, other in rules for change in _alert_changes(one, other)),
        counts=tuple(_count_changes(pairs)),
        unmeasured=tuple(sorted((then - now) & set(after.not_installed))),
        only_before=tuple(key for key in old if key not in common),
        only_after=tuple(key for key in new if key not in common),
        settings=_differing(before, after),
    )


def _by_key(evaluation: Evaluation) -> dict[_Key, Measured]:
    return {(clip.clip, rule.rule): Measured(clip, rule) for clip in evaluation.clips for rule in clip.rules}


_Pairs: TypeAlias = Sequence[tuple[Measured, Measured]]


def _type_changes(clip: str | None, pairs: _Pairs) -> Iterator[TypeChange]:
    after = by_type(new for _, new in pairs)
    for type_, before in by_type(old for old, _ in pairs).items():
        yield TypeChange(clip=clip, type=type_, before=before, after=after.get(type_, figures([])))


def _clip_changes(pairs: _Pairs) -> Iterator[TypeChange]:
    for clip in dict.fromkeys(new.clip.clip for _, new in pairs):
        of_clip = [(old, new) for old, new in pairs if new.clip.clip == clip]
        yield from (change for change in _type_changes(clip, of_clip) if change.is_change)


def _alert_changes(old: Measured, new: Measured) -> Iterator[AlertChange]:
    for outcome in (Outcome.TRUE_POSITIVE, Outcome.FALSE_POSITIVE, Outcome.REPEAT):
        before, after = _moments(old.rule, outcome), _moments(new.rule, outcome)
        apart_s = 0.0 if outcome is Outcome.TRUE_POSITIVE else _SAME_MOMENT_S
        lost, gained = _without(before, after, apart_s), _without(after, before, apart_s)
        for is_gained, times in ((False, lost), (True, gained)):
            for time_s in times:
                yield AlertChange(
                    clip=new.clip.clip,
                    rule=new.rule.rule,
                    type=new.rule.type,
                    outcome=outcome,
                    is_gained=is_gained,
                    time_s=time_s,
                )


def _moments(rule: RuleResult, outcome: Outcome) -> list[float]:
    """Starts of the events found, or times of the wrong alerts."""
    if outcome is Outcome.TRUE_POSITIVE:
        return [interval.start_s for interval in rule.intervals if interval.found_s is not None]
    return rule.times(outcome)


def _without(times: Iterable[float], others: Iterable[float], apart_s: float) -> list[float]:
    """The times that have no partner so near among the others; each of those is partner of one."""
    left, alone = sorted(others), []
    for time_s in sorted(times):
        partner = next((other for other in left if abs(other - time_s) <= apart_s), None)
        if partner is None:
            alone.append(time_s)
        else:
            left.remove(partner)
    return alone


def _count_changes(pairs: _Pairs) -> Iterator[CountChange]:
    for old, new in pairs:
        if old.rule.counts is None or new.rule.counts is None:
            continue
        before, after = (sum(one.absolute_error.values()) for one in (old.rule.counts, new.rule.counts))
        if before != after:
            yield CountChange(clip=new.clip.clip, rule=new.rule.rule, before=before, after=after)


def _differing(before: Evaluation, after: Evaluation) -> dict[str, tuple[Any, Any]]:
    old = {"vigie": before.vigie, **before.measured.model_dump()}
    new = {"vigie": after.vigie, **after.measured.model_dump()}
    return {name: (old[name], new[name]) for name in new if old[name] != new[name]}
