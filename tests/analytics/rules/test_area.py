from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.rules.area import Area
from analytics.rules.geometry import CLEARLY, clearance, contains, ground_point
from core.types import Box, Point, Tick
from tests.analytics.rules.walks import at

SQUARE = ((0.2, 0.2), (0.6, 0.2), (0.6, 0.6), (0.2, 0.6))
ARROW = ((0.0, 0.0), (1.0, 0.0), (0.5, 0.3), (1.0, 1.0), (0.0, 1.0))
coordinates = st.floats(0.0, 1.0, allow_nan=False)
points = st.tuples(coordinates, coordinates)
sizes = st.floats(0.0, 0.5)


def test_distance_from_a_zone_is_zero_inside() -> None:
    box = Box(left=0.65, top=0.2, right=0.75, bottom=0.4)
    assert Area(SQUARE).clearance((0.4, 0.4), box) == 0.0
    assert Area(SQUARE).clearance((0.61, 0.4), box) == pytest.approx(0.1)


def test_the_border_belongs_to_the_zone_for_the_smallest_object_too() -> None:
    speck = Box(left=0.6, top=0.4, right=0.6, bottom=0.4)
    assert Area(SQUARE).clearance((0.6 + 1e-10, 0.4), speck) == 0.0
    assert Area(SQUARE).clearance((0.6 + 1e-8, 0.4), speck) > 0.0


@given(points, sizes, sizes)
def test_what_is_clearly_out_of_a_zone_at_the_first_glance_is_so_at_the_second(
    point: Point, width: float, height: float
) -> None:
    box = Box(left=point[0] - width / 2, top=point[1] - height, right=point[0] + width / 2, bottom=point[1])
    edges = pairwise((*ARROW, ARROW[0]))
    exact = 0.0 if contains(ARROW, point) else min(clearance(point, start, end, box) for start, end in edges)
    seen = Area(ARROW).clearance(point, box)
    assert seen == pytest.approx(exact) if exact < CLEARLY else seen >= CLEARLY


@given(st.lists(st.tuples(points, sizes, sizes), max_size=8))
def test_many_are_as_far_away_together_as_each_by_itself(objects: list[tuple[Point, float, float]]) -> None:
    tracks = tuple(at(place, width=width, height=height) for place, width, height in objects)
    area = Area(SQUARE)
    alone = [area.clearance(ground_point(track.box), track.box) for track in tracks]
    assert area(Tick(captured_at=0.0, tracks=tracks)) == alone


def test_what_is_far_away_is_infinitely_far() -> None:
    assert Area(SQUARE)(Tick(captured_at=0.0, tracks=(at((0.9, 0.9)), at((0.4, 0.4), track_id=2)))) == [math.inf, 0.0]


def test_rules_for_the_same_zone_share_their_answers() -> None:
    tick = Tick(captured_at=0.0, tracks=(at((0.4, 0.4)),))
    assert tick.once(Area(SQUARE)) is tick.once(Area(SQUARE))
    assert tick.once(Area(SQUARE)) is not tick.once(Area(ARROW))
