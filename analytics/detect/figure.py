"""Tells by size and shape alone what a moving region may be."""

from __future__ import annotations

from math import exp
from typing import Final

from analytics.detect.labels import CAR, OBJECT, PERSON

_USUAL_ASPECT: Final = 0.42
"""Width over height of somebody who walks."""
_ASPECT_SPREAD: Final = 0.3
_WALKER_ASPECTS: Final = (0.22, 0.55)
_WALKER_FILL: Final = 0.4
_PERSON_ASPECT: Final = 0.75
_PERSON_ASPECT_SIZED: Final = 0.85
_PERSON_HEIGHTS: Final = (0.5, 1.5)
_CAR_ASPECT: Final = 0.95
_CAR_ASPECT_SIZED: Final = 0.8
_CAR_FILL: Final = 0.5
_CAR_SHARE: Final = 0.05
"""Height of a car, of the picture, where the size of a person is unknown."""
_CAR_SIZE: Final = (0.85, 0.45)
"""Least width and height of a car, in heights of a person."""
_FITS: Final = {CAR: 0.7, OBJECT: 0.3}
_CLEAR_EDGES: Final = 25.0


def label_sized(width: float, height: float) -> str:
    """Label of a region whose width and height are given in heights of a person who stands there."""
    aspect = width / height
    if _PERSON_HEIGHTS[0] <= height <= _PERSON_HEIGHTS[1] and aspect <= _PERSON_ASPECT_SIZED:
        return PERSON
    return CAR if width > _CAR_SIZE[0] and height > _CAR_SIZE[1] and aspect > _CAR_ASPECT_SIZED else OBJECT


def label_unsized(aspect: float, height: float, fill: float, *, is_cut: bool) -> str:
    """Label of a region by its shape alone.

    Args:
        aspect: width over height.
        height: share of the picture's height.
        fill: share of its box that moves.
        is_cut: whether the picture's border cuts it; it then is no car for sure.
    """
    if aspect <= _PERSON_ASPECT:
        return PERSON
    is_car = aspect >= _CAR_ASPECT and fill > _CAR_FILL and height > _CAR_SHARE
    return CAR if is_car and not is_cut else OBJECT


def is_walker(aspect: float, fill: float) -> bool:
    """Whether a region has the shape of one person on foot, so that its height may serve as a measure."""
    return _WALKER_ASPECTS[0] < aspect < _WALKER_ASPECTS[1] and fill > _WALKER_FILL


def score(label: str, aspect: float, edges: float) -> float:
    """How well the shape fits the label, and how clear its outline is (mean of new edges, 0..255)."""
    fit = _FITS.get(label, exp(-(((aspect - _USUAL_ASPECT) / _ASPECT_SPREAD) ** 2)))
    return 0.35 + 0.35 * fit + 0.3 * min(1.0, edges / _CLEAR_EDGES)
