"""What a detector saw in one frame, and what of it may be a second box of something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.detect.labels import OBJECT, PERSON, group_of
from analytics.track.kalman import SMALLEST, Array
from analytics.track.overlap import coverage
from core.types import Detection

Mask = NDArray[np.bool_]

MOVES: Final = frozenset({PERSON, "bicycle", "motorcycle", group_of("car"), OBJECT})
"""Groups of labels of what moves by itself."""

_SECOND_BOX = 0.7
"""A box is doubtful when it shares more of the smaller one's area with a better box of its group …"""
_POORER = 0.7
"""… that is so much surer: detectors give people who meet a third box between them, and a vehicle one of its front."""


class Seen(NamedTuple):
    """One frame's detections, as parallel rows."""

    boxes: Array
    """Centre x, centre y, width, height in picture heights."""
    scores: Array
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    moves: Mask
    """Shows something that moves by itself."""
    strong: Mask
    """Sure enough to start a track by itself, and no second box."""
    doubtful: Mask
    """Perhaps a second box of what a better one shows."""


def as_seen(detections: Sequence[Detection], aspect: float, min_score: float) -> Seen:
    """The rows of one frame; ``aspect`` is the picture's width over its height."""
    found = [found.box for found in detections]
    corners = np.array([(box.left, box.top, box.right, box.bottom) for box in found], dtype=float).reshape(-1, 4)
    low, high = corners[:, :2], corners[:, 2:]
    boxes = np.concatenate([(low + high) / 2, high - low], axis=1) * (aspect, 1.0, aspect, 1.0)
    np.maximum(boxes[:, 2:], SMALLEST, out=boxes[:, 2:])
    scores = np.array([found.score for found in detections], dtype=float)
    labels = tuple(found.label for found in detections)
    groups = tuple(group_of(label) for label in labels)
    moves = np.array([group in MOVES for group in groups], dtype=bool)
    doubtful = _doubtful(boxes, scores, groups)
    return Seen(boxes, scores, labels, groups, moves, (scores >= min_score) & ~doubtful, doubtful)


def _doubtful(boxes: Array, scores: Array, groups: Sequence[str]) -> Mask:
    """Only the few that are so much less sure than the best are compared at all."""
    doubtful = np.zeros(len(boxes), dtype=bool)
    unsure = np.flatnonzero(scores < _POORER * scores.max(initial=0.0))
    if unsure.size:
        codes: dict[str, int] = {}
        group = np.array([codes.setdefault(name, len(codes)) for name in groups], dtype=np.intp)
        surer = (scores[unsure, None] < _POORER * scores) & (group[unsure, None] == group)
        doubtful[unsure] = (surer & (coverage(boxes[unsure], boxes) > _SECOND_BOX)).any(axis=1)
    return doubtful
