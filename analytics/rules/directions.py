"""How far a movement leads out of a cone of allowed directions."""

from __future__ import annotations

import math
from typing import NamedTuple

from analytics.rules.geometry import SMALLEST
from core.types import Box, Point


class Cone(NamedTuple):
    """Every direction that is at most ``max_angle`` from the expected one, as the picture shows angles."""

    expected: Point
    """Share of the picture's width and height."""
    max_angle: float
    """Radians, below pi."""
    aspect: float
    """Width of the picture over its height."""

    def angle_of(self, shift: Point) -> float:
        """Angle between a shift (normalised) and the expected direction, 0..pi."""
        (x, y), (along_x, along_y) = self._seen(shift), self._seen(self.expected)
        return abs(math.atan2(along_x * y - along_y * x, along_x * x + along_y * y))

    def deviation(self, before: Box, after: Box) -> float:
        """Least misplacement of the two boxes, in their own size, with which the movement could be an allowed one.

        0 for a movement within the cone. Ground points are compared; the size is the mean of the two boxes.
        """
        (x1, y1), (x2, y2) = before.ground_point, after.ground_point
        shift = (x2 - x1, y2 - y1)
        if shift == (0.0, 0.0) or self.angle_of(shift) <= self.max_angle:
            return 0.0
        width = max((before.width + after.width) / 2, SMALLEST)
        height = max((before.height + after.height) / 2, SMALLEST)
        sides = (self._side(self.max_angle), self._side(-self.max_angle))
        in_sizes = (shift[0] / width, shift[1] / height)
        return min(_distance_from_ray(in_sizes, (x / width, y / height)) for x, y in sides)

    def _seen(self, shift: Point) -> Point:
        """In heights of the picture, so that angles are those that people see."""
        return shift[0] * self.aspect, shift[1]

    def _side(self, angle: float) -> Point:
        """Direction of one side of the cone, normalised."""
        x, y = self._seen(self.expected)
        turned = (x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle))
        return turned[0] / self.aspect, turned[1]


def _distance_from_ray(point: Point, heading: Point) -> float:
    """Distance from the half line that leaves the origin in that direction."""
    along = max((point[0] * heading[0] + point[1] * heading[1]) / (heading[0] ** 2 + heading[1] ** 2), 0.0)
    return math.dist(point, (along * heading[0], along * heading[1]))
