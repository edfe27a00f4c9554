"""Points, lines and polygons as people write them in settings."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

Coordinate: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)]
SettingsPoint: TypeAlias = tuple[Coordinate, Coordinate]


def _cross(origin: SettingsPoint, first: SettingsPoint, second: SettingsPoint) -> float:
    return (first[0] - origin[0]) * (second[1] - origin[1]) - (first[1] - origin[1]) * (second[0] - origin[0])


def _properly_intersect(a: SettingsPoint, b: SettingsPoint, c: SettingsPoint, d: SettingsPoint) -> bool:
    return _cross(a, b, c) * _cross(a, b, d) < 0 and _cross(c, d, a) * _cross(c, d, b) < 0


def polygon_area(polygon: tuple[SettingsPoint, ...]) -> float:
    """Area by the shoelace formula, in squared picture units."""
    closed = (*polygon, polygon[0])
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(closed))) / 2


def _simple_polygon(polygon: tuple[SettingsPoint, ...]) -> tuple[SettingsPoint, ...]:
    edges = list(pairwise((*polygon, polygon[0])))
    for index, (a, b) in enumerate(edges):
        for c, d in edges[index + 1 :]:
            if _properly_intersect(a, b, c, d):
                raise ValueError(f"the zone crosses itself between {a}-{b} and {c}-{d}; draw its corners in order")
    if polygon_area(polygon) == 0.0:
        raise ValueError("the zone has no area; give at least three corners that are not on one line")
    return polygon


def _two_distinct(line: tuple[SettingsPoint, SettingsPoint]) -> tuple[SettingsPoint, SettingsPoint]:
    if line[0] == line[1]:
        raise ValueError("both ends of the line are the same point")
    return line


Zone: TypeAlias = Annotated[
    tuple[SettingsPoint, ...], Field(min_length=3, max_length=64), AfterValidator(_simple_polygon)
]
"""A closed polygon of 3 to 64 corners, normalised, not crossing itself."""

Line: TypeAlias = Annotated[tuple[SettingsPoint, SettingsPoint], AfterValidator(_two_distinct)]
"""Two distinct points, normalised."""
