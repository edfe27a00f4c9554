"""Follows objects from frame to frame, by where they are: no appearance is ever compared.

Written from the papers: Kalman prediction and assignment (SORT, arXiv 1602.00763), a second stage for weak detections
(ByteTrack, arXiv 2110.06864), re-update along a virtual path when an object is found again and recovery by its last
observation (OC-SORT, arXiv 2203.14360), buffered overlap (C-BIoU, arXiv 2211.14317). Time is capture time. Beside
these: weak detections that go along a straight way are an object (``analytics.track.evidence``), and boxes that share
most of a better one are doubtful (``analytics.track.seen``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import count

import numpy as np

from analytics.detect.labels import OBJECT
from analytics.track.association import associate
from analytics.track.kalman import Array
from analytics.track.objects import Objects
from analytics.track.overlap import alike, coverage
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
        pairs = associate(self._objects, seen)
        self._objects.correct(pairs, seen, self._ids)
        self._objects.keep_living(_MAX_AGE_S)
        self._objects.start(seen, self._starters(seen, {detection for _, detection in pairs}), captured_at)
        self._drop_twins()
        return self._report()

    def _advance(self, captured_at: UtcSeconds) -> None:
        elapsed = 0.0 if self._captured_at is None else captured_at - self._captured_at
        if abs(elapsed) > _MAX_AGE_S:
            self.reset()
        self._captured_at = captured_at
        self._objects.advance(max(elapsed, 0.0))

    def _starters(self, seen: Seen, taken: Collection[int]) -> list[int]:
        """Detections that may be new objects."""
        candidates = (seen.strong | (seen.moves & ~seen.doubtful)).nonzero()[0].tolist()
        free = [index for index in candidates if index not in taken]
        if not free:
            return []
        known = self._objects.filters.position[self._objects.moves]
        is_part = np.any(coverage(seen.boxes[free], known) > _TAKEN, axis=1).tolist()
        return [index for index, part in zip(free, is_part, strict=True) if seen.strong[index] or not part]

    def _drop_twins(self) -> None:
        """Of two objects at one place the older stays, or the one with an id."""
        records = self._objects.records
        kept = [True] * len(records)
        for first, second in alike(self._objects.filters.position, _TWINS):
            one, other = records[first], records[second]
            if one.group == other.group or OBJECT in {one.group, other.group}:
                kept[first if _rank(other) < _rank(one) else second] = False
        self._objects.keep(kept)

    def _report(self) -> tuple[Track, ...]:
        objects = self._objects
        rows = np.flatnonzero(objects.confirmed & objects.seen_within(_COAST_S)).tolist()
        told = [objects.records[row] for row in rows]
        for record in told:
            if record.origin is None:
                (record.origin,) = self._visible_boxes(record.evidence.start[None])
        pairs = zip(told, self._visible_boxes(objects.filters.position[rows]), strict=True)
        return tuple([_track(record, box) for record, box in pairs if box.left < box.right and box.top < box.bottom])

    def _visible_boxes(self, positions: Array) -> list[Box]:
        """The parts inside the picture, normalised."""
        middles, halves = positions[:, :2], positions[:, 2:] / 2
        corners = np.concatenate([middles - halves, middles + halves], axis=1) / (self._aspect, 1.0, self._aspect, 1.0)
        return [
            Box(left=left, top=top, right=right, bottom=bottom)
            for left, top, right, bottom in np.minimum(np.maximum(corners, 0.0), 1.0).tolist()
        ]


def _rank(record: Record) -> tuple[bool, float]:
    return not record.is_confirmed, record.evidence.started_at


def _track(record: Record, box: Box) -> Track:
    return Track(
        track_id=record.track_id,
        label=record.label,
        score=record.score,
        box=box,
        first_seen=record.first_seen,
        is_measured=record.missed == 0,
        origin=record.origin,
    )
