"""Constant-velocity Kalman filters of all boxes at once.

Each box has four independent filters (centre x, centre y, width, height) with position and velocity. Lengths are in
picture heights (x and width multiplied by the aspect), times in seconds; noise grows with the size of the box, so
that near and far objects are treated alike. Steps may be of any length: frames are skipped under load.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MEASURED = np.array([0.04, 0.04, 0.06, 0.06])[:, None]
"""Standard deviation of a detector's centre and size, in box sizes."""
_START_SPEED = np.array([1.0, 0.5, 0.2, 0.2])[:, None]
"""Standard deviation of an unknown speed, in box sizes per second."""
_WANDER = np.array([0.6, 0.6, 0.3, 0.3])[:, None]
"""Change of speed within a second, in box sizes per second (standard deviation)."""
_MEMORY_S = np.array([3.0, 3.0, 0.7, 0.7])[:, None]
"""Speeds fade with this time constant: an unseen object is not sent across the picture, nor grown."""
SMALLEST = 1e-4
"""Least width and height of a box, in picture heights."""


class BoxFilters:
    """Rows are boxes; columns are centre x, centre y, width, height."""

    def __init__(self, state: Array) -> None:
        """``state``: 5 x 4 x N, in the order of the views below; so every step runs over neighbours in memory."""
        self._state = state

    @classmethod
    def start(cls, boxes: Array) -> Self:
        """Filters that saw each box once."""
        size = sizes(boxes)[:, 0]
        state = np.zeros((5, 4, len(boxes)))
        state[0], state[2], state[4] = boxes.T, (_MEASURED * size) ** 2, (_START_SPEED * size) ** 2
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

    def predict(self, seconds: float | Array) -> None:
        """Moves every box on, by one time or by one for each row (N)."""
        kept = np.exp(-seconds / _MEMORY_S)
        gain = _MEMORY_S * (1 - kept)
        position, velocity, variance, covariance, velocity_variance = self._state
        noise = (_WANDER * np.sqrt(position[2] * position[3])) ** 2
        drift = gain * velocity_variance
        position += gain * velocity
        np.maximum(position[2:], SMALLEST, out=position[2:])
        velocity *= kept
        variance += gain * (2 * covariance + drift) + noise * (seconds**3 / 3)
        covariance += drift
        covariance *= kept
        covariance += noise * (seconds**2 / 2)
        velocity_variance *= kept**2
        velocity_variance += noise * seconds

    def correct(self, boxes: Array) -> None:
        """Takes a measured box for every row."""
        measured = boxes.T
        position, velocity, variance, covariance, velocity_variance = self._state
        spread = variance + (_MEASURED * np.sqrt(measured[2] * measured[3])) ** 2
        surprise = measured - position
        gain, velocity_gain = variance / spread, covariance / spread
        position += gain * surprise
        np.maximum(position[2:], SMALLEST, out=position[2:])
        velocity += velocity_gain * surprise
        velocity_variance -= velocity_gain * covariance
        rest = 1 - gain
        covariance *= rest
        variance *= rest

    def rows(self, index: NDArray[np.intp]) -> Self:
        """A copy of some rows."""
        return type(self)(np.take(self._state, index, axis=2))

    def first(self, number: int) -> Self:
        """So many rows from the first on; a view."""
        return type(self)(self._state[:, :, :number])

    def put(self, index: NDArray[np.intp], other: Self) -> None:
        """Replaces some rows."""
        self._state[:, :, index] = other._state

    def joined(self, other: Self) -> Self:
        """These rows, then those of the other."""
        return type(self)(np.concatenate([self._state, other._state], axis=2))


def sizes(boxes: Array) -> Array:
    """Geometric mean of width and height, as a column."""
    size: Array = np.sqrt(boxes[:, 2:3] * boxes[:, 3:4])
    return size
