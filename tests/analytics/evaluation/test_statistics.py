from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.evaluation.statistics import f1, f1_range, percentile, ratio


def test_nothing_is_said_of_nothing() -> None:
    assert f1_range(0, 0, 0) is None
    assert ratio(3, 0) is None
    assert percentile([], 0.5) is None


@pytest.mark.parametrize(
    ("precision", "recall", "expected"),
    [
        (1.0, 1.0, 1.0),
        (0.5, 1.0, 2 / 3),
        (None, 0.0, 0.0),
        (0.0, None, 0.0),
        (0.0, 0.0, 0.0),
        (None, None, None),
        (None, 1.0, None),
        (1.0, None, None),
    ],
)
def test_f1_is_the_harmonic_mean(precision: float | None, recall: float | None, expected: float | None) -> None:
    assert f1(precision, recall) == (None if expected is None else pytest.approx(expected))


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_f1_lies_in_its_interval(tp: int, fp: int, fn: int) -> None:
    bounds = f1_range(tp, fp, fn)
    if bounds is None:
        assert tp + fp + fn == 0
        return
    value = 2 * tp / (2 * tp + fp + fn)
    assert 0.0 <= bounds.low <= value + 1e-12
    assert value - 1e-12 <= bounds.high <= 1.0


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([3.0], 0.95, 3.0), ([1.0, 2.0], 0.5, 1.5), ([4.0, 1.0, 3.0, 2.0, 0.0], 0.95, 3.8), ([2.0, 1.0, 9.0], 0.5, 2.0)],
)
def test_percentiles_lie_linearly_between_values(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == pytest.approx(expected)
