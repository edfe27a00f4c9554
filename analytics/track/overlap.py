"""How well boxes fit one another. Boxes are rows of centre x, centre y, width, height; edges are 4 x any shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.track.kalman import Array

Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

_INCOMPARABLE = 16.0
"""A box of more than so many times the area (four times as wide and high) tells nothing of the one inside it: weak
models put boxes around the whole picture."""
_TINY = float(np.finfo(float).tiny)


def edges_of(boxes: Array) -> Array:
    """Left, top, right, bottom of every box: 4 x N."""
    centre, half = boxes.T[:2], boxes.T[2:] / 2
    return np.concatenate([centre - half, centre + half])


def overlaps(first: Array, second: Array, margin: Array | float = 0.0) -> Array:
    """Intersection over union of every box of ``first`` with every box of ``second``.

    Args:
        first: N x 4.
        second: M x 4.
        margin: by how much both boxes are widened on every side before they are compared (buffered IoU, arXiv
            2211.14317): a number, or N x 1 for each of ``first``.
    """
    return overlap(edges_of(first)[:, :, None], edges_of(second)[:, None], 2.0 * np.asarray(margin))


def overlap(first: Array, second: Array, wider: Array | float = 0.0) -> Array:
    """Intersection over union of boxes with these edges, element by element, were all so much wider and higher."""
    size, other_size = first[2:] - first[:2] + wider, second[2:] - second[:2] + wider
    shared = np.maximum(_common(first, second) + wider, 0.0)
    intersection: Array = shared[0] * shared[1]
    union = size[0] * size[1] + other_size[0] * other_size[1]
    union -= intersection
    intersection /= np.maximum(union, _TINY, out=union)
    return intersection


def touching(first: Array, second: Array, wider: Array) -> tuple[Index, Index]:
    """Numbers of the boxes that would overlap if both were so much wider and higher, as pairs in order.

    Args:
        first: their edges, 4 x N.
        second: their edges, 4 x M.
        wider: of each of ``first``.
    """
    near = (first[0] - wider)[:, None] < second[2]
    near &= (first[2] + wider)[:, None] > second[0]
    near &= (first[1] - wider)[:, None] < second[3]
    near &= (first[3] + wider)[:, None] > second[1]
    return _where(near)


def alike(boxes: Array, least: float) -> list[tuple[int, int]]:
    """Pairs of boxes, the first of a pair before the second, that overlap by more than ``least`` (IoU, above 0)."""
    (across, down), (reach, reach_down) = boxes.T[:2], (1 / least - 1) / 2 * boxes.T[2:]
    apart = down[:, None] - down
    first, second = _where(np.abs(apart, out=apart) <= reach_down[:, None])
    near = (first < second) & (np.abs(across.take(first) - across.take(second)) <= reach.take(first))
    (pairs,) = near.nonzero()
    if not pairs.size:
        return []
    first, second, edges = first.take(pairs), second.take(pairs), edges_of(boxes)
    same = overlap(edges.take(first, axis=1), edges.take(second, axis=1)) > least
    return list(zip(first[same].tolist(), second[same].tolist(), strict=True))


def covered(first: Array, second: Array, share: float) -> Mask:
    """Whether two boxes share more than so much of the smaller one, for every box of ``first`` with every of ``second``.

    False where the second is incomparably larger than the first.

    Args:
        first: their edges, 4 x N.
        second: their edges, 4 x M.
        share: of the area, at least 0.
    """
    size, other_size = first[2:] - first[:2], second[2:] - second[:2]
    area, other_area = (size[0] * size[1])[:, None], other_size[0] * other_size[1]
    shared = np.maximum(_common(first[:, :, None], second[:, None]), 0.0)
    result: Mask = shared[0] * shared[1] > share * np.minimum(area, other_area)
    result &= other_area <= _INCOMPARABLE * area
    return result


def _common(first: Array, second: Array) -> Array:
    """Width and height of what boxes with these edges share; negative where they are apart."""
    lengths: Array = np.minimum(first[2:], second[2:])
    lengths -= np.maximum(first[:2], second[:2])
    return lengths


def _where(chosen: Mask) -> tuple[Index, Index]:
    """Rows and columns, in order; faster than ``nonzero`` of a matrix."""
    (flat,) = chosen.ravel().nonzero()
    rows, columns = np.divmod(flat, max(chosen.shape[1], 1))
    return rows, columns
