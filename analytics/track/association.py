"""Which detection is which object."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.detect.labels import OBJECT, group_of
from analytics.track.assignment import assign
from analytics.track.kalman import Array, sizes
from analytics.track.objects import Objects, Seen
from analytics.track.overlap import overlaps

Mask = NDArray[np.bool_]

_MARGIN = 0.15
"""Boxes are widened by this share of their size (and by the uncertainty of the prediction) before they are compared."""
_STRONG_LIMIT = 0.7
_WEAK_LIMIT = 0.5
_RECOVER_LIMIT = 0.5
_WEAK_MISSED = 2
"""Weak detections only continue objects that were measured in one of the last two frames."""


class _Stage(NamedTuple):
    rows: Mask
    columns: Mask
    costs: Array
    limit: float


def associate(objects: Objects, seen: Seen, min_score: float) -> list[tuple[int, int]]:
    """Pairs (object, detection), in stages from the surest to the least sure; costs are 1 - overlap."""
    compatible = _compatible(objects, seen)
    pairs: list[tuple[int, int]] = []
    for stage in _stages(objects, seen, min_score):
        free = stage.rows[:, None] & stage.columns & compatible
        for row, column in pairs:
            free[row], free[:, column] = False, False
        pairs += assign(np.where(free, stage.costs, np.inf), stage.limit)
    return pairs


def _stages(objects: Objects, seen: Seen, min_score: float) -> tuple[_Stage, ...]:
    strong = seen.scores >= min_score
    confirmed = np.array([record.is_confirmed for record in objects.records], dtype=bool)
    fresh = np.array([record.missed <= _WEAK_MISSED for record in objects.records], dtype=bool)
    filters = objects.filters
    margin = _MARGIN * sizes(filters.position)
    near = 1 - overlaps(filters.position, seen.boxes, margin + np.sqrt(filters.variance[:, :1]))
    exact = 1 - overlaps(filters.position, seen.boxes)
    sighted = 1 - overlaps(objects.sighted, seen.boxes, margin)
    return (
        _Stage(confirmed, strong, near, _STRONG_LIMIT),
        _Stage(confirmed & fresh, ~strong, exact, _WEAK_LIMIT),
        _Stage(confirmed, strong, sighted, _RECOVER_LIMIT),
        _Stage(~confirmed, strong, near, _STRONG_LIMIT),
    )


def _compatible(objects: Objects, seen: Seen) -> Mask:
    """Whether labels allow a pair: those of one group do, and an indefinite object goes with anything."""
    have = np.array([record.group for record in objects.records], dtype=object)[:, None]
    want = np.array([group_of(label) for label in seen.labels], dtype=object)
    result: Mask = (have == want) | (have == OBJECT) | (want == OBJECT)
    return result
