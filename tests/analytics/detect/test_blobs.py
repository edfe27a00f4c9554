from __future__ import annotations

import numpy as np
import pytest

from analytics.detect.background import Difference
from analytics.detect.blobs import Shape, find_shapes

Rectangle = tuple[int, int, int, int]
"""Left, top, right, bottom."""


def shapes(*rectangles: Rectangle, edges: int = 80, person: float | None = None) -> list[Shape]:
    moving = np.zeros((200, 300), np.uint8)
    for left, top, right, bottom in rectangles:
        moving[top:bottom, left:right] = 1
    return find_shapes(Difference(moving, np.full(moving.shape, edges, np.int16)), lambda _: person)


def boxes(found: list[Shape]) -> list[Rectangle]:
    return sorted((shape.blob.left, shape.blob.top, shape.blob.right, shape.blob.bottom) for shape in found)


def test_separate_regions_are_separate_shapes() -> None:
    assert boxes(shapes((20, 50, 40, 100), (150, 50, 170, 100))) == [(20, 50, 40, 100), (150, 50, 170, 100)]


@pytest.mark.parametrize("person", [None, 70.0])
def test_head_trunk_and_legs_are_one_shape(person: float | None) -> None:
    pieces = ((26, 40, 34, 50), (20, 53, 40, 85), (22, 88, 38, 110))
    assert boxes(shapes(*pieces, person=person)) == [(20, 40, 40, 110)]


def test_an_arm_at_the_side_belongs_to_the_body() -> None:
    assert boxes(shapes((20, 40, 50, 120), (52, 55, 60, 75))) == [(20, 40, 60, 120)]


def test_two_people_of_whom_one_stands_behind_stay_two_where_their_size_is_known() -> None:
    near, far = (20, 60, 40, 120), (22, 10, 38, 58)
    assert boxes(shapes(near, far, person=60.0)) == [near[:4], far[:4]]


@pytest.mark.parametrize(
    ("rectangle", "person"), [((20, 50, 25, 54), None), ((20, 50, 26, 56), None), ((20, 50, 30, 70), 80.0)]
)
def test_specks_are_nothing(rectangle: Rectangle, person: float | None) -> None:
    assert shapes(rectangle, person=person) == []


def test_a_patch_of_light_without_outline_is_nothing() -> None:
    assert shapes((20, 50, 60, 120), edges=3) == []


def test_the_hole_that_something_left_is_nothing() -> None:
    assert shapes((20, 50, 60, 120), edges=-80) == []


def test_a_restless_picture_does_not_take_long() -> None:
    specks = [(x, y, x + 6, y + 9) for x in range(0, 290, 9) for y in range(0, 185, 12)]
    assert len(shapes(*specks)) <= 80
