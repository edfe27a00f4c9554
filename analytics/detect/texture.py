"""Where two pictures of a scene show the same surface, however differently lit.

Light that changes in a part of the picture keeps the pattern of what it falls on; an object that comes covers it.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Picture

_WINDOW: Final = (9, 9)
_ALIKE: Final = 0.7
"""Correlation of the patterns in a window from which they are the same."""
_LEAST_CONTRAST: Final = 6.0
"""Standard deviation of grey in a window below which there is no pattern to compare."""


class Texture(NamedTuple):
    """Grey of a picture, with mean and variance in the window around each pixel."""

    grey: NDArray[np.float32]
    mean: NDArray[np.float32]
    variance: NDArray[np.float32]

    @classmethod
    def of(cls, picture: Picture) -> Self:
        """The texture of an RGB picture."""
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        mean = _mean(grey)
        return cls(grey, mean, _mean(grey * grey) - mean * mean)

    def is_also_in(self, other: Texture) -> NDArray[np.bool_]:
        """Height x width: where both have a pattern, and the same."""
        covariance = _mean(self.grey * other.grey) - self.mean * other.mean
        has_pattern = np.minimum(self.variance, other.variance) > _LEAST_CONTRAST**2
        alike: NDArray[np.bool_] = covariance > _ALIKE * np.sqrt(np.maximum(self.variance * other.variance, 0.0))
        return has_pattern & alike


def _mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.blur(values, _WINDOW), np.float32)
