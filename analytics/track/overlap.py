"""How well boxes fit one another. Boxes are rows of centre x, centre y, width, height."""

from __future__ import annotations

import numpy as np

from analytics.track.kalman import Array

_INCOMPARABLE = 16.0
"""A box of more than so many times the area (four times as wide and high) tells nothing of the one inside it: weak
models put boxes around the whole picture."""
_TINY = np.finfo(float).tiny


def overlaps(first: Array, second: Array, margin: Array | float = 0.0) -> Array:
    """Intersection over union of every box of ``first`` with every box of ``second``.

    Args:
        first: N x 4.
        second: M x 4.
        margin: by how much both boxes are widened on every side before they are compared (buffered IoU, arXiv
            2211.14317): a number, or N x 1 for each of ``first``.
    """
    wider = 2.0 * np.asarray(margin)
    intersection = _shared(first, second, 0, wider) * _shared(first, second, 1, wider)
    union = (second[:, 2] + wider) * (second[:, 3] + wider) + (first[:, 2:3] + wider) * (first[:, 3:4] + wider)
    union -= intersection
    intersection /= np.maximum(union, _TINY, out=union)
    return intersection


def alike(boxes: Array, least: float) -> list[tuple[int, int]]:
    """Pairs of boxes, the first of a pair before the second, that overlap by more than ``least`` (IoU, above 0)."""
    slack = 1 / least - 1
    across, down = boxes[:, 0], boxes[:, 1]
    apart = across[:, None] - across
    first, second = np.divmod((np.abs(apart, out=apart) <= slack * boxes[:, 2:3]).ravel().nonzero()[0], len(boxes) or 1)
    near = (first < second) & (np.abs(down[first] - down[second]) <= slack * boxes[first, 3])
    first, second = first[near], second[near]
    same = overlaps(boxes[first], boxes[second]).diagonal() > least
    return list(zip(first[same].tolist(), second[same].tolist(), strict=True))


def coverage(first: Array, second: Array) -> Array:
    """Share of the smaller of two boxes that the other covers, of every box of ``first`` with every one of ``second``.

    0 where the second is incomparably larger than the first.

    Args:
        first: N x 4.
        second: M x 4.
    """
    area, other_area = first[:, 2:3] * first[:, 3:4], second[:, 2] * second[:, 3]
    smaller = np.maximum(np.minimum(area, other_area), _TINY)
    shared = _shared(first, second, 0) * _shared(first, second, 1)
    result: Array = np.where(other_area <= _INCOMPARABLE * area, shared / smaller, 0.0)
    return result


def _shared(first: Array, second: Array, axis: int, wider: Array | float = 0.0) -> Array:
    """Length that the boxes have in common along an axis, were both so much wider."""
    centre, half = first[:, axis : axis + 1], first[:, axis + 2 : axis + 3] / 2
    other_centre, other_half = second[:, axis], second[:, axis + 2] / 2
    length: Array = np.minimum(centre + half, other_centre + other_half)
    length -= np.maximum(centre - half, other_centre - other_half)
    length += wider
    return np.maximum(length, 0.0, out=length)
