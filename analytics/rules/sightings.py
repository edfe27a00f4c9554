"""What was measured in one frame, and where: worked out once for all rules that look at the same objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.rules.geometry import CLEARLY, SMALLEST, bounds
from core.types import Box, Point, Tick

_Numbers = NDArray[np.float64]


class Rectangle:
    """An upright rectangle that many objects are compared with in every frame."""

    def __init__(self, around: Iterable[Point]) -> None:
        """The smallest one around some points."""
        box = bounds(around)
        self.limits: _Numbers = np.array([[box.left], [box.top], [-box.right], [-box.bottom]])
        """4 x 1: least x and y, and the least of what is taken as negative."""


class Sightings:
    """The measured tracks of a frame, as parallel rows. Rules ask for it with ``tick.once(Sightings)``."""

    def __init__(self, tick: Tick) -> None:
        self.at = tick.captured_at
        self.tracks = [track for track in tick.tracks if track.is_measured]
        self.by_id = {track.track_id: track for track in self.tracks}
        corners = _corners([track.box for track in self.tracks])
        self._points = _ground_points(corners)
        """2 x N: x, y."""
        self._reach = _reach(self._points, corners)
        """4 x N: the points as far right and down, and (negative) left and up, as they may be misplaced."""
        x, y = self._points.tolist()
        self.places: list[Point] = list(zip(x, y, strict=True))
        """Ground points, kept inside the picture."""

    def far_from(self, rectangle: Rectangle) -> list[bool]:
        """As ``geometry.is_far``: which are ``CLEARLY`` away from a rectangle."""
        far: list[bool] = np.logical_or.reduce(self._reach < rectangle.limits).tolist()
        return far

    def right_of(self, start: Point, end: Point) -> list[bool]:
        """As ``geometry.is_right_of``, of the ground points."""
        (x, y), (x1, y1), (x2, y2) = self._points, start, end
        right: list[bool] = ((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1) >= 0.0).tolist()
        return right


def _corners(boxes: Sequence[Box]) -> _Numbers:
    """4 x N: left, top, right, bottom."""
    return np.array(
        [
            [box.left for box in boxes],
            [box.top for box in boxes],
            [box.right for box in boxes],
            [box.bottom for box in boxes],
        ]
    )


def _ground_points(corners: _Numbers) -> _Numbers:
    points = corners[2:].copy()
    points[0] += corners[0]
    points[0] /= 2
    np.maximum(points, 0.0, out=points)
    return np.minimum(points, 1.0, out=points)


def _reach(points: _Numbers, corners: _Numbers) -> _Numbers:
    margins = corners[2:] - corners[:2]
    margins *= CLEARLY
    margins += SMALLEST
    return np.concatenate([points + margins, margins - points])
