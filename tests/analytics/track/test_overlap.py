from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.track.overlap import alike, covered, edges_of, overlap, overlaps, touching

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


@given(boxes, boxes, st.floats(0.0, 0.1))
def test_touching_are_just_the_pairs_that_overlap_when_widened(
    several: list[tuple[float, ...]], others: list[tuple[float, ...]], wider: float
) -> None:
    first, second = (np.array(rows, dtype=float).reshape(-1, 4) for rows in (several, others))
    rows, columns = touching(edges_of(first), edges_of(second), np.full(len(first), wider))
    every = overlaps(first, second, wider / 2)
    apart = np.ones(every.shape, dtype=bool)
    apart[rows, columns] = False
    assert (every[apart] < 1e-12).all()
    assert (np.diff(rows * len(second) + columns) > 0).all()
    pairs = overlap(edges_of(first)[:, rows], edges_of(second)[:, columns], wider)
    assert pairs == pytest.approx(every[rows, columns])


@pytest.mark.parametrize(
    ("other", "share", "expected"),
    [
        ((0.5, 0.5, 0.1, 0.2), 0.99, True),
        ((0.6, 0.5, 0.2, 0.4), 0.49, True),
        ((0.6, 0.5, 0.2, 0.4), 0.51, False),
        ((0.9, 0.9, 0.1, 0.1), 0.0, False),
        ((0.5, 0.5, 0.9, 1.6), 0.0, False),
        ((0.5, 0.5, 0.0, 0.0), 0.0, False),
    ],
    ids=["inside", "half beside", "hardly half beside", "apart", "incomparably larger", "nothing"],
)
def test_covered_is_the_share_of_the_smaller_box(other: tuple[float, ...], share: float, *, expected: bool) -> None:
    assert bool(covered(edges_of(HERE), edges_of(np.array([other])), share)[0, 0]) is expected
