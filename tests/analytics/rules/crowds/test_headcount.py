from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.rules.crowds.headcount import headcount
from core.types import Box


def box(left: float, top: float, width: float = 0.1, height: float = 0.3) -> Box:
    return Box(left=left, top=top, right=left + width, bottom=top + height)


def test_people_who_hide_nobody_are_counted_as_they_are() -> None:
    apart = [box(0.12 * column, 0.31 * row) for column in range(8) for row in range(3)]
    assert headcount(apart) == pytest.approx(24.0)


def test_few_people_are_counted_one_by_one_however_close() -> None:
    assert headcount([box(0.02 * index, 0.0) for index in range(11)]) == 11.0


def test_people_who_overlap_hide_others() -> None:
    crowd = [box(0.08 * column, 0.27 * row) for column in range(8) for row in range(3)]
    assert 26.0 < headcount(crowd) < 48.0


@given(st.lists(st.builds(box, st.floats(0.0, 0.9), st.floats(0.0, 0.7)), max_size=60))
def test_nobody_is_taken_away_and_at_most_one_added_for_each(people: list[Box]) -> None:
    assert len(people) - 1e-6 <= headcount(people) <= 2 * len(people) + 1e-6
