"""How far a movement leads out of a cone of allowed directions."""

from __future__ import annotations

import math
from typing import Final

from analytics.rules.geometry import SMALLEST
from core.types import Box, Point

_ROUNDING: Final = 1e-12


class Cone:
    """Every direction that is at most ``max_angle`` from the expected one, as the picture shows angles."""

    def __init__(self, expected: Point, max_angle: float, aspect: float) -> None:
        """``expected``: share of the picture's width and height. ``max_angle``: radians, below pi. ``aspect``: width / height."""
        self._heading = expected
        self._expected = expected[0] * aspect, expected[1]
        self._max_angle = max_angle
        self.aspect = aspect
        self._sides = self._side(max_angle), self._side(-max_angle)

    def angle_of(self, shift: Point) -> float:
        """Angle between a shift (normalised) and the expected direction, 0..pi."""
        (along_x, along_y), x, y = self._expected, shift[0] * self.aspect, shift[1]
        return abs(math.atan2(along_x * y - along_y * x, along_x * x + along_y * y))

    def beside(self, place: Point) -> Point:
        """Where a ground point lies beside the two sides of the cone, for ``may_lead_out``."""
        ((ax, ay), (bx, by)), (x, y) = self._sides, place
        return ax * y - ay * x, bx * y - by * x

    def advanced(self, box: Box, sizes: float) -> Point:
        """The ground point of a box, half as many of its sizes further on in the expected direction.

        A movement to that box deviates by less than so many sizes where the one to this point does not lead out of the
        cone: the mean of two boxes is at least half of one.
        """
        (x, y), (dx, dy) = box.ground_point, self._heading
        ahead = sizes / 2 / math.hypot(dx / max(box.width, SMALLEST), dy / max(box.height, SMALLEST))
        return x + ahead * dx, y + ahead * dy

    def may_lead_out(self, start: Point, end: Point) -> bool:
        """Whether a movement between two points, each told by ``beside``, may lead out of the cone: a quick answer.

        Of several starts the least of the first and the greatest of the second figure answer for all.
        """
        is_left, is_right = end[0] > start[0] - _ROUNDING, end[1] < start[1] + _ROUNDING
        return (is_left and is_right) if self._max_angle > math.pi / 2 else (is_left or is_right)

    def deviation(self, before: Box, after: Box) -> float:
        """Least misplacement of the two boxes, in their own size, with which the movement could be an allowed one.

        0 for a movement within the cone. Ground points are compared; the size is the mean of the two boxes.
        """
        (x1, y1), (x2, y2) = before.ground_point, after.ground_point
        shift = (x2 - x1, y2 - y1)
        if shift == (0.0, 0.0) or self.angle_of(shift) <= self._max_angle:
            return 0.0
        width, height = _mean_size(before, after)
        in_sizes = (shift[0] / width, shift[1] / height)
        one, other = ((x / width, y / height) for x, y in self._sides)
        return min(_distance_from_ray(in_sizes, one), _distance_from_ray(in_sizes, other))

    def _side(self, angle: float) -> Point:
        """Direction of one side of the cone, normalised."""
        (x, y), along, across = self._expected, math.cos(angle), math.sin(angle)
        return (x * along - y * across) / self.aspect, x * across + y * along


def shift_in_sizes(before: Box, after: Box) -> float:
    """How far the ground point went, in the mean size of the two boxes: at least as much as it can deviate."""
    width, height = _mean_size(before, after)
    across = (after.left + after.right - before.left - before.right) / 2
    return math.hypot(across / width, (after.bottom - before.bottom) / height)


def _mean_size(first: Box, second: Box) -> tuple[float, float]:
    """Width and height, never nothing."""
    width = (first.right - first.left + second.right - second.left) / 2
    height = (first.bottom - first.top + second.bottom - second.top) / 2
    return max(width, SMALLEST), max(height, SMALLEST)


def _distance_from_ray(point: Point, heading: Point) -> float:
    """Distance from the half line that leaves the origin in that direction."""
    (x, y), (ahead_x, ahead_y) = point, heading
    along = max((x * ahead_x + y * ahead_y) / (ahead_x * ahead_x + ahead_y * ahead_y), 0.0)
    return math.dist(point, (along * ahead_x, along * ahead_y))
