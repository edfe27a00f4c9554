"""A rule's qualification as figures and as advice that a person can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from core.clock import iso_utc
from core.qualification.record import RuleRecord
from core.qualification.tally import FEWEST, LIMIT, Standing, Tally, needed, tally
from core.qualification.what_if import Trial, best, try_thresholds
from core.types import Json, RuleState

_LIMIT_TEXT = f"{LIMIT:.0%}"


@dataclass(frozen=True)
class Qualification:
    """What ``vigie qualify`` says of one rule."""

    record: RuleRecord

    @cached_property
    def counts(self) -> Tally:
        """Its alerts by verdict."""
        return tally(self.record.alerts)

    @cached_property
    def trials(self) -> Sequence[Trial]:
        """Stricter thresholds tried on its alerts."""
        return try_thresholds(self.record.rule, self.record.alerts)

    @property
    def is_finding(self) -> bool:
        """An armed rule that raises too many false alerts."""
        return self.record.state is RuleState.ARMED and self.counts.standing is Standing.TOO_MANY_FALSE

    @cached_property
    def suggestion(self) -> Trial | None:
        """The threshold that would bring the false ones under the limit, where they are not."""
        share = self.counts.share
        return None if share is None or share < LIMIT else best(self.trials)

    @property
    def needed(self) -> int:
        """Judged alerts that would prove the share, were no other one false."""
        return needed(self.counts.false)

    def advice(self) -> str:
        """What to do, in one line."""
        counts, is_armed = self.counts, self.record.state is RuleState.ARMED
        match counts.standing:
            case Standing.QUALIFIED:
                return "it may stay armed" if is_armed else "it may be armed"
            case Standing.NOT_ENOUGH_VERDICTS:
                return self._more_verdicts()
            case Standing.TOO_MANY_FALSE:
                todo = "set it to observe" if is_armed else "do not arm it"
                return f"{todo}: {counts.false} of {counts.judged} judged are false; {self._remedy()}"

    def _more_verdicts(self) -> str:
        if self.counts.judged >= FEWEST and self.suggestion:
            return self._remedy()
        more = self.needed - self.counts.judged
        waiting = f" ({self.counts.none} wait for one)" if self.counts.none else ""
        return f"not enough verdicts{waiting}: {more} more that are true would prove that under {_LIMIT_TEXT} are false"

    def _remedy(self) -> str:
        trial = self.suggestion
        if trial is None:
            return f"no stricter threshold brings that under {_LIMIT_TEXT}: look at what is wrong, then move its zone"
        proven = "" if trial.fires.standing is Standing.QUALIFIED else ", which is too few to prove it"
        left = f"{trial.fires.false} of {trial.fires.judged} judged would be false{proven}"
        lost = f"{trial.silent.true} true ones would be lost"
        return (
            f"with {trial.parameter}: {trial.value:g} {left}, {lost}; set it, observe on, and qualify again since then"
        )

    def as_json(self) -> dict[str, Json]:
        """Everything, for tools."""
        record, rate = self.record, self.record.alerts_per_hour
        return {
            "camera": record.camera.id,
            "rule": record.rule.id,
            "type": record.rule.type,
            "state": record.state.value,
            "alerts": len(record.alerts),
            "alerts_observed": sum(item.alert.state is RuleState.OBSERVE for item in record.alerts),
            "alerts_of_other_settings": record.left_out,
            "verdicts": _verdicts(self.counts),
            "judged": self.counts.judged,
            "false_share": _share(self.counts),
            "watched_h": {state.value: round(record.hours(state), 3) for state in (RuleState.OBSERVE, RuleState.ARMED)},
            "watched_since": iso_utc(record.watches[0].begun_at) if record.watches else None,
            "alerts_per_hour": None if rate is None else round(rate, 4),
            "standing": self.counts.standing.value,
            "needed": self.needed,
            "advice": self.advice(),
            "suggestion": {self.suggestion.parameter: self.suggestion.value} if self.suggestion else None,
            "what_if": [_trial(trial) for trial in self.trials],
        }


def _trial(trial: Trial) -> dict[str, Json]:
    return {
        "parameter": trial.parameter,
        "value": trial.value,
        "is_present": trial.is_present,
        "is_exact": trial.is_exact,
        "fires": trial.fires.all,
        "silent": trial.silent.all,
        "undecided": trial.undecided,
        "verdicts": _verdicts(trial.fires),
        "lost_true": trial.silent.true,
        "false_share": _share(trial.fires),
    }


def _verdicts(counts: Tally) -> dict[str, Json]:
    return {"true": counts.true, "false": counts.false, "unknown": counts.unknown, "none": counts.none}


def _share(counts: Tally) -> dict[str, Json] | None:
    if counts.share is None or counts.interval is None:
        return None
    return {"share": counts.share, "low": counts.interval.low, "high": counts.interval.high}
