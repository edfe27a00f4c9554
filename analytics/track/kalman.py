"""Constant-velocity Kalman filters of all boxes at once.

Each box has four independent filters (centre x, centre y, width, height) with position and velocity. Lengths are in
picture heights (x and width multiplied by the aspect), times in seconds; noise grows with the size of the box, so
that near and far objects are treated alike. Steps may be of any length: frames are skipped under load.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MEASURED = np.array([0.04, 0.04, 0.06, 0.06])
"""Standard deviation of a detector's centre and size, in box sizes."""
_START_SPEED = np.array([1.0, 0.5, 0.2, 0.2])
"""Standard deviation of an unknown speed, in box sizes per second."""
_WANDER = np.array([0.6, 0.45, 0.2, 0.2])
"""Change of speed within a second, in box sizes per second (standard deviation)."""
_MEMORY_S = np.array([3.0, 3.0, 0.7, 0.7])
"""Speeds fade with this time constant: an unseen object is not sent across the picture, nor grown."""
SMALLEST = 1e-4
"""Least width and height of a box, in picture heights."""


@dataclass(slots=True)
class BoxFilters:
    """Rows are boxes; columns are centre x, centre y, width, height."""

    position: Array
    velocity: Array
    variance: Array
    """Of the position."""
    covariance: Array
    """Of position with velocity."""
    velocity_variance: Array

    @classmethod
    def start(cls, boxes: Array) -> Self:
        """Filters that saw each box once."""
        size = sizes(boxes)
        return cls(
            position=boxes.copy(),
            velocity=np.zeros_like(boxes),
            variance=(_MEASURED * size) ** 2,
            covariance=np.zeros_like(boxes),
            velocity_variance=(_START_SPEED * size) ** 2,
        )

    def predict(self, seconds: float) -> None:
        """Moves every box on."""
        kept = np.exp(-seconds / _MEMORY_S)
        gain = _MEMORY_S * (1 - kept)
        noise = (_WANDER * sizes(self.position)) ** 2
        self.position = self.position + gain * self.velocity
        self.position[:, 2:] = np.maximum(self.position[:, 2:], SMALLEST)
        self.velocity = kept * self.velocity
        self.variance = (
            self.variance + 2 * gain * self.covariance + gain**2 * self.velocity_variance + noise * seconds**3 / 3
        )
        self.covariance = kept * (self.covariance + gain * self.velocity_variance) + noise * seconds**2 / 2
        self.velocity_variance = kept**2 * self.velocity_variance + noise * seconds

    def correct(self, boxes: Array) -> None:
        """Takes a measured box for every row."""
        spread = self.variance + (_MEASURED * sizes(boxes)) ** 2
        surprise = boxes - self.position
        gain, velocity_gain = self.variance / spread, self.covariance / spread
        self.position = self.position + gain * surprise
        self.position[:, 2:] = np.maximum(self.position[:, 2:], SMALLEST)
        self.velocity = self.velocity + velocity_gain * surprise
        self.velocity_variance = self.velocity_variance - velocity_gain * self.covariance
        self.covariance = (1 - gain) * self.covariance
        self.variance = (1 - gain) * self.variance

    def rows(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """A copy of some rows."""
        return type(self)(*(array[index] for array in self._arrays()))

    def put(self, index: NDArray[np.intp], other: Self) -> None:
        """Replaces some rows."""
        for mine, theirs in zip(self._arrays(), other._arrays(), strict=True):
            mine[index] = theirs

    def joined(self, other: Self) -> Self:
        """These rows, then those of the other."""
        pairs = zip(self._arrays(), other._arrays(), strict=True)
        return type(self)(*(np.concatenate(pair) for pair in pairs))

    def _arrays(self) -> tuple[Array, ...]:
        return self.position, self.velocity, self.variance, self.covariance, self.velocity_variance


def sizes(boxes: Array) -> Array:
    """Geometric mean of width and height, as a column."""
    size: Array = np.sqrt(boxes[:, 2:3] * boxes[:, 3:4])
    return size
