"""Plane geometry that rules decide with. Points are normalised; borders belong to what they bound.

Distances are told in the size of the object whose ground point they concern: a detector misplaces a box by a share
of that box, so what is far for a small object is noise for a large one.
"""

from __future__ import annotations

import math
from itertools import pairwise

from core.types import Box, Point, Polygon

CLEARLY = 0.15
"""An object is clearly beyond a border when it is so far from it, in its own width and height."""
EDGE = 0.005
"""A box that ends so close to the picture's edge is cut by it."""
SMALLEST = 1e-6
"""Stands in for a width or height of nothing, which cannot be divided by."""
_ROUNDING = 1e-9


def ground_point(box: Box) -> Point:
    """Where the object stands, kept inside the picture: boxes may be predicted beyond its edge."""
    x, y = box.ground_point
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)


def is_cut_below(box: Box) -> bool:
    """Whether the lower edge of the picture cuts the object: its feet are out of the picture."""
    return box.bottom >= 1.0 - EDGE


def touches_edge(box: Box) -> bool:
    """Whether the object is only just coming into the picture, or leaving it."""
    return box.left <= EDGE or box.top <= EDGE or box.right >= 1.0 - EDGE or is_cut_below(box)


def overlap(first: Box, second: Box) -> float:
    """Share of the smaller box that the other covers."""
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    smaller = min(first.width * first.height, second.width * second.height)
    return max(width, 0.0) * max(height, 0.0) / smaller if smaller > 0.0 else 0.0


def contains(polygon: Polygon, point: Point) -> bool:
    """Whether a point is inside a simple polygon or on its border."""
    edges = list(pairwise((*polygon, polygon[0])))
    if sum(_ray_meets(point, start, end) for start, end in edges) % 2 == 1:
        return True
    return any(math.dist(point, _nearest(point, start, end)) <= _ROUNDING for start, end in edges)


def clearance(point: Point, start: Point, end: Point, box: Box) -> float:
    """Distance from a segment, in the width and height of the object's box.

    The bottom of a box that the picture's lower edge cuts does not waver, so any height counts as far.
    """
    width = max(box.width, SMALLEST)
    height = SMALLEST if is_cut_below(box) else max(box.height, SMALLEST)
    place, start, end = ((x / width, y / height) for x, y in (point, start, end))
    return math.dist(place, _nearest(place, start, end))


def clearance_of_zone(point: Point, polygon: Polygon, box: Box) -> float:
    """Distance from a polygon in the object's size; 0 inside."""
    if contains(polygon, point):
        return 0.0
    return min(clearance(point, start, end, box) for start, end in pairwise((*polygon, polygon[0])))


def is_right_of(point: Point, start: Point, end: Point) -> bool:
    """Whether a point lies to the right hand of one who stands at ``start`` and looks to ``end`` (y points down)."""
    return _cross(start, end, point) >= 0.0


def crossing(before: Point, after: Point, start: Point, end: Point) -> float | None:
    """Share (0..1) of the step from ``before`` to ``after`` at which it passes through the segment; None if it does not.

    A point on the line counts as right of it, so that a path through that point passes once and not twice.
    """
    first, second = _cross(start, end, before), _cross(start, end, after)
    if (first >= 0.0) == (second >= 0.0):
        return None
    share = first / (first - second)
    meeting = (before[0] + share * (after[0] - before[0]), before[1] + share * (after[1] - before[1]))
    return share if -_ROUNDING <= _position(meeting, start, end) <= 1.0 + _ROUNDING else None


def _cross(start: Point, end: Point, point: Point) -> float:
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])


def _position(point: Point, start: Point, end: Point) -> float:
    """Where the foot of the perpendicular from a point lies: 0 at ``start``, 1 at ``end``."""
    along = (end[0] - start[0], end[1] - start[1])
    length_squared = along[0] ** 2 + along[1] ** 2
    if length_squared == 0.0:
        return 0.0
    return ((point[0] - start[0]) * along[0] + (point[1] - start[1]) * along[1]) / length_squared


def _nearest(point: Point, start: Point, end: Point) -> Point:
    share = min(max(_position(point, start, end), 0.0), 1.0)
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _ray_meets(point: Point, start: Point, end: Point) -> bool:
    """Whether the ray from a point to the right passes the edge; an edge owns its upper end only."""
    if (start[1] > point[1]) == (end[1] > point[1]):
        return False
    return point[0] < start[0] + (point[1] - start[1]) / (end[1] - start[1]) * (end[0] - start[0])
