"""Which detection is which object."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analytics.track.assignment import assign_pairs
from analytics.track.groups import INDEFINITE
from analytics.track.kalman import Array, sizes
from analytics.track.objects import Objects
from analytics.track.overlap import Index, Mask, edges_of, overlap, touching
from analytics.track.seen import Seen

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


class _Near(NamedTuple):
    """Pairs of an object and a detection that overlap when they are widened: parallel arrays, in order of both."""

    rows: Index
    columns: Index
    kin: Mask
    """Labels of one group go together, and an indefinite object goes with anything."""
    near: Array
    """Cost with boxes widened by the uncertainty of the prediction."""
    exact: Array
    """Cost with boxes as they are."""

    def only(self, chosen: Mask) -> _Near:
        """Some of them."""
        (index,) = chosen.nonzero()
        rows, columns, kin, near, exact = self
        return _Near(rows.take(index), columns.take(index), kin.take(index), near.take(index), exact.take(index))


def associate(objects: Objects, seen: Seen) -> tuple[Index, Index]:
    """Objects and their detections, paired in stages from the surest to the least sure; costs are 1 - overlap."""
    work = _Association(objects, seen)
    for stage in (work.fitting, work.exact, work.sighted, work.preferred, work.foreign, work.faint):
        stage()
    return work.paired


class _Association:
    """What is paired so far, and the stages that pair more of what is left."""

    def __init__(self, objects: Objects, seen: Seen) -> None:
        self.paired: tuple[Index, Index] = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
        self._objects, self._seen = objects, seen
        self._free, self._untaken = np.ones(len(objects.records), dtype=bool), np.ones(len(seen.labels), dtype=bool)
        self._confirmed, self._groups = objects.confirmed, objects.groups
        self._fresh = self._confirmed & objects.seen_within(_FRESH_S)
        self._margin = _MARGIN * sizes(objects.filters.position)
        self._left = self._near()

    def _near(self) -> _Near:
        filters, edges = self._objects.filters, self._seen.edges
        known, wider = edges_of(filters.position), 2 * (self._margin + np.sqrt(filters.variance[:, 0]))
        rows, columns = touching(known, edges, wider)
        both = np.zeros((2, len(rows)))
        both[0] = wider.take(rows)
        near, exact = 1 - overlap(known.take(rows, axis=1)[:, None], edges.take(columns, axis=1)[:, None], both)
        return _Near(rows, columns, self._kin(rows, columns), near, exact)

    def _kin(self, rows: Index, columns: Index) -> Mask:
        have, want = self._groups.take(rows), self._seen.groups.take(columns)
        kin: Mask = (have == want) | (have == INDEFINITE) | (want == INDEFINITE)
        return kin

    def fitting(self) -> None:
        """Of strong ones the surer is the cheaper; weak ones only where they fit what was measured just before."""
        left, seen = self._left, self._seen
        fits = (left.exact <= _FITTING) & self._fresh.take(left.rows) & ~seen.doubtful.take(left.columns)
        fits |= seen.strong.take(left.columns)
        self._pair(fits & left.kin & self._confirmed.take(left.rows), self._preferred(), _STRONG_LIMIT)

    def exact(self) -> None:
        """Weak ones, with boxes as they are."""
        left = self._left
        if left.rows.size:
            allowed = left.kin & self._fresh.take(left.rows) & ~self._seen.strong.take(left.columns)
            self._pair(allowed, left.exact, _WEAK_LIMIT)

    def sighted(self) -> None:
        """Strong ones, with boxes where they were last measured."""
        (columns,) = (self._untaken & self._seen.strong).nonzero()
        if not columns.size:
            return
        (rows,) = (self._free & self._confirmed).nonzero()
        known, wider = edges_of(self._objects.sighted.take(rows, axis=0)), 2 * self._margin.take(rows)
        edges = self._seen.edges.take(columns, axis=1)
        row, column = touching(known, edges, wider)
        costs = 1 - overlap(known.take(row, axis=1), edges.take(column, axis=1), wider.take(row))
        rows, columns = rows.take(row), columns.take(column)
        self._take(rows, columns, costs, self._kin(rows, columns), _RECOVER_LIMIT)

    def preferred(self) -> None:
        """Strong ones that continue what is not yet confirmed."""
        left = self._left
        if left.rows.size:
            allowed = left.kin & ~self._confirmed.take(left.rows) & self._seen.strong.take(left.columns)
            self._pair(allowed, self._preferred(), _STRONG_LIMIT)

    def foreign(self) -> None:
        """With boxes as they are, whatever the labels: a car that is called a boat for a moment is still there.

        Only for what moves: models see all kinds of things in an empty place.
        """
        left, objects = self._left, self._objects
        if left.rows.size:
            moving = self._fresh & objects.moves & objects.moving
            self._pair(moving.take(left.rows) & ~self._seen.moves.take(left.columns), left.exact, _FOREIGN_LIMIT)

    def faint(self) -> None:
        """Weak ones that continue what is not yet confirmed."""
        left, seen = self._left, self._seen
        if left.rows.size:
            weak = ~(seen.strong | seen.doubtful).take(left.columns)
            self._pair(weak & left.kin & ~self._confirmed.take(left.rows), left.near, _FAINT_LIMIT)

    def _preferred(self) -> Array:
        """Like ``near``, and the surer detection is the cheaper."""
        return self._left.near - _PREFERENCE * (self._seen.scores.take(self._left.columns) - _USUAL_SCORE)

    def _pair(self, allowed: Mask, costs: Array, limit: float) -> None:
        self._take(self._left.rows, self._left.columns, costs, allowed, limit)

    def _take(self, rows: Index, columns: Index, costs: Array, allowed: Mask, limit: float) -> None:
        (index,) = (allowed & (costs < limit)).nonzero()
        if not index.size:
            return
        rows, columns = assign_pairs(rows.take(index), columns.take(index), costs.take(index), limit)
        self.paired = np.concatenate([self.paired[0], rows]), np.concatenate([self.paired[1], columns])
        self._free[rows] = self._untaken[columns] = False
        self._left = self._left.only(self._free.take(self._left.rows) & self._untaken.take(self._left.columns))
