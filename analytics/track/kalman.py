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

_MEASURED = np.array([0.04, 0.04, 0.06, 0.06])
"""Standard deviation of a detector's centre and size, in box sizes."""
_START_SPEED = np.array([1.0, 0.5, 0.2, 0.2])
"""Standard deviation of an unknown speed, in box sizes per second."""
_WANDER = np.array([0.6, 0.6, 0.3, 0.3])
"""Change of speed within a second, in box sizes per second (standard deviation)."""
_MEMORY_S = np.array([3.0, 3.0, 0.7, 0.7])
"""Speeds fade with this time constant: an unseen object is not sent across the picture, nor grown."""
SMALLEST = 1e-4
"""Least width and height of a box, in picture heights."""


class BoxFilters:
    """Rows are boxes; columns are centre x, centre y, width, height."""

    def __init__(self, state: Array) -> None:
        """``state``: N x 5 x 4, in the order of the views below."""
        self._state = state

    @classmethod
    def start(cls, boxes: Array) -> Self:
        """Filters that saw each box once."""
        size = sizes(boxes)
        state = np.zeros((len(boxes), 5, 4))
        state[:, 0], state[:, 2], state[:, 4] = boxes, (_MEASURED * size) ** 2, (_START_SPEED * size) ** 2
        return cls(state)

    @property
    def position(self) -> Array:
        """A view."""
        return self._state[:, 0]

    @property
    def velocity(self) -> Array:
        """A view."""
        return self._state[:, 1]

    @property
    def variance(self) -> Array:
        """Of the position; a view."""
        return self._state[:, 2]

    @property
    def covariance(self) -> Array:
        """Of position with velocity; a view."""
        return self._state[:, 3]

    @property
    def velocity_variance(self) -> Array:
        """A view."""
        return self._state[:, 4]

    def predict(self, seconds: float | Array) -> None:
        """Moves every box on, by one time or by one for each row (N x 1)."""
        kept = np.exp(-seconds / _MEMORY_S)
        gain = _MEMORY_S * (1 - kept)
        noise = (_WANDER * sizes(self.position)) ** 2
        position, velocity, variance, covariance, velocity_variance = self._views()
        position += gain * velocity
        np.maximum(position[:, 2:], SMALLEST, out=position[:, 2:])
        velocity *= kept
        variance += gain * (2 * covariance + gain * velocity_variance) + noise * (seconds**3 / 3)
        covariance += gain * velocity_variance
        covariance *= kept
        covariance += noise * (seconds**2 / 2)
        velocity_variance *= kept**2
        velocity_variance += noise * seconds

    def correct(self, boxes: Array) -> None:
        """Takes a measured box for every row."""
        position, velocity, variance, covariance, velocity_variance = self._views()
        spread = variance + (_MEASURED * sizes(boxes)) ** 2
        surprise = boxes - position
        gain, velocity_gain = variance / spread, covariance / spread
        position += gain * surprise
        np.maximum(position[:, 2:], SMALLEST, out=position[:, 2:])
        velocity += velocity_gain * surprise
        velocity_variance -= velocity_gain * covariance
        covariance *= 1 - gain
        variance *= 1 - gain

    def rows(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """A copy of some rows."""
        return type(self)(self._state[index])

    def put(self, index: NDArray[np.intp], other: Self) -> None:
        """Replaces some rows."""
        self._state[index] = other._state

    def joined(self, other: Self) -> Self:
        """These rows, then those of the other."""
        return type(self)(np.concatenate([self._state, other._state]))

    def _views(self) -> Array:
        """5 x N x 4."""
        return self._state.transpose(1, 0, 2)


def sizes(boxes: Array) -> Array:
    """Geometric mean of width and height, as a column."""
    size: Array = np.sqrt(boxes[:, 2:3] * boxes[:, 3:4])
    return size
