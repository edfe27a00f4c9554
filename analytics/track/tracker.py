"""Follows objects from frame to frame, by where they are: no appearance is ever compared.

Written from the papers: Kalman prediction and assignment (SORT, arXiv 1602.00763), a second stage for weak detections
(ByteTrack, arXiv 2110.06864), re-update along a virtual path when an object is found again and recovery by its last
observation (OC-SORT, arXiv 2203.14360), buffered overlap (C-BIoU, arXiv 2211.14317). Time is capture time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import numpy as np

from analytics.detect.labels import OBJECT
from analytics.track.association import associate
from analytics.track.kalman import SMALLEST, Array
from analytics.track.objects import Objects, Seen
from analytics.track.overlap import overlaps
from analytics.track.record import Record
from core.types import Box, Detection, Track, UtcSeconds

_MAX_AGE_S = 2.0
"""An object unseen for longer is gone; a step of the clock as long, either way, is another scene."""
_COAST_S = 0.5
"""So long an unseen object is still reported, where it is predicted to be."""
_TENTATIVE_MISSES = 1
_TWINS = 0.9
"""Two objects that overlap more (IoU) are one."""


class Tracker:
    """Follows the objects of one camera. Not thread-safe; one per camera."""

    def __init__(self, *, min_score: float = 0.35, aspect: float = 16 / 9) -> None:
        """``min_score``: below it a detection cannot start a track. ``aspect``: picture width / height."""
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
        seen = self._as_seen(detections)
        pairs = associate(self._objects, seen, self._min_score)
        self._objects.correct(pairs, seen, self._ids)
        self._objects.keep([self._is_alive(record) for record in self._objects.records])
        taken = {detection for _, detection in pairs}
        strong = np.flatnonzero(seen.scores >= self._min_score).tolist()
        self._objects.start(seen, [index for index in strong if index not in taken], captured_at)
        self._drop_twins()
        return self._report()

    def _advance(self, captured_at: UtcSeconds) -> None:
        elapsed = 0.0 if self._captured_at is None else captured_at - self._captured_at
        if abs(elapsed) > _MAX_AGE_S:
            self.reset()
        self._captured_at = captured_at
        self._objects.advance(max(elapsed, 0.0))

    def _as_seen(self, detections: Sequence[Detection]) -> Seen:
        rows = [(*found.box.centre, found.box.width, found.box.height) for found in detections]
        boxes = np.array(rows, dtype=float).reshape(-1, 4) * (self._aspect, 1.0, self._aspect, 1.0)
        boxes[:, 2:] = np.maximum(boxes[:, 2:], SMALLEST)
        scores = np.array([found.score for found in detections], dtype=float)
        return Seen(boxes, scores, tuple(found.label for found in detections))

    def _is_alive(self, record: Record) -> bool:
        if record.is_confirmed:
            return self._objects.unseen_s(record) <= _MAX_AGE_S
        return record.missed <= _TENTATIVE_MISSES

    def _drop_twins(self) -> None:
        """Of two objects at one place the older stays, or the one with an id."""
        records, boxes = self._objects.records, self._objects.filters.position
        kept = [True] * len(records)
        for first, second in np.argwhere(np.triu(overlaps(boxes, boxes) > _TWINS, k=1)):
            one, other = records[first], records[second]
            if one.group == other.group or OBJECT in {one.group, other.group}:
                kept[first if _rank(other) < _rank(one) else second] = False
        self._objects.keep(kept)

    def _report(self) -> tuple[Track, ...]:
        rows = [
            (record, self._visible_box(position))
            for record, position in zip(self._objects.records, self._objects.filters.position, strict=True)
            if record.is_confirmed and self._objects.unseen_s(record) <= _COAST_S
        ]
        return tuple(_track(record, box) for record, box in rows if box.width > 0.0 and box.height > 0.0)

    def _visible_box(self, position: Array) -> Box:
        """The part inside the picture, normalised."""
        x, y, width, height = (position / (self._aspect, 1.0, self._aspect, 1.0)).tolist()
        return Box(
            left=_inside(x - width / 2),
            top=_inside(y - height / 2),
            right=_inside(x + width / 2),
            bottom=_inside(y + height / 2),
        )


def _rank(record: Record) -> tuple[bool, float]:
    return not record.is_confirmed, record.started_at


def _inside(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _track(record: Record, box: Box) -> Track:
    return Track(
        track_id=record.track_id,
        label=record.label,
        score=record.score,
        box=box,
        first_seen=record.first_seen,
        is_measured=record.missed == 0,
    )
