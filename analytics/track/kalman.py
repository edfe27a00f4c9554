"""Constant-velocity Kalman filters of all boxes at once.

Each box has four independent filters (centre x, centre y, width, height) with position and velocity. Lengths are in
picture heights (x and width multiplied by the aspect), times in seconds; noise grows with the size of the box, so
that near and far objects are treated alike. Steps may be of any length: frames are skipped under load.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MEASURED = np.square([0.04, 0.04, 0.06, 0.06])[:, None]
"""Variance (standard deviation squared) of a detector's centre and size, in box sizes."""
_START_SPEED = np.square([1.0, 0.5, 0.2, 0.2])[:, None]
"""Variance of an unknown speed, in box sizes per second."""
_WANDER = 0.6, 0.3
"""Change of speed within a second, in box sizes per second (standard deviation): of the centre, of the size."""
_MEMORY_S = 3.0, 0.7
"""Speeds fade with this time constant: an unseen object is not sent across the picture, nor grown."""
SMALLEST = 1e-4
"""Least width and height of a box, in picture heights."""


class BoxFilters:
    """Rows are boxes; columns are centre x, centre y, width, height."""

    def __init__(self, state: Array) -> None:
        """``state``: 6 x 4 x N, the views below and then the area, which noise grows with.

        So every step runs over neighbours in memory. The area is only kept up to date within a step.
        """
        self._state = state

    @classmethod
    def start(cls, boxes: Array) -> Self:
        """Filters that saw each box once."""
        area = boxes[:, 2] * boxes[:, 3]
        state = np.zeros((6, 4, len(boxes)))
        state[0], state[2], state[4] = boxes.T, _MEASURED * area, _START_SPEED * area
        return cls(state)

    @property
    def position(self) -> Array:
        """A view."""
        view: Array = self._state[0].T
        return view

    @property
    def velocity(self) -> Array:
        """A view."""
        view: Array = self._state[1].T
        return view

    @property
    def variance(self) -> Array:
        """Of the position; a view."""
        view: Array = self._state[2].T
        return view

    @property
    def covariance(self) -> Array:
        """Of position with velocity; a view."""
        view: Array = self._state[3].T
        return view

    @property
    def velocity_variance(self) -> Array:
        """A view."""
        view: Array = self._state[4].T
        return view

    def predict(self, seconds: float) -> None:
        """Moves every box on by a time."""
        state = self._state
        state[5] = state[0, 2] * state[0, 3]
        state[:] = (_transitions(seconds) @ state.transpose(1, 0, 2)).transpose(1, 0, 2)
        self._keep_sizes()

    def correct(self, boxes: Array) -> None:
        """Takes a measured box for every row."""
        measured, state = np.ascontiguousarray(boxes.T), self._state
        uncertainty, covariance = state[2:4], state[3]
        gains = uncertainty / (state[2] + _MEASURED * (measured[2] * measured[3]))
        state[:2] += gains * (measured - state[0])
        state[4] -= gains[1] * covariance
        uncertainty *= 1 - gains[0]
        self._keep_sizes()

    def _keep_sizes(self) -> None:
        size = self._state[0, 2:]
        np.maximum(size, SMALLEST, out=size)

    def rows(self, index: NDArray[np.intp]) -> Self:
        """A copy of some rows."""
        return type(self)(self._state.take(index, axis=2))

    def put(self, index: NDArray[np.intp], other: Self) -> None:
        """Replaces some rows."""
        self._state[:, :, index] = other._state

    def joined(self, other: Self) -> Self:
        """These rows, then those of the other."""
        return type(self)(np.concatenate([self._state, other._state], axis=2))


def sizes(boxes: Array) -> Array:
    """Geometric mean of width and height, of each row."""
    size: Array = np.sqrt(boxes[:, 2] * boxes[:, 3])
    return size


@lru_cache(maxsize=64)
def _transitions(seconds: float) -> Array:
    """What the state is multiplied by as time passes: 4 x 6 x 6. Steps of one length are frequent."""
    centre, size = [_transition(seconds, *motion) for motion in zip(_MEMORY_S, _WANDER, strict=True)]
    return np.array([centre, size]).repeat(2, axis=0)


def _transition(seconds: float, memory_s: float, wander: float) -> list[list[float]]:
    """Of one filter; columns and rows are position, velocity, their variance, covariance, velocity variance, area."""
    kept = math.exp(-seconds / memory_s)
    gain = memory_s * (1 - kept)
    noise = wander**2
    return [
        [1, gain, 0, 0, 0, 0],
        [0, kept, 0, 0, 0, 0],
        [0, 0, 1, 2 * gain, gain**2, noise * seconds**3 / 3],
        [0, 0, 0, kept, kept * gain, noise * seconds**2 / 2],
        [0, 0, 0, 0, kept**2, noise * seconds],
        [0, 0, 0, 0, 0, 1],
    ]
