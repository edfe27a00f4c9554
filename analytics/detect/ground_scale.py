"""How high a standing person is in the picture, by where the feet are: given, or learnt from what walks by."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

import numpy as np

Pairs = tuple[tuple[float, float], tuple[float, float]]

_SAMPLES: Final = 400
_LEAST_SAMPLES: Final = 30
_FIT_EVERY: Final = 10
_BINS: Final = 12
_LEAST_IN_BIN: Final = 4
_MOST_IN_BIN: Final = 20
_STEEPEST: Final = 1.2
_STEEPEST_USABLE: Final = 0.8
"""With a steeper scale the head says too little of where the feet are."""
_DOUBT: Final = 0.03
"""Spread of foot heights below which the slope is mostly guesswork, and drawn to 0."""
_REACH: Final = 0.1
_SMALLEST: Final = 0.02


class _Line(NamedTuple):
    slope: float
    offset: float
    lowest: float
    highest: float
    """The line holds for feet between these."""


class GroundScale:
    """Expected height of a person, normalised, for feet at y. Linear in y, as it is on level ground.

    Args:
        given: two pairs (y, height) from the settings; without them the scale is learnt from person-like shapes.
    """

    def __init__(self, given: Pairs | None = None) -> None:
        self._is_given = given is not None
        self._line = _through(given) if given else None
        self._samples: deque[tuple[float, float]] = deque(maxlen=_SAMPLES)
        self._seen = 0

    def height_at(self, foot: float) -> float | None:
        """Height of a person whose feet are at ``foot``; None where nothing is known."""
        line = self._line
        if line is None or not line.lowest - _REACH <= foot <= line.highest + _REACH:
            return None
        return max(_SMALLEST, line.slope * foot + line.offset)

    def foot_below(self, top: float) -> float | None:
        """Where the feet are of a person whose head is at ``top``."""
        if self._line is None or self._line.slope > _STEEPEST_USABLE:
            return None
        foot = (top + self._line.offset) / (1.0 - self._line.slope)
        return foot if self.height_at(foot) is not None else None

    def learn(self, foot: float, height: float) -> None:
        """Takes the shape of somebody who walks alone."""
        if self._is_given:
            return
        self._samples.append((foot, height))
        self._seen += 1
        if self._seen >= _LEAST_SAMPLES and self._seen % _FIT_EVERY == 0:
            self._line = _fit(np.array(self._samples)) or self._line


def _through(pairs: Pairs) -> _Line:
    (first, first_height), (second, second_height) = pairs
    slope = (second_height - first_height) / (second - first) if second != first else 0.0
    return _Line(slope, first_height - slope * first, 0.0, 1.0)


def _fit(samples: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> _Line | None:
    """A line through the medians of the samples in each band of y."""
    bands = np.floor(samples[:, 0] * _BINS)
    groups = [samples[bands == band] for band in np.unique(bands)]
    points = np.array([(*np.median(group, axis=0), len(group)) for group in groups if len(group) >= _LEAST_IN_BIN])
    if not len(points):
        return None
    feet, heights, weights = points[:, 0], points[:, 1], np.minimum(points[:, 2], _MOST_IN_BIN)
    foot, height = np.average(feet, weights=weights), np.average(heights, weights=weights)
    spread = np.sum(weights * (feet - foot) ** 2) + np.sum(weights) * _DOUBT**2
    slope = float(np.clip(np.sum(weights * (feet - foot) * (heights - height)) / spread, 0.0, _STEEPEST))
    return _Line(slope, float(height - slope * foot), float(feet.min()), float(feet.max()))
