"""Small studies, written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analytics.evaluation.figures import Measured, measured
from analytics.evaluation.sensitivity.judged import Judged
from analytics.evaluation.sensitivity.thresholds import Move, Side, Threshold
from tests.analytics.evaluation.builders import judged as clip_of
from tests.analytics.evaluation.builders import rule

TRUTH = [(5.0, 15.0), (25.0, 35.0)]


def threshold(name: str = "_X") -> Threshold:
    return Threshold(type="fire", module="analytics.rules.fire", name=name, value=1.0, constant=name)


def move(name: str = "_X", side: Side = Side.LOW) -> Move:
    return Move(threshold=threshold(name), side=side, value=0.8 if side is Side.LOW else 1.2, is_clipped=False)


def fired(*times_s: float, clip: str = "clip", truth: Sequence[tuple[float, float]] = TRUTH) -> tuple[Measured, ...]:
    """A clip with one rule that fired at these times."""
    return tuple(measured([clip_of([rule("burns", truth, kind="fire")], {"burns": times_s}, clip=clip)]))


def study(
    plain: Mapping[str, tuple[Measured, ...]],
    moved: Mapping[Move, Mapping[str, tuple[Measured, ...]]],
    defects: Mapping[Move, int] | None = None,
) -> Judged:
    return Judged(type="fire", plain=plain, moved=moved, defects={one: (defects or {}).get(one, 0) for one in moved})
