from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analytics.rules.geometry import (
    clearance,
    contains,
    crossing,
    ground_point,
    is_right_of,
    overlap,
    share_covered,
)
from core.types import Box, Point

SQUARE = ((0.2, 0.2), (0.6, 0.2), (0.6, 0.6), (0.2, 0.6))
ARROW = ((0.0, 0.0), (1.0, 0.0), (0.5, 0.3), (1.0, 1.0), (0.0, 1.0))
coordinates = st.floats(0.0, 1.0, allow_nan=False)
points = st.tuples(coordinates, coordinates)
sizes = st.floats(0.0, 0.5)


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ((0.4, 0.4), True),
        ((0.2, 0.4), True),
        ((0.6, 0.6), True),
        ((0.4, 0.6), True),
        ((0.61, 0.4), False),
        ((0.4, 0.19), False),
        ((0.1, 0.2), False),
        ((0.7, 0.6), False),
    ],
)
def test_the_border_of_a_zone_belongs_to_it(point: Point, expected: bool) -> None:
    assert contains(SQUARE, point) is expected


@pytest.mark.parametrize(("point", "expected"), [((0.4, 0.3), True), ((0.9, 0.3), False), ((0.9, 0.05), True)])
def test_a_zone_may_be_hollow(point: Point, expected: bool) -> None:
    assert contains(ARROW, point) is expected


@given(points)
def test_a_zone_and_its_mirror_image_contain_mirrored_points(point: Point) -> None:
    mirrored = tuple((1.0 - x, y) for x, y in SQUARE)
    assume(min(abs(point[0] - x) for x in (0.2, 0.6)) > 1e-6)
    assert contains(SQUARE, point) == contains(mirrored, (1.0 - point[0], point[1]))


@given(points)
def test_the_order_of_corners_does_not_matter(point: Point) -> None:
    assert contains(ARROW, point) == contains(ARROW[::-1], point) == contains((*ARROW[2:], *ARROW[:2]), point)


def test_right_is_where_the_right_hand_is_of_one_who_looks_along_the_line() -> None:
    assert is_right_of((0.5, 0.9), (0.0, 0.5), (1.0, 0.5))
    assert not is_right_of((0.5, 0.1), (0.0, 0.5), (1.0, 0.5))
    assert not is_right_of((0.9, 0.5), (0.5, 0.0), (0.5, 1.0))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((0.5, 0.4), (0.5, 0.6), 0.5),
        ((0.5, 0.45), (0.5, 0.65), 0.25),
        ((0.3, 0.4), (0.3, 0.6), 0.5),
        ((0.29, 0.4), (0.29, 0.6), None),
        ((0.5, 0.4), (0.5, 0.45), None),
        ((0.5, 0.5), (0.5, 0.6), None),
        ((0.5, 0.4), (0.5, 0.5), 1.0),
    ],
)
def test_a_step_passes_through_the_segment_or_not(before: Point, after: Point, expected: float | None) -> None:
    share = crossing(before, after, (0.3, 0.5), (0.7, 0.5))
    assert share == (None if expected is None else pytest.approx(expected))


@given(points, points, points)
def test_a_step_and_its_parts_pass_as_often(before: Point, between: Point, after: Point) -> None:
    line = (0.3, 0.5), (0.7, 0.5)

    def net(start: Point, end: Point) -> int:
        if crossing(start, end, (-9.0, 0.5), (9.0, 0.5)) is None:
            return 0
        return 1 if is_right_of(end, *line) else -1

    assert net(before, between) + net(between, after) == net(before, after)


def test_distance_is_told_in_the_size_of_the_object() -> None:
    line = (0.5, 0.0), (0.5, 0.9)
    small = Box(left=0.55, top=0.3, right=0.65, bottom=0.5)
    large = Box(left=0.5, top=0.1, right=0.7, bottom=0.5)
    assert clearance(small.ground_point, *line, small) == pytest.approx(1.0)
    assert clearance(large.ground_point, *line, large) == pytest.approx(0.5)


def test_no_height_is_too_small_to_tell_for_a_box_that_the_lower_edge_cuts() -> None:
    cut = Box(left=0.4, top=0.5, right=0.6, bottom=1.0)
    whole = Box(left=0.4, top=0.48, right=0.6, bottom=0.98)
    assert clearance(cut.ground_point, (0.0, 0.97), (1.0, 0.97), cut) > 1.0
    assert clearance(whole.ground_point, (0.0, 0.97), (1.0, 0.97), whole) < 0.1


def test_ground_points_stay_in_the_picture() -> None:
    assert ground_point(Box(left=0.9, top=0.8, right=1.2, bottom=1.3)) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (Box(left=0.2, top=0.2, right=0.4, bottom=0.6), 1.0),
        (Box(left=0.25, top=0.3, right=0.3, bottom=0.4), 1.0),
        (Box(left=0.3, top=0.2, right=0.5, bottom=0.6), 0.5),
        (Box(left=0.5, top=0.2, right=0.6, bottom=0.6), 0.0),
        (Box(left=0.3, top=0.3, right=0.3, bottom=0.3), 0.0),
    ],
)
def test_overlap_is_the_share_of_the_smaller_box(second: Box, expected: float) -> None:
    first = Box(left=0.2, top=0.2, right=0.4, bottom=0.6)
    assert overlap(first, second) == pytest.approx(expected)
    assert overlap(second, first) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(left=0.1, top=0.1, right=0.3, bottom=0.3), 1.0),
        (Box(left=0.1, top=0.1, right=0.9, bottom=0.5), 0.5),
        (Box(left=0.6, top=0.1, right=0.9, bottom=0.5), 0.0),
        (Box(left=0.2, top=0.2, right=0.2, bottom=0.4), 0.0),
    ],
)
def test_of_a_box_the_share_that_another_one_covers(box: Box, expected: float) -> None:
    assert share_covered(box, Box(left=0.1, top=0.1, right=0.5, bottom=0.5)) == pytest.approx(expected)
