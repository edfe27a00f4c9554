"""A zone that many objects are compared with in every frame."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

from analytics.rules.geometry import CLEARLY, ROUNDING, SMALLEST, bounds, contains, is_far, nearest_of, surrounds
from analytics.rules.sightings import Rectangle, Sightings
from core.types import Box, Point, Polygon, Tick

_ON_BORDER: Final = ROUNDING / SMALLEST
"""What is on the border is no further away than this, however small it is."""


class Area:
    """Tells how far objects are from a zone, in their own size.

    Rules ask with ``tick.once(area)`` for the distances of all ``Sightings``; areas of the same polygon are equal, so that
    rules for the same zone share their answers.
    """

    def __init__(self, polygon: Polygon) -> None:
        self._polygon = polygon
        self._edges = tuple((edge, *_limits(edge)) for edge in pairwise((*polygon, polygon[0])))
        self._bounds, self._rectangle = bounds(polygon), Rectangle(polygon)
        self._hash = hash(polygon)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Area) and self._polygon == other._polygon

    def __call__(self, tick: Tick) -> list[float]:
        """As ``clearance``, of all sightings of a frame."""
        seen = tick.once(Sightings)
        rows = zip(seen.far_from(self._rectangle), seen.places, seen.tracks, strict=True)
        return [math.inf if is_out else self._clearance(place, track.box) for is_out, place, track in rows]

    def clearance(self, point: Point, box: Box) -> float:
        """Distance in the object's size; 0 inside, infinite where the object is ``CLEARLY`` out at the first glance."""
        return math.inf if is_far(point, self._bounds, box) else self._clearance(point, box)

    def _clearance(self, point: Point, box: Box) -> float:
        if surrounds(self._polygon, point):
            return 0.0
        (x, y), across, down = (
            point,
            CLEARLY * (box.right - box.left) + SMALLEST,
            CLEARLY * (box.bottom - box.top) + SMALLEST,
        )
        near = [
            edge
            for edge, left, top, right, bottom in self._edges
            if left <= x + across and x - across <= right and top <= y + down and y - down <= bottom
        ]
        distance = nearest_of(point, near, box) if near else math.inf
        return 0.0 if distance <= _ON_BORDER and contains(self._polygon, point) else distance


def _limits(edge: tuple[Point, Point]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom."""
    around = bounds(edge)
    return around.left, around.top, around.right, around.bottom
