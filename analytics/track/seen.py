"""What a detector saw in one frame, and what of it may be a second box of something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.track.groups import FIRST_STILL, code_of
from analytics.track.kalman import SMALLEST, Array
from analytics.track.overlap import Mask, covered, edges_of
from core.types import Detection

_SECOND_BOX = 0.7
"""A box is doubtful when it shares more of the smaller one's area with a better box of its group …"""
_POORER = 0.7
"""… that is so much surer: detectors give people who meet a third box between them, and a vehicle one of its front."""


class Seen(NamedTuple):
    """One frame's detections, as parallel rows."""

    boxes: Array
    """Centre x, centre y, width, height in picture heights."""
    edges: Array
    """Left, top, right, bottom: 4 x N."""
    scores: Array
    labels: tuple[str, ...]
    groups: NDArray[np.intp]
    """Of the labels, see ``analytics.track.groups``."""
    moves: Mask
    """Shows something that moves by itself."""
    strong: Mask
    """Sure enough to start a track by itself, and no second box."""
    doubtful: Mask
    """Perhaps a second box of what a better one shows."""


def as_seen(detections: Sequence[Detection], aspect: float, min_score: float) -> Seen:
    """The rows of one frame; ``aspect`` is the picture's width over its height."""
    boxes = _boxes(detections, aspect)
    scores = np.array([found.score for found in detections], dtype=float)
    labels = tuple([found.label for found in detections])
    groups = np.array([code_of(label) for label in labels], dtype=np.intp)
    edges = edges_of(boxes)
    doubtful = _doubtful(edges, scores, groups)
    strong = (scores >= min_score) & ~doubtful
    return Seen(boxes, edges, scores, labels, groups, groups < FIRST_STILL, strong, doubtful)


def _boxes(detections: Sequence[Detection], aspect: float) -> Array:
    found = [found.box for found in detections]
    sides = [b.left for b in found], [b.top for b in found], [b.right for b in found], [b.bottom for b in found]
    corners = np.array(sides, dtype=float)
    low, high = corners[:2], corners[2:]
    columns = np.concatenate([(low + high) / 2, high - low])
    columns[::2] *= aspect
    np.maximum(columns[2:], SMALLEST, out=columns[2:])
    return columns.T


def _doubtful(edges: Array, scores: Array, groups: NDArray[np.intp]) -> Mask:
    """Only the few that are so much less sure than the best are compared at all."""
    doubtful, poorer = np.zeros(len(scores), dtype=bool), _POORER * scores
    (unsure,) = (scores < poorer.max(initial=0.0)).nonzero()
    if unsure.size:
        surer = (scores.take(unsure)[:, None] < poorer) & (groups.take(unsure)[:, None] == groups)
        surer &= covered(edges.take(unsure, axis=1), edges, _SECOND_BOX)
        doubtful[unsure[surer.nonzero()[0]]] = True
    return doubtful
