"""Connected places where something stands that was not there before, and which of them are seen again."""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.rules.abandoned.appearance import is_light
from analytics.rules.abandoned.standing_changes import Changes, Mask
from core.types import Box

_LEAST_AREA: Final = 24
"""Pixels of the reduced picture: what is smaller cannot be told from noise."""
_CLOSING: Final = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
_OPENING: Final = np.ones((2, 2), np.uint8)
_MOST: Final = 16
"""So many patches at once, the largest ones, are looked at: a scene in uproar must not cost more."""


class Patch(NamedTuple):
    """One place. Times as in ``Changes``."""

    box: Box
    mask: Mask
    """Height x width of the whole picture."""
    area: int
    rest_at: float
    """When most of it was last seen at rest."""
    since: float
    """Since when most of it looks as it does."""


def patches_in(changes: Changes) -> list[Patch]:
    """The patches of one picture; light and shadow left out, largest first."""
    if not changes.standing.any():
        return []
    solid = changes.standing & ~is_light(changes.picture, changes.rest, changes.standing)
    joined = cv2.morphologyEx(
        cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_OPEN, _OPENING), cv2.MORPH_CLOSE, _CLOSING
    )
    _, labels, figures, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    areas = figures[1:, cv2.CC_STAT_AREA]
    largest = [int(index) + 1 for index in np.argsort(-areas, kind="stable")[:_MOST] if areas[index] >= _LEAST_AREA]
    return [_patch(changes, np.asarray(labels, np.int32), label, figures[label]) for label in largest]


def _patch(changes: Changes, labels: NDArray[np.int32], label: int, figures: NDArray[np.int32]) -> Patch:
    height, width = labels.shape
    left, top, wide, high = (int(figure) for figure in figures[: cv2.CC_STAT_AREA])
    window = (slice(top, top + high), slice(left, left + wide))
    mask = np.zeros(labels.shape, np.bool_)
    mask[window] = labels[window] == label
    standing = mask[window] & changes.standing[window]
    return Patch(
        box=Box(left=left / width, top=top / height, right=(left + wide) / width, bottom=(top + high) / height),
        mask=mask,
        area=int(figures[cv2.CC_STAT_AREA]),
        rest_at=float(np.percentile(changes.rest_at[window][standing], 20)),
        since=float(np.percentile(changes.since[window][standing], 80)),
    )
