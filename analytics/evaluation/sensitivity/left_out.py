"""Leave one clip out: what a clip would have brought if the rules had been tuned on the others only.

Thresholds were set by hand, so a tuner is played that can do one thing: move one threshold by a fifth, or none. For each
clip it sees all others of the type. ``chosen``: it takes the move that is strictly best there; where none is better than
none, it moves nothing. ``unlucky``: of all moves that are as good on the others as moving nothing, or better, it takes
the one that is worst on the clip left out: whoever had not seen this clip might have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analytics.evaluation.figures import Figures, figures
from analytics.evaluation.sensitivity.judged import Judged, score
from analytics.evaluation.sensitivity.thresholds import Move


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One clip left out."""

    clip: str
    chosen: Move | None
    unlucky: Move | None
    candidates: int
    """Moves that the other clips do not speak against."""

    def as_json(self, judged: Judged) -> dict[str, Any]:
        """One entry of the document."""
        return {
            "clip": self.clip,
            "chosen": {"move": _told(self.chosen), **_counts(judged.of(self.chosen, [self.clip]))},
            "unlucky": {"move": _told(self.unlucky), **_counts(judged.of(self.unlucky, [self.clip]))},
            "candidates": self.candidates,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """One rule type, each of its clips left out once."""

    judged: Judged
    folds: tuple[Fold, ...]

    @property
    def plain(self) -> Figures:
        """With the thresholds as they are, set with all clips in sight."""
        return self.judged.of(None, self.judged.clips)

    @property
    def chosen(self) -> Figures:
        """Each clip with what was chosen without it."""
        return self._together({fold.clip: fold.chosen for fold in self.folds})

    @property
    def unlucky(self) -> Figures:
        """Each clip with the worst that could have been chosen without it."""
        return self._together({fold.clip: fold.unlucky for fold in self.folds})

    def as_json(self) -> dict[str, Any]:
        """The entry of the type in the document."""
        aggregates = {"plain": self.plain, "chosen": self.chosen, "unlucky": self.unlucky}
        return {
            **{name: _counts(of) for name, of in aggregates.items()},
            "folds": [fold.as_json(self.judged) for fold in self.folds],
        }

    def _together(self, moves: Mapping[str, Move | None]) -> Figures:
        return figures([one for clip, move in moves.items() for one in self.judged.rules(move, clip)])


def left_out(judged: Judged) -> LeftOut | None:
    """Leaves out each clip in turn; None where there is only one, and nothing is left."""
    if len(judged.clips) <= 1:
        return None
    return LeftOut(judged=judged, folds=tuple(_fold(judged, clip) for clip in judged.clips))


def _fold(judged: Judged, clip: str) -> Fold:
    others = [other for other in judged.clips if other != clip]
    plain = _merit(judged.of(None, others))
    merits = {move: _merit(judged.of(move, others)) for move in judged.moved}
    best = max(merits, key=lambda move: merits[move], default=None)
    candidates = [None, *(move for move, merit in merits.items() if merit >= plain)]
    return Fold(
        clip=clip,
        chosen=best if best is not None and merits[best] > plain else None,
        unlucky=min(candidates, key=lambda move: _merit(judged.of(move, [clip]))),
        candidates=len(candidates) - 1,
    )


def _merit(of: Figures) -> tuple[float, int]:
    """F1 first; of equals, whichever has fewer false alarms."""
    return round(score(of) or 0.0, 9), -of.fp


def _told(move: Move | None) -> dict[str, Any] | None:
    return None if move is None else {"threshold": move.threshold.full_name, "value": move.value}


def _counts(of: Figures) -> dict[str, Any]:
    f1 = None if of.f1 is None else round(of.f1, 4)
    return {"tp": of.tp, "fn": of.fn, "fp": of.fp, "repeats": of.repeats, "f1": f1}
