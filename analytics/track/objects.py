"""All objects that a tracker follows, as parallel rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

from analytics.track.evidence import Evidence
from analytics.track.kalman import Array, BoxFilters, sizes
from analytics.track.record import Record
from analytics.track.seen import Seen
from core.types import UtcSeconds

_MOST_VIRTUAL_STEPS = 10
_MOVES = 0.5
"""What goes so many of its sizes in a second moves for certain."""
_CLEAR_S = 2.0
"""What does not move and was not seen clearly for so long is gone: where a car has stood, models still see one dimly."""


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
            record.pass_frame()

    def unseen_s(self, record: Record) -> float:
        """Seconds since an object was last measured."""
        return self._now - record.seen_at

    @property
    def moving(self) -> NDArray[np.bool_]:
        """Which of them move for certain."""
        speed = np.hypot(self.filters.velocity[:, 0], self.filters.velocity[:, 1])
        result: NDArray[np.bool_] = speed >= _MOVES * sizes(self.filters.position)[:, 0]
        return result

    @property
    def moves(self) -> NDArray[np.bool_]:
        """Which of them are of a kind that moves by itself."""
        return np.array([record.moves for record in self.records], dtype=bool)

    def start(self, seen: Seen, chosen: Sequence[int], captured_at: UtcSeconds) -> None:
        """Adds an object for each chosen detection."""
        for index in chosen:
            evidence = Evidence(
                start=seen.boxes[index].copy(), started_at=self._now, strong_hits=int(seen.strong[index])
            )
            record = Record(
                first_seen=captured_at,
                evidence=evidence,
                seen_at=self._now,
                clear_at=self._now,
                score=float(seen.scores[index]),
            )
            record.vote(seen.labels[index], record.score)
            self.records.append(record)
        boxes = seen.boxes[list(chosen)]
        fresh = BoxFilters.start(boxes)
        self.filters, self._at_sight = self.filters.joined(fresh), self._at_sight.joined(fresh)
        self.sighted = np.concatenate([self.sighted, boxes])

    def correct(self, pairs: Sequence[tuple[int, int]], seen: Seen, ids: count[int]) -> None:
        """Takes the measured boxes of (row, detection) pairs; gives those seen often enough the next id."""
        rows = np.array([row for row, _ in pairs], dtype=np.intp)
        boxes = seen.boxes[[detection for _, detection in pairs]]
        lost = np.array([self.records[row].missed > 1 for row, _ in pairs], dtype=bool)
        if lost.any():
            self._retrace(rows[lost], boxes[lost])
        for row, detection in pairs:
            self._note(self.records[row], detection, seen, ids)
        corrected = self.filters.rows(rows)
        corrected.correct(boxes)
        self.filters.put(rows, corrected)
        self._at_sight.put(rows, corrected)
        self.sighted[rows] = boxes

    def _note(self, record: Record, detection: int, seen: Seen, ids: count[int]) -> None:
        is_strong = bool(seen.strong[detection])
        record.measured(seen.labels[detection], float(seen.scores[detection]), self._now)
        if is_strong:
            record.clear_at = self._now
        if not record.is_confirmed:
            record.evidence.see(seen.boxes[detection], self._now, is_strong=is_strong)
            if record.evidence.is_enough(self._now):
                record.track_id = next(ids)

    def _retrace(self, rows: NDArray[np.intp], boxes: Array) -> None:
        """Predicts again along the straight way from the last observation to the new one (OC-SORT's re-update)."""
        records = [self.records[row] for row in rows]
        steps = np.array([min(record.missed, _MOST_VIRTUAL_STEPS) for record in records], dtype=np.intp)
        unseen_s = np.array([self.unseen_s(record) for record in records])
        step_s, start = (unseen_s / steps)[:, None], self.sighted[rows]
        filters = self._at_sight.rows(rows)
        for step in range(1, int(steps.max()) + 1):
            going = np.flatnonzero(steps >= step)
            part = filters.rows(going)
            part.predict(step_s[going])
            filters.put(going, part)
            between = np.flatnonzero(steps > step)
            if between.size:
                part = filters.rows(between)
                share = step / steps[between, None]
                part.correct(start[between] + (boxes[between] - start[between]) * share)
                filters.put(between, part)
        self.filters.put(rows, filters)

    def keep_living(self, max_age_s: float) -> None:
        """Drops what was not seen for so long, what only seems to stand there, and what will not become an object."""
        moving = self.moving.tolist()
        self.keep([self._lives(*one, max_age_s) for one in zip(self.records, moving, strict=True)])

    def _lives(self, record: Record, is_moving: bool, max_age_s: float) -> bool:
        if not record.is_confirmed:
            return not record.is_hopeless(self._now)
        return self.unseen_s(record) <= max_age_s and (is_moving or self._now - record.clear_at <= _CLEAR_S)

    def keep(self, kept: Sequence[bool] | NDArray[np.bool_]) -> None:
        """Drops the rows that are not kept."""
        if all(kept):
            return
        mask = np.array(kept, dtype=bool)
        self.records = [record for record, stays in zip(self.records, mask, strict=True) if stays]
        self.filters, self._at_sight = self.filters.rows(mask), self._at_sight.rows(mask)
        self.sighted = self.sighted[mask]
