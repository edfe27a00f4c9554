"""How well boxes fit one another. Boxes are rows of centre x, centre y, width, height."""

from __future__ import annotations

import numpy as np

from analytics.track.kalman import Array

_INCOMPARABLE = 16.0
"""A box of more than so many times the area (four times as wide and high) tells nothing of the one inside it: weak
models put boxes around the whole picture."""


def overlaps(first: Array, second: Array, margin: Array | float = 0.0) -> Array:
    """Intersection over union of every box of ``first`` with every box of ``second``.

    Args:
        first: N x 4.
        second: M x 4.
        margin: by how much both boxes are widened on every side before they are compared (buffered IoU, arXiv
            2211.14317): a number, or N x 1 for each of ``first``.
    """
    wider = 2.0 * np.broadcast_to(margin, (len(first), 1))
    width, height = first[:, 2:3] + wider, first[:, 3:4] + wider
    other_width, other_height = second[:, 2] + wider, second[:, 3] + wider
    across = _shared(first[:, 0:1], width, second[:, 0], other_width)
    intersection = across * _shared(first[:, 1:2], height, second[:, 1], other_height)
    union = width * height + other_width * other_height - intersection
    result: Array = intersection / np.maximum(union, np.finfo(float).tiny)
    return result


def coverage(first: Array, second: Array) -> Array:
    """Share of the smaller of two boxes that the other covers, of every box of ``first`` with every one of ``second``.

    0 where the second is incomparably larger than the first.

    Args:
        first: N x 4.
        second: M x 4.
    """
    across = _shared(first[:, 0:1], first[:, 2:3], second[:, 0], second[:, 2])
    down = _shared(first[:, 1:2], first[:, 3:4], second[:, 1], second[:, 3])
    area, other_area = first[:, 2:3] * first[:, 3:4], second[:, 2] * second[:, 3]
    smaller = np.maximum(np.minimum(area, other_area), np.finfo(float).tiny)
    result: Array = np.where(other_area <= _INCOMPARABLE * area, across * down / smaller, 0.0)
    return result


def _shared(centre: Array, size: Array, other_centre: Array, other_size: Array) -> Array:
    """Length that two intervals have in common."""
    reach = (size + other_size) / 2 - np.abs(centre - other_centre)
    length: Array = np.maximum(np.minimum(reach, np.minimum(size, other_size)), 0.0)
    return length
