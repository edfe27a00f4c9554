"""Which detection is which object."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.detect.labels import OBJECT
from analytics.track.assignment import assign
from analytics.track.kalman import Array, sizes
from analytics.track.objects import Objects
from analytics.track.overlap import overlaps
from analytics.track.seen import Mask, Seen

Index = NDArray[np.intp]

_MARGIN = 0.15
"""Boxes are widened by this share of their size (and by the uncertainty of the prediction) before they are compared."""
_STRONG_LIMIT = 0.7
_WEAK_LIMIT = 0.5
_RECOVER_LIMIT = 0.5
_FOREIGN_LIMIT = 0.5
_FAINT_LIMIT = 0.6
"""Of weak detections that continue what is not yet confirmed: more than ``_WEAK_LIMIT``, its speed is not yet known."""
_PREFERENCE = 0.3
"""The surer of two strong detections is preferred: a whole score is worth this much of overlap (as ByteTrack does)."""
_USUAL_SCORE = 0.5
_FITTING = 0.3
"""A weak detection that fits so well is weighed against the strong ones: these may be of something else."""
_FRESH_S = 0.3
"""Weak detections only continue objects that were measured so shortly before."""


class _Stage(NamedTuple):
    rows: Mask
    columns: Mask
    costs: Callable[[Index, Index], Array]
    limit: float


def associate(objects: Objects, seen: Seen) -> list[tuple[int, int]]:
    """Pairs (object, detection), in stages from the surest to the least sure; costs are 1 - overlap."""
    pairs: list[tuple[int, int]] = []
    free, untaken = np.ones(len(objects.records), dtype=bool), np.ones(len(seen.boxes), dtype=bool)
    for stage in _stages(objects, seen):
        if len(pairs) == min(len(free), len(untaken)):
            break
        (rows,), (columns,) = (stage.rows & free).nonzero(), (stage.columns & untaken).nonzero()
        if not rows.size or not columns.size:
            continue
        found = [(int(rows[row]), int(columns[at])) for row, at in assign(stage.costs(rows, columns), stage.limit)]
        for row, column in found:
            free[row], untaken[column] = False, False
        pairs += found
    return pairs


def _stages(objects: Objects, seen: Seen) -> tuple[_Stage, ...]:
    confirmed = objects.confirmed
    fresh = confirmed & objects.seen_within(_FRESH_S)
    strong, weak = seen.strong, ~seen.strong
    costs = _Costs(objects, seen, fresh)
    return (
        _Stage(confirmed, strong | ~seen.doubtful, costs.fitting, _STRONG_LIMIT),
        _Stage(fresh, weak, costs.exact, _WEAK_LIMIT),
        _Stage(confirmed, strong, costs.sighted, _RECOVER_LIMIT),
        _Stage(~confirmed, strong, costs.preferred, _STRONG_LIMIT),
        _Stage(fresh & objects.moves & objects.moving, ~seen.moves, costs.foreign, _FOREIGN_LIMIT),
        _Stage(~confirmed, weak & ~seen.doubtful, costs.near, _FAINT_LIMIT),
    )


class _Costs:
    """What pairs of some objects with some detections cost, in several ways: rows x columns, infinite where forbidden."""

    def __init__(self, objects: Objects, seen: Seen, fresh: Mask) -> None:
        self._objects = objects
        self._fresh = fresh
        self._seen = seen
        self._margin = _MARGIN * sizes(objects.filters.position)
        codes: dict[str, int] = {OBJECT: 0}
        self._have = np.array([codes.setdefault(record.group, len(codes)) for record in objects.records], dtype=np.intp)
        self._want = np.array([codes.setdefault(group, len(codes)) for group in seen.groups], dtype=np.intp)
        self._is_definite = bool(self._have.all() and self._want.all())

    def near(self, rows: Index, columns: Index) -> Array:
        """With boxes widened by the uncertainty of the prediction."""
        filters = self._objects.filters
        margin = self._margin[rows] + np.sqrt(filters.variance[rows, :1])
        return self._allowed(1 - overlaps(filters.position[rows], self._seen.boxes[columns], margin), rows, columns)

    def preferred(self, rows: Index, columns: Index) -> Array:
        """Like ``near``, and the surer detection is the cheaper."""
        costs = self.near(rows, columns)
        costs -= _PREFERENCE * (self._seen.scores[columns] - _USUAL_SCORE)
        return costs

    def fitting(self, rows: Index, columns: Index) -> Array:
        """Like ``preferred``; weak detections only where they fit an object that was measured just before."""
        costs, weak = self.preferred(rows, columns), np.flatnonzero(~self._seen.strong[columns])
        if weak.size:
            fits = (self.foreign(rows, columns[weak]) <= _FITTING) & self._fresh[rows, None]
            costs[:, weak] = np.where(fits, costs[:, weak], np.inf)
        return costs

    def exact(self, rows: Index, columns: Index) -> Array:
        """With boxes as they are."""
        return self._allowed(self.foreign(rows, columns), rows, columns)

    def foreign(self, rows: Index, columns: Index) -> Array:
        """With boxes as they are, whatever the labels: a car that is called a boat for a moment is still there.

        Only for what moves: models see all kinds of things in an empty place.
        """
        return 1 - overlaps(self._objects.filters.position[rows], self._seen.boxes[columns])

    def sighted(self, rows: Index, columns: Index) -> Array:
        """With boxes where they were last measured."""
        costs = 1 - overlaps(self._objects.sighted[rows], self._seen.boxes[columns], self._margin[rows])
        return self._allowed(costs, rows, columns)

    def _allowed(self, costs: Array, rows: Index, columns: Index) -> Array:
        """Labels of one group go together, and an indefinite object goes with anything."""
        have, want = self._have[rows][:, None], self._want[columns]
        foreign = have != want
        if not self._is_definite:
            foreign &= (have != 0) & (want != 0)
        costs[foreign] = np.inf
        return costs
