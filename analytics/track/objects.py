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
            record.missed += 1
            record.evidence.strong_missed += 1

    @property
    def now(self) -> float:
        """Seconds of the tracker's own count."""
        return self._now

    @property
    def confirmed(self) -> NDArray[np.bool_]:
        """Which of them were seen often enough to be real."""
        return np.array([record.track_id > 0 for record in self.records], dtype=bool)

    def seen_within(self, seconds: float) -> NDArray[np.bool_]:
        """Which of them were measured so shortly before."""
        now = self._now
        return np.array([now - record.seen_at <= seconds for record in self.records], dtype=bool)

    @property
    def moving(self) -> NDArray[np.bool_]:
        """Which of them move for certain."""
        speed = np.hypot(self.filters.velocity[:, 0], self.filters.velocity[:, 1])
        result: NDArray[np.bool_] = speed >= _MOVES * sizes(self.filters.position)
        return result

    @property
    def groups(self) -> NDArray[np.intp]:
        """Of their labels."""
        return np.array([record.group for record in self.records], dtype=np.intp)

    @property
    def moves(self) -> NDArray[np.bool_]:
        """Which of them are of a kind that moves by itself."""
        return np.array([record.moves for record in self.records], dtype=bool)

    def start(self, seen: Seen, chosen: Sequence[int], captured_at: UtcSeconds) -> None:
        """Adds an object for each chosen detection."""
        if not chosen:
            return
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
            record.vote(seen.labels[index], int(seen.groups[index]), record.score)
            self.records.append(record)
        boxes = seen.boxes[list(chosen)]
        fresh = BoxFilters.start(boxes)
        self.filters, self._at_sight = self.filters.joined(fresh), self._at_sight.joined(fresh)
        self.sighted = np.concatenate([self.sighted, boxes])

    def correct(self, rows: NDArray[np.intp], found: NDArray[np.intp], seen: Seen, ids: count[int]) -> None:
        """Takes the boxes of the detections found for some rows; gives those seen often enough the next id."""
        boxes = seen.boxes.take(found, axis=0)
        self._retrace(rows, boxes)
        strong, scores, groups = seen.strong.tolist(), seen.scores.tolist(), seen.groups.tolist()
        for row, at in zip(rows.tolist(), found.tolist(), strict=True):
            record = self.records[row]
            record.measured(seen.labels[at], groups[at], scores[at], self._now)
            if strong[at]:
                record.clear_at = self._now
            if not record.track_id:
                self._weigh(record, seen.boxes[at], ids, is_strong=strong[at])
        corrected = self.filters.rows(rows)
        corrected.correct(boxes)
        self.filters.put(rows, corrected)
        self._at_sight.put(rows, corrected)
        self.sighted[rows] = boxes

    def _weigh(self, record: Record, box: Array, ids: count[int], *, is_strong: bool) -> None:
        """Whether what was seen of it is enough by now."""
        record.evidence.see(box, self._now, is_strong=is_strong)
        if record.evidence.is_enough(self._now):
            record.track_id = next(ids)

    def _retrace(self, rows: NDArray[np.intp], boxes: Array) -> None:
        """Predicts again along the straight way from the last observation to the new one (OC-SORT's re-update)."""
        lost: dict[int, list[int]] = {}
        for at, row in enumerate(rows.tolist()):
            missed = self.records[row].missed
            if missed > 1:
                lost.setdefault(missed, []).append(at)
        for missed, chosen in lost.items():
            index = np.array(chosen)
            self._retrace_alike(rows.take(index), boxes.take(index, axis=0), missed)

    def _retrace_alike(self, rows: NDArray[np.intp], boxes: Array, missed: int) -> None:
        """The same of objects that were last observed in one frame."""
        steps = min(missed, _MOST_VIRTUAL_STEPS)
        step_s = (self._now - self.records[rows[0]].seen_at) / steps
        filters, start = self._at_sight.rows(rows), self.sighted.take(rows, axis=0)
        way = boxes - start
        filters.predict(step_s)
        for step in range(1, steps):
            filters.correct(start + way * (step / steps))
            filters.predict(step_s)
        self.filters.put(rows, filters)

    def keep_living(self, max_age_s: float) -> None:
        """Drops what was not seen for so long, what only seems to stand there, and what will not become an object."""
        now = self._now
        self.keep(
            [
                now - record.seen_at <= max_age_s and (is_moving or now - record.clear_at <= _CLEAR_S)
                if record.track_id
                else not record.is_hopeless(now)
                for record, is_moving in zip(self.records, self.moving.tolist(), strict=True)
            ]
        )

    def keep(self, kept: Sequence[bool]) -> None:
        """Drops the rows that are not kept."""
        if all(kept):
            return
        rows = np.flatnonzero(kept)
        self.records = [self.records[row] for row in rows]
        self.filters, self._at_sight = self.filters.rows(rows), self._at_sight.rows(rows)
        self.sighted = self.sighted[rows]
