"""How well boxes fit one another. Boxes are rows of centre x, centre y, width, height."""

from __future__ import annotations

import numpy as np

from analytics.track.kalman import Array


def overlaps(first: Array, second: Array, margin: Array | float = 0.0) -> Array:
    """Intersection over union of every box of ``first`` with every box of ``second``.

    Args:
        first: N x 4.
        second: M x 4.
        margin: by how much both boxes are widened on every side before they are compared (buffered IoU, arXiv
            2211.14317): a number, or N x 1 for each of ``first``.
    """
    wider = 2.0 * np.broadcast_to(margin, (len(first), 1))[:, None, :]
    first_sizes, second_sizes = first[:, None, 2:] + wider, second[None, :, 2:] + wider
    distance = np.abs(first[:, None, :2] - second[None, :, :2])
    shared = np.minimum((first_sizes + second_sizes) / 2 - distance, np.minimum(first_sizes, second_sizes))
    intersection = np.prod(np.maximum(shared, 0.0), axis=2)
    union = np.prod(first_sizes, axis=2) + np.prod(second_sizes, axis=2) - intersection
    result: Array = intersection / np.maximum(union, np.finfo(float).tiny)
    return result
