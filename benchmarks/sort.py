"""SORT as published (arXiv 1602.00763), to compare with: a Kalman filter, IoU and the Hungarian method, no more.

State: centre, area and aspect of a box, and the speeds of the first three, per frame. Noise, gate and life of a track
are those of the paper's own code. Written from the paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.track.assignment import assign
from analytics.track.overlap import overlaps

Array = NDArray[np.float64]

_MIN_IOU = 0.3
_MAX_AGE = 1
_MIN_HITS = 3
_MOVE = np.eye(7) + np.eye(7, k=4)
_SEE = np.eye(4, 7)
_MEASURED = np.diag([1.0, 1.0, 10.0, 10.0])
_START = np.diag([10.0, 10.0, 10.0, 10.0, 1e4, 1e4, 1e4])
_WANDER = np.diag([1.0, 1.0, 1.0, 1.0, 0.01, 0.01, 0.0001])


@dataclass(slots=True)
class _Track:
    identity: int
    state: Array
    spread: Array = field(default_factory=_START.copy)
    streak: int = 0
    missed: int = 0

    def predict(self) -> None:
        if self.state[2] + self.state[6] <= 0.0:
            self.state[6] = 0.0
        self.state = _MOVE @ self.state
        self.spread = _MOVE @ self.spread @ _MOVE.T + _WANDER
        self.streak = self.streak if self.missed == 0 else 0
        self.missed += 1

    def correct(self, measured: Array) -> None:
        gain = self.spread @ _SEE.T @ np.linalg.inv(_SEE @ self.spread @ _SEE.T + _MEASURED)
        self.state = self.state + gain @ (measured - _SEE @ self.state)
        self.spread = (np.eye(7) - gain @ _SEE) @ self.spread
        self.missed, self.streak = 0, self.streak + 1

    @property
    def box(self) -> Array:
        """Centre x, centre y, width, height."""
        x, y, area, aspect = self.state[:4]
        width = np.sqrt(area * aspect)
        return np.array([x, y, width, area / width])


class Sort:
    """One video's tracks. Boxes are centre x, centre y, width, height in pixels."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._started = self._frames = 0

    def update(self, boxes: Sequence[Sequence[float]]) -> dict[int, Array]:
        """Takes one frame's boxes; id → box of the tracks that are seen in it and were in the last ones."""
        self._frames += 1
        seen = np.array(boxes, dtype=float).reshape(-1, 4)
        for track in self._tracks:
            track.predict()
        known = np.array([track.box for track in self._tracks]).reshape(-1, 4)
        pairs = assign(1 - overlaps(known, seen), 1 - _MIN_IOU)
        for row, column in pairs:
            self._tracks[row].correct(_measured(seen[column]))
        self._start([box for index, box in enumerate(seen) if index not in {column for _, column in pairs}])
        self._tracks = [track for track in self._tracks if track.missed <= _MAX_AGE]
        return {
            track.identity: track.box
            for track in self._tracks
            if track.missed == 0 and (track.streak >= _MIN_HITS or self._frames <= _MIN_HITS)
        }

    def _start(self, boxes: Sequence[Array]) -> None:
        for box in boxes:
            self._started += 1
            self._tracks.append(_Track(self._started, np.concatenate([_measured(box), np.zeros(3)])))


def _measured(box: Array) -> Array:
    x, y, width, height = box
    return np.array([x, y, width * height, width / height])
