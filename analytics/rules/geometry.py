"""Plane geometry that rules decide with. Points are normalised; borders belong to what they bound.

Distances are told in the size of the object whose ground point they concern: a detector misplaces a box by a share
of that box, so what is far for a small object is noise for a large one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

from core.types import Box, Point, Polygon

CLEARLY = 0.15
"""An object is clearly beyond a border when it is so far from it, in its own width and height."""
EDGE = 0.005
"""A box that ends so close to the picture's edge is cut by it."""
SMALLEST = 1e-6
"""Stands in for a width or height of nothing, which cannot be divided by."""
ROUNDING = 1e-9


def ground_point(box: Box) -> Point:
    """Where the object stands, kept inside the picture: boxes may be predicted beyond its edge."""
    x, y = (box.left + box.right) / 2, box.bottom
    if 0.0 <= x <= 1.0 and 0.0 <= y <= 1.0:
        return x, y
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)


def is_cut_below(box: Box) -> bool:
    """Whether the lower edge of the picture cuts the object: its feet are out of the picture."""
    return box.bottom >= 1.0 - EDGE


def touches_edge(box: Box) -> bool:
    """Whether the object is only just coming into the picture, or leaving it."""
    return box.left <= EDGE or box.top <= EDGE or box.right >= 1.0 - EDGE or is_cut_below(box)


def overlap(first: Box, second: Box) -> float:
    """Share of the smaller box that the other covers."""
    smaller = min(first.width * first.height, second.width * second.height)
    return common_area(first, second) / smaller if smaller > 0.0 else 0.0


def share_covered(box: Box, other: Box) -> float:
    """Share of the first box that the other covers, whatever their sizes."""
    return common_area(box, other) / max(box.width * box.height, SMALLEST**2)


def common_area(first: Box, second: Box) -> float:
    """What two boxes share, in shares of the picture."""
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    return max(width, 0.0) * max(height, 0.0)


def contains(polygon: Polygon, point: Point) -> bool:
    """Whether a point is inside a simple polygon or on its border."""
    if surrounds(polygon, point):
        return True
    edges = pairwise((*polygon, polygon[0]))
    return any(math.dist(point, _nearest(point, start, end)) <= ROUNDING for start, end in edges)


def clearance(point: Point, start: Point, end: Point, box: Box) -> float:
    """Distance from a segment, in the width and height of the object's box."""
    return nearest_of(point, ((start, end),), box)


def nearest_of(point: Point, segments: Iterable[tuple[Point, Point]], box: Box) -> float:
    """Distance from the nearest of some segments, in the width and height of the object's box.

    The bottom of a box that the picture's lower edge cuts does not waver, so any height counts as far.
    """
    width = max(box.right - box.left, SMALLEST)
    height = SMALLEST if is_cut_below(box) else max(box.bottom - box.top, SMALLEST)
    place = point[0] / width, point[1] / height
    return min(
        [
            math.dist(place, _nearest(place, (x1 / width, y1 / height), (x2 / width, y2 / height)))
            for (x1, y1), (x2, y2) in segments
        ]
    )


def bounds(points: Iterable[Point]) -> Box:
    """The smallest upright rectangle around some points."""
    across, down = zip(*points, strict=True)
    return Box(left=min(across), top=min(down), right=max(across), bottom=max(down))


def is_far(point: Point, around: Box, box: Box) -> bool:
    """Whether an object is ``CLEARLY`` away from a rectangle, and so from all in it: a quick answer for most."""
    (x, y), left, bottom = point, box.left, box.bottom
    across, down = CLEARLY * (box.right - left) + SMALLEST, CLEARLY * (bottom - box.top) + SMALLEST
    return x + across < around.left or x - across > around.right or y + down < around.top or y - down > around.bottom


def is_right_of(point: Point, start: Point, end: Point) -> bool:
    """Whether a point lies to the right hand of one who stands at ``start`` and looks to ``end`` (y points down)."""
    (x, y), (x1, y1), (x2, y2) = point, start, end
    return (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1) >= 0.0


def crossing(before: Point, after: Point, start: Point, end: Point) -> float | None:
    """Share (0..1) of the step from ``before`` to ``after`` at which it passes through the segment; None if it does not.

    A point on the line counts as right of it, so that a path through that point passes once and not twice.
    """
    first, second = _cross(start, end, before), _cross(start, end, after)
    if (first >= 0.0) == (second >= 0.0):
        return None
    share = first / (first - second)
    meeting = (before[0] + share * (after[0] - before[0]), before[1] + share * (after[1] - before[1]))
    return share if -ROUNDING <= _position(meeting, start, end) <= 1.0 + ROUNDING else None


def _cross(start: Point, end: Point, point: Point) -> float:
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])


def _position(point: Point, start: Point, end: Point) -> float:
    """Where the foot of the perpendicular from a point lies: 0 at ``start``, 1 at ``end``."""
    x1, y1 = start
    along_x, along_y = end[0] - x1, end[1] - y1
    length_squared = along_x * along_x + along_y * along_y
    if length_squared == 0.0:
        return 0.0
    return ((point[0] - x1) * along_x + (point[1] - y1) * along_y) / length_squared


def _nearest(point: Point, start: Point, end: Point) -> Point:
    share = _position(point, start, end)
    if share <= 0.0:
        return start
    return end if share >= 1.0 else (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))


def surrounds(polygon: Polygon, point: Point) -> bool:
    """Whether a ray from a point to the right passes the border an odd number of times; an edge owns its upper end only."""
    x, y = point
    is_inside = False
    x1, y1 = polygon[-1]
    for x2, y2 in polygon:
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            is_inside = not is_inside
        x1, y1 = x2, y2
    return is_inside
