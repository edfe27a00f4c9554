"""What would have fired with other thresholds, as far as what the store keeps of each alert can tell.

An alert keeps its objects' scores and boxes at the frame that decided. So only thresholds stricter than the present
ones can be tried: what a rule did not fire was never stored. And a stricter rule might have fired some frames later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from config.model import RuleSettings
from core.qualification.record import Judged
from core.qualification.tally import FEWEST, LIMIT, Standing, Tally, tally
from core.types import AlertObject

_CONFIDENCES = tuple(round(0.05 * step, 2) for step in range(1, 20))
_SIZES = tuple(round(0.02 * step, 2) for step in range(1, 50))
_COOLDOWNS_S = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One value of one threshold, tried on the alerts that were recorded."""

    parameter: str
    value: float
    is_present: bool
    is_exact: bool
    """Whether it would have been exactly so; else it is so at the frames that decided."""
    fires: Tally
    silent: Tally
    undecided: int
    """Alerts of several objects of which only some are left, or that do not hang on objects."""


def try_thresholds(rule: RuleSettings, alerts: Sequence[Judged]) -> list[Trial]:
    """Every threshold's present value, then the stricter ones that change something, up to where nothing fires."""
    return [
        *_distinct(_object_trials("min_confidence", rule.min_confidence, _CONFIDENCES, alerts)),
        *_distinct(_object_trials("min_size", rule.min_size, _SIZES, alerts)),
        *_distinct(_cooldown_trials(rule.cooldown_s, alerts)),
    ]


def best(trials: Sequence[Trial]) -> Trial | None:
    """The stricter value that brings the false ones under the limit and keeps most of the true ones; proven ones first."""
    found = [trial for trial in trials if not trial.is_present and _is_under(trial.fires)]
    return max(
        found,
        key=lambda trial: (trial.fires.standing is Standing.QUALIFIED, trial.fires.true, -trial.fires.false),
        default=None,
    )


def _is_under(counts: Tally) -> bool:
    return counts.judged >= FEWEST and counts.false < LIMIT * counts.judged


def _distinct(trials: Iterator[Trial]) -> Iterator[Trial]:
    """Leaves out what neither changes anything nor lets anything through."""
    before: Trial | None = None
    for trial in trials:
        if before is None or _outcome(trial) != _outcome(before):
            if before is not None and trial.fires.all == 0:
                return
            yield trial
            before = trial


def _outcome(trial: Trial) -> tuple[Tally, Tally, int]:
    return trial.fires, trial.silent, trial.undecided


def _object_trials(parameter: str, present: float, steps: Sequence[float], alerts: Sequence[Judged]) -> Iterator[Trial]:
    if not any(item.alert.objects for item in alerts):
        return
    for value in (present, *(step for step in steps if step > present)):
        sides = [(item, _fires(item, _test(parameter, value))) for item in alerts]
        yield Trial(
            parameter=parameter,
            value=value,
            is_present=value == present,
            is_exact=value == present and all(fires for _, fires in sides),
            fires=tally(item for item, fires in sides if fires),
            silent=tally(item for item, fires in sides if fires is False),
            undecided=sum(fires is None for _, fires in sides),
        )


def _test(parameter: str, value: float) -> Callable[[AlertObject], bool]:
    if parameter == "min_size":
        return lambda seen: seen.box.height >= value
    return lambda seen: seen.score >= value


def _fires(item: Judged, counts: Callable[[AlertObject], bool]) -> bool | None:
    """None where what is left of the alert's objects does not tell."""
    left = [counts(seen) for seen in item.alert.objects]
    if not left or (any(left) and not all(left)):
        return None
    return all(left)


def _cooldown_trials(present: float, alerts: Sequence[Judged]) -> Iterator[Trial]:
    for value in (present, *(step for step in _COOLDOWNS_S if step > present)):
        fired = set(_spaced(alerts, value))
        silent = [item for place, item in enumerate(alerts) if place not in fired]
        yield Trial(
            parameter="cooldown_s",
            value=value,
            is_present=value == present,
            # A cooldown swallowed occurrences that were never stored, and that a longer one might have let through.
            is_exact=present == 0.0 or (value == present and not silent),
            fires=tally(item for place, item in enumerate(alerts) if place in fired),
            silent=tally(silent),
            undecided=0,
        )


def _spaced(alerts: Sequence[Judged], cooldown_s: float) -> Iterator[int]:
    """As the rule runner counts it: in capture time, from the last alert that was raised."""
    last: float | None = None
    for place, item in enumerate(alerts):
        if last is None or item.alert.captured_at - last >= cooldown_s:
            last = item.alert.captured_at
            yield place
