"""Every move of every threshold, judged clip by clip: what sensitivity and leave-one-clip-out are both read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analytics.evaluation.clip import ClipRun, RaisedAlert
from analytics.evaluation.dataset import Dataset, DatasetClip
from analytics.evaluation.figures import Figures, Measured, figures, measured
from analytics.evaluation.measure import Measurement, judge_clip
from analytics.evaluation.scoring import Tolerances
from analytics.evaluation.sensitivity.thresholds import Move
from analytics.evaluation.sensitivity.trials import Tried

ByClip = Mapping[str, tuple[Measured, ...]]
"""The judged rules of one type, by clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One rule type: as it is, and with each threshold moved."""

    type: str
    plain: ByClip
    moved: Mapping[Move, ByClip]
    """Only clips in which the move could change anything; the others are as they are."""
    defects: Mapping[Move, int]

    def of(self, move: Move | None, clips: Sequence[str]) -> Figures:
        """The figures over these clips; of no move, as it is."""
        return figures([one for clip in clips for one in self.rules(move, clip)])

    def rules(self, move: Move | None, clip: str) -> tuple[Measured, ...]:
        """The rules of one clip; of no move, as they are."""
        changed = {} if move is None else self.moved[move]
        return changed.get(clip, self.plain[clip])

    @property
    def clips(self) -> list[str]:
        """The clips with a rule of the type."""
        return list(self.plain)


def judged(dataset: Dataset, measurement: Measurement, moves: Sequence[Move]) -> list[Judged]:
    """Judges what came of the moves, type by type."""
    types = list(dict.fromkeys(move.threshold.type for move in moves))
    return [
        _of_type(type_, dataset, measurement, [move for move in moves if move.threshold.type == type_])
        for type_ in types
    ]


def score(of: Figures) -> float | None:
    """F1; recall where F1 cannot be told; None where neither can."""
    return of.recall if of.f1 is None else of.f1


def _of_type(type_: str, dataset: Dataset, measurement: Measurement, moves: Sequence[Move]) -> Judged:
    of_type = (_with_only(type_, clip) for clip in dataset.clips if clip.id in measurement.runs)
    clips = [clip for clip in of_type if clip.rules]
    runs, tolerances = measurement.runs, dataset.tolerances
    return Judged(
        type=type_,
        plain={clip.id: tuple(measured([judge_clip(clip, runs[clip.id], tolerances)])) for clip in clips},
        moved={
            move: {
                clip.id: _judge(clip, runs[clip.id], runs[clip.id].tried[move], tolerances)
                for clip in clips
                if move in runs[clip.id].tried
            }
            for move in moves
        },
        defects={move: sum(run.tried[move].defects for run in runs.values() if move in run.tried) for move in moves},
    )


def _with_only(type_: str, clip: DatasetClip) -> DatasetClip:
    return replace(clip, rules=tuple(rule for rule in clip.rules if rule.type == type_))


def _judge(clip: DatasetClip, run: ClipRun, tried: Tried, tolerances: Tolerances) -> tuple[Measured, ...]:
    """Rules of which the threshold is not moved, their settings giving it, fired as they did."""
    kept = [alert for alert in run.alerts if alert.rule not in tried.times_s]
    fired = [
        RaisedAlert(rule=rule, time_s=time_s, label=None, box=None, still=b"")
        for rule, times_s in tried.times_s.items()
        for time_s in times_s
    ]
    return tuple(measured([judge_clip(clip, replace(run, alerts=(*kept, *fired)), tolerances)]))
