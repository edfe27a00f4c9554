"""All objects that a tracker follows, as parallel rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import numpy as np

from analytics.track.evidence import Evidence
from analytics.track.groups import FIRST_STILL
from analytics.track.kalman import Array, BoxFilters, sizes
from analytics.track.overlap import Index, Mask
from analytics.track.record import Record
from analytics.track.seen import Seen
from core.types import UtcSeconds

_MOST_VIRTUAL_STEPS = 10
_TENTATIVE_MISSES = 1
"""What is not yet known to be an object is gone when it was missed in more frames in a row."""
_MOVES = 0.5
"""What goes so many of its sizes in a second moves for certain."""
_CLEAR_S = 2.0
"""What does not move and was not seen clearly for so long is gone: where a car has stood, models still see one dimly."""


class Objects:
    """Row i of every array, and record i, are the same object. Times are seconds of the tracker's own count."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.filters = BoxFilters.start(np.empty((0, 4)))
        self.sighted = np.empty((0, 4))
        """Boxes as last measured."""
        self.confirmed: Mask = np.empty(0, dtype=bool)
        """Which of them were seen often enough to be real."""
        self.groups: Index = np.empty(0, dtype=np.intp)
        """Of their labels."""
        self.missed: Index = np.empty(0, dtype=np.intp)
        """Frames since each was last measured."""
        self._at_sight = BoxFilters.start(np.empty((0, 4)))
        self._seen_at, self._clear_at = np.empty(0), np.empty(0)
        """When each was last measured, and when by a strong detection."""
        self._now = 0.0

    def advance(self, seconds: float) -> None:
        """Time passes: every object is moved on, and counts as missed until it is measured."""
        self._now += seconds
        self.filters.predict(seconds)
        self.missed += 1
        for record in self.records:
            if not record.track_id:
                record.evidence.strong_missed += 1

    def seen_within(self, seconds: float) -> Mask:
        """Which of them were measured so shortly before."""
        recent: Mask = self._now - self._seen_at <= seconds
        return recent

    @property
    def moving(self) -> Mask:
        """Which of them move for certain."""
        speed = np.hypot(self.filters.velocity[:, 0], self.filters.velocity[:, 1])
        result: Mask = speed >= _MOVES * sizes(self.filters.position)
        return result

    @property
    def moves(self) -> Mask:
        """Which of them are of a kind that moves by itself."""
        return self.groups < FIRST_STILL

    def start(self, seen: Seen, chosen: Sequence[int], captured_at: UtcSeconds) -> None:
        """Adds an object for each chosen detection."""
        if not chosen:
            return
        for index in chosen:
            evidence = Evidence(
                start=seen.boxes[index].copy(), started_at=self._now, strong_hits=int(seen.strong[index])
            )
            record = Record(first_seen=captured_at, evidence=evidence, score=float(seen.scores[index]))
            record.vote(seen.labels[index], int(seen.groups[index]), record.score)
            self.records.append(record)
        boxes, none = seen.boxes[list(chosen)], np.zeros(len(chosen), dtype=np.intp)
        fresh, now = BoxFilters.start(boxes), none + self._now
        self.filters, self._at_sight = self.filters.joined(fresh), self._at_sight.joined(fresh)
        self.sighted, self.missed = np.concatenate([self.sighted, boxes]), np.concatenate([self.missed, none])
        self._seen_at, self._clear_at = np.concatenate([self._seen_at, now]), np.concatenate([self._clear_at, now])
        self._look_up()

    def _look_up(self) -> None:
        """What the records say, as arrays."""
        self.confirmed = np.array([record.track_id > 0 for record in self.records], dtype=bool)
        self.groups = np.array([record.group for record in self.records], dtype=np.intp)

    def correct(self, rows: Index, found: Index, seen: Seen, ids: count[int]) -> None:
        """Takes the boxes of the detections found for some rows; gives those seen often enough the next id."""
        boxes = seen.boxes.take(found, axis=0)
        self._retrace(rows, boxes)
        self.missed[rows], self._seen_at[rows] = 0, self._now
        self._clear_at[rows[seen.strong.take(found)]] = self._now
        self._recognise(rows, found, seen, ids)
        corrected = self.filters.rows(rows)
        corrected.correct(boxes)
        self.filters.put(rows, corrected)
        self._at_sight.put(rows, corrected)
        self.sighted[rows] = boxes

    def _recognise(self, rows: Index, found: Index, seen: Seen, ids: count[int]) -> None:
        """Takes the labels and scores of the detections found for some rows."""
        scores, groups, is_news = seen.scores.tolist(), seen.groups.tolist(), False
        for row, at in zip(rows.tolist(), found.tolist(), strict=True):
            record = self.records[row]
            record.score = scores[at]
            if not (record.track_id and record.group):
                is_news = True
            record.vote(seen.labels[at], groups[at], scores[at])
            if not record.track_id:
                self._weigh(record, seen.boxes[at], ids, is_strong=bool(seen.strong[at]))
        if is_news:
            self._look_up()

    def _weigh(self, record: Record, box: Array, ids: count[int], *, is_strong: bool) -> None:
        """Whether what was seen of it is enough by now."""
        record.evidence.see(box, self._now, is_strong=is_strong)
        if record.evidence.is_enough(self._now):
            record.track_id = next(ids)

    def _retrace(self, rows: Index, boxes: Array) -> None:
        """Predicts again along the straight way from the last observation to the new one (OC-SORT's re-update)."""
        missed = self.missed.take(rows)
        (late,) = (missed > 1).nonzero()
        lost: dict[int, list[int]] = {}
        for at, frames in zip(late.tolist(), missed.take(late).tolist(), strict=True):
            lost.setdefault(frames, []).append(at)
        for frames, chosen in lost.items():
            index = np.array(chosen)
            self._retrace_alike(rows.take(index), boxes.take(index, axis=0), frames)

    def _retrace_alike(self, rows: Index, boxes: Array, missed: int) -> None:
        """The same of objects that were last observed in one frame."""
        steps = min(missed, _MOST_VIRTUAL_STEPS)
        step_s = (self._now - float(self._seen_at[rows[0]])) / steps
        filters, start = self._at_sight.rows(rows), self.sighted.take(rows, axis=0)
        way = boxes - start
        filters.predict(step_s)
        for step in range(1, steps):
            filters.correct(start + way * (step / steps))
            filters.predict(step_s)
        self.filters.put(rows, filters)

    def keep_living(self, max_age_s: float) -> None:
        """Drops what was not seen for so long, what only seems to stand there, and what will not become an object."""
        living = self._now - self._seen_at <= max_age_s
        dim = self._now - self._clear_at > _CLEAR_S
        if dim.any():
            living &= ~dim | self.moving
        for row in (~self.confirmed).nonzero()[0].tolist():
            living[row] = not (
                self.missed[row] > _TENTATIVE_MISSES or self.records[row].evidence.is_hopeless(self._now)
            )
        self.keep(living)

    def keep(self, kept: Mask) -> None:
        """Drops the rows that are not kept."""
        if kept.all():
            return
        (rows,) = kept.nonzero()
        self.records = [self.records[row] for row in rows.tolist()]
        self.filters, self._at_sight = self.filters.rows(rows), self._at_sight.rows(rows)
        self.sighted, self.missed = self.sighted[rows], self.missed[rows]
        self._seen_at, self._clear_at = self._seen_at[rows], self._clear_at[rows]
        self.confirmed, self.groups = self.confirmed[rows], self.groups[rows]
