"""All objects that a tracker follows, as parallel rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.track.kalman import Array, BoxFilters
from analytics.track.record import Record
from core.types import UtcSeconds

_MOST_VIRTUAL_STEPS = 10


class Seen(NamedTuple):
    """One frame's detections. Boxes are rows of centre x, centre y, width, height in picture heights."""

    boxes: Array
    scores: Array
    labels: tuple[str, ...]


class Objects:
    """Row i of every array, and record i, are the same object."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.filters = BoxFilters.start(np.empty((0, 4)))
        self.sighted = np.empty((0, 4))
        """Boxes as last measured."""
        self._at_sight = BoxFilters.start(np.empty((0, 4)))
        self._now = 0.0

    def advance(self, seconds: float) -> None:
        """Time passes: every object is moved on, and counts as missed until it is measured."""
        self._now += seconds
        self.filters.predict(seconds)
        for record in self.records:
            record.missed += 1

    def unseen_s(self, record: Record) -> float:
        """Seconds since an object was last measured."""
        return self._now - record.seen_at

    def start(self, seen: Seen, chosen: Sequence[int], captured_at: UtcSeconds) -> None:
        """Adds an object for each chosen detection."""
        for index in chosen:
            record = Record(
                first_seen=captured_at, started_at=self._now, seen_at=self._now, score=float(seen.scores[index])
            )
            record.vote(seen.labels[index], record.score)
            self.records.append(record)
        boxes = seen.boxes[list(chosen)]
        fresh = BoxFilters.start(boxes)
        self.filters, self._at_sight = self.filters.joined(fresh), self._at_sight.joined(fresh)
        self.sighted = np.concatenate([self.sighted, boxes])

    def correct(self, pairs: Sequence[tuple[int, int]], seen: Seen, ids: count[int]) -> None:
        """Takes the measured boxes of (row, detection) pairs; gives those seen often enough the next id."""
        for row, detection in pairs:
            record = self.records[row]
            if record.missed > 1:
                self._retrace(row, seen.boxes[detection])
            record.measured(seen.labels[detection], float(seen.scores[detection]), self._now)
            if record.deserves_id:
                record.track_id = next(ids)
        rows = np.array([row for row, _ in pairs], dtype=np.intp)
        boxes = seen.boxes[[detection for _, detection in pairs]]
        corrected = self.filters.rows(rows)
        corrected.correct(boxes)
        self.filters.put(rows, corrected)
        self._at_sight.put(rows, corrected)
        self.sighted[rows] = boxes

    def _retrace(self, row: int, box: Array) -> None:
        """Predicts again along the straight way from the last observation to the new one (OC-SORT's re-update)."""
        record, start = self.records[row], self.sighted[row]
        steps = min(record.missed, _MOST_VIRTUAL_STEPS)
        filters = self._at_sight.rows(np.array([row]))
        for step in range(1, steps + 1):
            filters.predict((self._now - record.seen_at) / steps)
            if step < steps:
                filters.correct((start + (box - start) * step / steps)[None])
        self.filters.put(np.array([row]), filters)

    def keep(self, kept: Sequence[bool] | NDArray[np.bool_]) -> None:
        """Drops the rows that are not kept."""
        if all(kept):
            return
        mask = np.array(kept, dtype=bool)
        self.records = [record for record, stays in zip(self.records, mask, strict=True) if stays]
        self.filters, self._at_sight = self.filters.rows(mask), self._at_sight.rows(mask)
        self.sighted = self.sighted[mask]
