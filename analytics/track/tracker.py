"""Follows objects from frame to frame, by where they are: no appearance is ever compared.

Written from the papers: Kalman prediction and assignment (SORT, arXiv 1602.00763), a second stage for weak detections
(ByteTrack, arXiv 2110.06864), re-update along a virtual path when an object is found again and recovery by its last
observation (OC-SORT, arXiv 2203.14360), buffered overlap (C-BIoU, arXiv 2211.14317). Time is capture time. Beside
these: weak detections that go along a straight way are an object (``analytics.track.evidence``), and boxes that share
most of a better one are doubtful (``analytics.track.seen``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import numpy as np

from analytics.track.association import associate
from analytics.track.groups import INDEFINITE
from analytics.track.kalman import Array
from analytics.track.objects import Objects
from analytics.track.overlap import Index, alike, covered, edges_of
from analytics.track.record import Record
from analytics.track.seen import Seen, as_seen
from core.types import Box, Detection, Track, UtcSeconds

_MAX_AGE_S = 2.0
"""An object unseen for longer is gone; a step of the clock as long, either way, is another scene."""
_COAST_S = 0.5
"""So long an unseen object is still reported, where it is predicted to be."""
_TAKEN = 0.5
"""A weak detection that shares more of its area with something already followed is a part of that."""
_TWINS = 0.9
"""Two objects that overlap more (IoU) are one."""


class Tracker:
    """Follows the objects of one camera. Not thread-safe; one per camera."""

    def __init__(self, *, min_score: float = 0.35, aspect: float = 16 / 9) -> None:
        """``min_score``: one below it starts a track only if it moves. ``aspect``: picture width / height."""
        self._min_score = min_score
        self._aspect = aspect
        self._ids = count(1)
        self.reset()

    def reset(self) -> None:
        """Forgets every track (stream interrupted). Ids go on, none is used twice."""
        self._objects = Objects()
        self._captured_at: UtcSeconds | None = None

    def update(self, detections: Sequence[Detection], captured_at: UtcSeconds) -> tuple[Track, ...]:
        """Takes one frame's detections; returns the confirmed tracks, measured or (shortly) predicted.

        Frames may be any time apart. A small step back of the recorder's clock counts as no time; a large step
        either way forgets every track.
        """
        self._advance(captured_at)
        seen = as_seen(detections, self._aspect, self._min_score)
        rows, found = associate(self._objects, seen)
        self._objects.correct(rows, found, seen, self._ids)
        self._objects.keep_living(_MAX_AGE_S)
        self._objects.start(seen, self._starters(seen, found), captured_at)
        self._drop_twins()
        return self._report()

    def _advance(self, captured_at: UtcSeconds) -> None:
        elapsed = 0.0 if self._captured_at is None else captured_at - self._captured_at
        if abs(elapsed) > _MAX_AGE_S:
            self.reset()
        self._captured_at = captured_at
        self._objects.advance(max(elapsed, 0.0))

    def _starters(self, seen: Seen, taken: Index) -> list[int]:
        """Detections that may be new objects."""
        may_start = seen.strong | (seen.moves & ~seen.doubtful)
        may_start[taken] = False
        (free,) = may_start.nonzero()
        if not free.size:
            return []
        known = edges_of(self._objects.filters.position[self._objects.moves])
        is_part = covered(seen.edges.take(free, axis=1), known, _TAKEN).any(axis=1)
        starters: list[int] = free[seen.strong[free] | ~is_part].tolist()
        return starters

    def _drop_twins(self) -> None:
        """Of two objects at one place the older stays, or the one with an id."""
        records = self._objects.records
        twins = alike(self._objects.filters.position, _TWINS)
        if not twins:
            return
        kept = np.ones(len(records), dtype=bool)
        for first, second in twins:
            one, other = records[first], records[second]
            if one.group == other.group or INDEFINITE in (one.group, other.group):
                kept[first if _rank(other) < _rank(one) else second] = False
        self._objects.keep(kept)

    def _report(self) -> tuple[Track, ...]:
        objects = self._objects
        for record in objects.records:
            if record.origin is None and record.track_id:
                (left,), (top,), (right,), (bottom,) = self._visible(record.evidence.start[None])
                record.origin = Box(left, top, right, bottom)
        told = objects.confirmed & objects.seen_within(_COAST_S)
        corners = self._visible(objects.filters.position)
        return tuple(
            [
                Track(
                    record.track_id,
                    record.label,
                    record.score,
                    Box(left, top, right, bottom),
                    record.first_seen,
                    missed == 0,
                    record.origin,
                )
                for record, is_told, missed, left, top, right, bottom in zip(
                    objects.records, told.tolist(), objects.missed.tolist(), *corners, strict=True
                )
                if is_told and left < right and top < bottom
            ]
        )

    def _visible(self, positions: Array) -> list[list[float]]:
        """Of the parts inside the picture, normalised: all left sides, then the tops, right sides and bottoms."""
        edges = edges_of(positions)
        edges[::2] /= self._aspect
        corners: list[list[float]] = np.minimum(np.maximum(edges, 0.0, out=edges), 1.0, out=edges).tolist()
        return corners


def _rank(record: Record) -> tuple[bool, float]:
    return not record.is_confirmed, record.evidence.started_at
