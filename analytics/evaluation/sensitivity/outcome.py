"""By how much figures fall when one threshold is moved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from analytics.evaluation.dataset import COUNTING, Dataset
from analytics.evaluation.figures import Figures
from analytics.evaluation.sensitivity.judged import Judged, score
from analytics.evaluation.sensitivity.thresholds import Move, Side, Threshold, left_out_of, moves_of, thresholds_of
from core import registry
from core.contracts import Composition

MAX_DROP: Final = 0.10
"""F1 of a type may fall by so much when one threshold is moved."""
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A type's figures with one threshold moved one way."""

    move: Move
    figures: Figures
    drop: float
    """By how much F1 fell (recall, where F1 cannot be told); negative where it rose."""
    defects: int
    """How often the rule failed."""

    def as_json(self) -> dict[str, Any]:
        """One side of a threshold."""
        f1 = self.figures.f1
        told: dict[str, Any] = {"value": self.move.value, "f1": None if f1 is None else round(f1, 4)}
        counts = {"tp": self.figures.tp, "fn": self.figures.fn, "fp": self.figures.fp, "repeats": self.figures.repeats}
        return {**told, **counts, "clipped": self.move.is_clipped, "defects": self.defects}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """One threshold of a type, moved down and up."""

    threshold: Threshold
    sides: tuple[Moved, ...]
    clips: int
    """In how many clips a move could change anything."""
    more_false_alarms: int
    """The most that a move added."""

    @property
    def worst_drop(self) -> float:
        """The larger of both; 0 where neither fell."""
        return max((0.0, *(side.drop for side in self.sides)))

    @property
    def holds(self) -> bool:
        """Whether no move takes too much of F1, or makes the rule fail."""
        return self.worst_drop <= MAX_DROP + _ROUNDING and not any(side.defects for side in self.sides)

    def side(self, which: Side) -> Moved | None:
        """That move; None where a bound leaves no room for it."""
        return next((side for side in self.sides if side.move.side is which), None)

    def as_json(self) -> dict[str, Any]:
        """One entry of the document."""
        low, high = self.side(Side.LOW), self.side(Side.HIGH)
        return {
            "threshold": self.threshold.name,
            "module": self.threshold.module,
            "value": self.threshold.value,
            "low": None if low is None else low.as_json(),
            "high": None if high is None else high.as_json(),
            "worst_drop": round(self.worst_drop, 4),
            "decides_in_clips": self.clips,
            "holds": self.holds,
        }


def movable(dataset: Dataset) -> list[str]:
    """The types that are moved: those whose alerts are judged, and that are no composition of others."""
    return [
        type_
        for type_ in _installed(dataset)
        if type_ != COUNTING and not issubclass(registry.rule(type_), Composition)
    ]


def all_moves(types: Iterable[str]) -> list[Move]:
    """Every move of every threshold of these types.

    Raises:
        UsageError: the source of a rule is not there.
    """
    return [move for type_ in types for threshold in thresholds_of(type_) for move in moves_of(threshold)]


def sensitivity(judged: Judged) -> list[Sensitivity]:
    """Each threshold of the type, the most sensitive first."""
    plain = judged.of(None, judged.clips)
    by_threshold: dict[Threshold, list[Moved]] = {}
    for move in judged.moved:
        of = judged.of(move, judged.clips)
        drop = (score(plain) or 0.0) - (score(of) or 0.0)
        moved = Moved(move=move, figures=of, drop=drop, defects=judged.defects[move])
        by_threshold.setdefault(move.threshold, []).append(moved)
    found = [
        Sensitivity(
            threshold=threshold,
            sides=tuple(sides),
            clips=len({clip for side in sides for clip in judged.moved[side.move]}),
            more_false_alarms=max(0, *(side.figures.fp - plain.fp for side in sides)),
        )
        for threshold, sides in by_threshold.items()
    ]
    return sorted(found, key=lambda one: (-one.worst_drop, -one.more_false_alarms, one.threshold))


def not_moved(types: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The numbers of each type that are left out, with the reason."""
    return {
        type_: [
            {"threshold": one.name, "module": one.module, "value": one.value, "reason": reason}
            for one, reason in left_out_of(type_)
        ]
        for type_ in types
    }


def _installed(dataset: Dataset) -> list[str]:
    return sorted({rule.type for clip in dataset.clips for rule in clip.rules if rule.settings is not None})
