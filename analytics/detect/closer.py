"""Looks again at parts of a picture, so that a detector finds what was too small for it in the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.detect.labels import group_of
from core.contracts import Detector
from core.types import Box, Detection, Picture, Pixels

_MOST_WIDTH: Final = 1920
"""Of the whole picture: parts of it are then still larger than what the models take."""
_CUT: Final = 0.01
"""A box that ends so close to the border of its part, in shares of the part, is cut by it."""
_SAME: Final = 0.6
"""Boxes of one group that overlap more (IoU) are one object, as in the detectors themselves …"""
_INSIDE: Final = 0.75
"""… and so is a box of which another, surer one covers more: a part of a body that was taken for a whole one."""


def look_closer(detector: Detector, pixels: Pixels, parts: Sequence[Box]) -> list[Detection]:
    """What a detector finds in parts of a picture (``core.types.CloserLook``), best first.

    Raises:
        ModelError: the detector fails.
    """
    width = min(pixels.width, _MOST_WIDTH)
    picture = pixels.rgb(width, max(1, round(pixels.height * width / pixels.width)))
    found = [seen for part in parts for seen in _in_part(detector, picture, part)]
    return distinct(found)


def grid(area: Box, columns: int, rows: int, *, shared: float = 0.25) -> list[Box]:
    """Parts that cover an area, neighbours sharing that much of each: an object no larger lies whole in one of them."""
    width = area.width / (columns - (columns - 1) * shared)
    height = area.height / (rows - (rows - 1) * shared)
    lefts = [area.left + column * width * (1.0 - shared) for column in range(columns)]
    tops = [area.top + row * height * (1.0 - shared) for row in range(rows)]
    return [
        Box(left=left, top=top, right=min(left + width, area.right), bottom=min(top + height, area.bottom))
        for top in tops
        for left in lefts
    ]


def distinct(found: Sequence[Detection]) -> list[Detection]:
    """Each object once, best first, where several looks found it."""
    ordered = sorted(found, key=lambda seen: -seen.score)
    corners = corners_of([seen.box for seen in ordered])
    sizes = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    shared = intersections(corners)
    union = sizes[:, None] + sizes[None, :] - shared
    smaller = np.maximum(np.minimum(sizes[:, None], sizes[None, :]), np.finfo(float).tiny)
    groups = np.array([group_of(seen.label) for seen in ordered])
    is_same = ((shared > _SAME * union) | (shared > _INSIDE * smaller)) & (groups[:, None] == groups[None, :])
    kept: list[int] = []
    for index in range(len(ordered)):
        if not is_same[index, kept].any():
            kept.append(index)
    return [ordered[index] for index in kept]


def corners_of(boxes: Sequence[Box]) -> NDArray[np.float64]:
    """N x 4: left, top, right, bottom."""
    rows = [(box.left, box.top, box.right, box.bottom) for box in boxes]
    return np.array(rows, dtype=np.float64).reshape(len(rows), 4)


def intersections(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """N x N: the area that every two boxes have in common."""
    lowest = np.minimum(corners[:, None, 2:], corners[None, :, 2:])
    highest = np.maximum(corners[:, None, :2], corners[None, :, :2])
    shared: NDArray[np.float64] = np.maximum(lowest - highest, 0.0).prod(axis=2)
    return shared


def _in_part(detector: Detector, picture: Picture, part: Box) -> list[Detection]:
    height, width = picture.shape[:2]
    left, right = round(part.left * width), round(part.right * width)
    top, bottom = round(part.top * height), round(part.bottom * height)
    (found,) = detector.detect([np.ascontiguousarray(picture[top:bottom, left:right])])
    return [_in_whole(seen, part) for seen in found if not _is_cut(seen.box, part)]


def _is_cut(box: Box, part: Box) -> bool:
    """Whether a box, in shares of its part, ends at a border of the part that is not one of the picture."""
    return (
        (box.left < _CUT and part.left > 0.0)
        or (box.top < _CUT and part.top > 0.0)
        or (box.right > 1.0 - _CUT and part.right < 1.0)
        or (box.bottom > 1.0 - _CUT and part.bottom < 1.0)
    )


def _in_whole(seen: Detection, part: Box) -> Detection:
    box = Box(
        left=part.left + seen.box.left * part.width,
        top=part.top + seen.box.top * part.height,
        right=part.left + seen.box.right * part.width,
        bottom=part.top + seen.box.bottom * part.height,
    )
    return Detection(label=seen.label, score=seen.score, box=box)
