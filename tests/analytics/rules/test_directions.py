from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.rules.directions import Cone, shift_in_sizes
from core.types import Box, Point
from tests.analytics.rules.walks import HEIGHT, WIDTH, at

RIGHT: Point = (1.0, 0.0)


def box(x: float, y: float) -> Box:
    return at((x, y)).box


def cone(max_angle_deg: float = 90.0, expected: Point = RIGHT, aspect: float = 1.0) -> Cone:
    return Cone(expected, math.radians(max_angle_deg), aspect)


@pytest.mark.parametrize(
    ("max_angle_deg", "shift", "sizes"),
    [
        (90.0, (0.1, 0.0), 0.0),
        (90.0, (0.0, 0.2), 0.0),
        (90.0, (-WIDTH, 0.0), 1.0),
        (90.0, (-2 * WIDTH, 3 * HEIGHT), 2.0),
        (45.0, (-WIDTH, 0.0), 1.0),
        (120.0, (-0.01, 0.1), 0.0),
        (0.001, (0.0, HEIGHT), 1.0),
    ],
    ids=["with", "across", "against", "against and across", "narrow", "wide", "any but one"],
)
def test_a_deviation_is_the_way_back_to_an_allowed_movement_in_sizes(
    max_angle_deg: float, shift: Point, sizes: float
) -> None:
    moved = cone(max_angle_deg).deviation(box(0.5, 0.5), box(0.5 + shift[0], 0.5 + shift[1]))
    assert moved == pytest.approx(sizes, abs=1e-3)


def test_no_movement_deviates_from_nothing() -> None:
    assert cone(1.0).deviation(box(0.5, 0.5), box(0.5, 0.5)) == 0.0


def test_angles_are_those_that_people_see_in_a_wide_picture() -> None:
    assert math.degrees(cone(aspect=2.0).angle_of((0.1, 0.2))) == pytest.approx(45.0)


shifts = st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))


@given(shifts, shifts, st.floats(5.0, 175.0))
def test_a_misplaced_box_changes_the_deviation_by_no_more_than_it_is_misplaced(
    shift: Point, error: Point, max_angle_deg: float
) -> None:
    true = cone(max_angle_deg).deviation(box(0.5, 0.5), box(0.5 + shift[0], 0.5 + shift[1]))
    seen = cone(max_angle_deg).deviation(box(0.5, 0.5), box(0.5 + shift[0] + error[0], 0.5 + shift[1] + error[1]))
    assert abs(seen - true) <= math.hypot(error[0] / WIDTH, error[1] / HEIGHT) + 1e-6


places = st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0))


@given(st.lists(places, min_size=1, max_size=5), places, st.floats(5.0, 175.0), st.floats(0.1, 2.0))
def test_what_deviates_by_so_many_sizes_leads_out_at_the_first_glance(
    starts: list[Point], end: Point, max_angle_deg: float, sizes: float
) -> None:
    watched, after = cone(max_angle_deg, expected=(0.6, -0.3), aspect=1.5), box(*end)
    advanced = watched.beside(watched.advanced(after, sizes))
    leads_out = [watched.may_lead_out(watched.beside(start), advanced) for start in starts]
    for start, may in zip(starts, leads_out, strict=True):
        assert may or watched.deviation(box(*start), after) < sizes
    firsts, seconds = zip(*map(watched.beside, starts), strict=True)
    assert watched.may_lead_out((min(firsts), max(seconds)), advanced) >= any(leads_out)


def test_an_allowed_movement_does_not_lead_out_at_the_first_glance() -> None:
    watched = cone()
    ahead = watched.beside(watched.advanced(box(0.6, 0.5), 0.75))
    assert not watched.may_lead_out(watched.beside((0.5, 0.5)), ahead)
    assert watched.may_lead_out(watched.beside((0.9, 0.5)), ahead)


@given(shifts, st.floats(5.0, 175.0))
def test_nothing_deviates_by_more_than_it_goes(shift: Point, max_angle_deg: float) -> None:
    before, after = box(0.5, 0.5), box(0.5 + shift[0], 0.5 + shift[1])
    assert cone(max_angle_deg).deviation(before, after) <= shift_in_sizes(before, after) + 1e-9


def test_a_shift_is_told_in_the_mean_size_of_both_boxes() -> None:
    before = Box(left=0.1, top=0.1, right=0.2, bottom=0.3)
    after = Box(left=0.2, top=0.2, right=0.5, bottom=0.6)
    assert shift_in_sizes(before, after) == pytest.approx(math.hypot(0.2 / 0.2, 0.3 / 0.3))
