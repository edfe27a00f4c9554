from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.statistics import wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)],
)
def test_the_interval_is_that_of_the_tables(successes: int, trials: int, low: float, high: float) -> None:
    interval = wilson(successes, trials)
    assert interval is not None
    assert interval == pytest.approx((low, high), abs=5e-5)


def test_nothing_is_said_of_no_trial() -> None:
    assert wilson(0, 0) is None


@given(st.integers(1, 5000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_the_share_lies_within_its_interval(sample: tuple[int, int]) -> None:
    interval = wilson(*sample)
    assert interval is not None
    assert 0.0 <= interval.low <= sample[0] / sample[1] <= interval.high <= 1.0
