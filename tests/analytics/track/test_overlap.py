from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.track.overlap import alike, overlaps

HERE = np.array([[0.5, 0.5, 0.2, 0.4]])


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((0.5, 0.5, 0.2, 0.4), 1.0),
        ((0.6, 0.5, 0.2, 0.4), 1 / 3),
        ((0.5, 0.5, 0.1, 0.2), 0.25),
        ((0.7, 0.5, 0.2, 0.4), 0.0),
        ((0.9, 0.9, 0.1, 0.1), 0.0),
    ],
)
def test_overlap_is_intersection_over_union(other: tuple[float, ...], expected: float) -> None:
    assert overlaps(HERE, np.array([other]))[0, 0] == pytest.approx(expected)


def test_every_box_is_compared_with_every_other() -> None:
    first, second = np.tile(HERE, (3, 1)), np.concatenate([HERE, HERE + 9])
    assert overlaps(first, second) == pytest.approx(np.array([[1, 0]] * 3))
    assert overlaps(first, np.empty((0, 4))).shape == (3, 0)


def test_a_margin_lets_neighbours_that_do_not_touch_overlap() -> None:
    beside = np.array([[0.75, 0.5, 0.2, 0.4]])
    assert overlaps(HERE, beside)[0, 0] == 0
    assert overlaps(HERE, beside, 0.1)[0, 0] > 0
    assert overlaps(HERE, beside, np.array([[0.1]]))[0, 0] == overlaps(HERE, beside, 0.1)[0, 0]


def test_boxes_without_an_area_overlap_nothing() -> None:
    point = np.array([[0.5, 0.5, 0.0, 0.0]])
    assert overlaps(point, point)[0, 0] == 0


boxes = st.lists(
    st.tuples(st.floats(0.4, 0.6), st.floats(0.4, 0.6), st.floats(0.05, 0.2), st.floats(0.05, 0.2)), max_size=8
)


@given(boxes, st.floats(0.3, 0.95))
def test_alike_are_just_the_pairs_that_overlap_by_more(several: list[tuple[float, ...]], least: float) -> None:
    rows = np.array(several, dtype=float).reshape(-1, 4)
    pairs = np.argwhere(np.triu(overlaps(rows, rows) > least, k=1)).tolist()
    assert [list(pair) for pair in alike(rows, least)] == pairs
