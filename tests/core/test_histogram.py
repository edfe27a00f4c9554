from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.histogram import BOUNDS_S, Histogram, quantile

DURATIONS = st.lists(st.floats(min_value=0.0, max_value=BOUNDS_S[-1]), min_size=1, max_size=60)


def _of(durations: list[float]) -> dict[str, float]:
    histogram = Histogram()
    for duration in durations:
        histogram.note(duration)
    return histogram.statistics("delay")


def test_statistics_name_the_classes_that_hold_something() -> None:
    assert _of([0.005, 0.01, 0.4, 60.0]) == {"delay/0.01": 2.0, "delay/0.4": 1.0, "delay/inf": 1.0}


def test_of_nothing_there_is_no_quantile() -> None:
    assert quantile([], "delay", 0.95) is None
    assert quantile([_of([])], "delay", 0.95) is None
    assert quantile([_of([1.0])], "other", 0.95) is None


def test_what_is_longer_than_the_last_edge_has_no_end() -> None:
    assert quantile([_of([60.0])], "delay", 0.95) == math.inf


@given(DURATIONS)
def test_a_quantile_lies_in_the_class_of_the_true_one(durations: list[float]) -> None:
    found = quantile([_of(durations)], "delay", 0.95)
    true = sorted(durations)[math.ceil(0.95 * len(durations)) - 1]
    above = next(edge for edge in BOUNDS_S if true <= edge)
    below = max((edge for edge in BOUNDS_S if edge < above), default=0.0)
    assert found is not None
    assert below <= found <= above + 1e-9


@given(DURATIONS, DURATIONS)
def test_several_histograms_count_as_one(first: list[float], second: list[float]) -> None:
    apart = quantile([_of(first), _of(second)], "delay", 0.5)
    assert apart == pytest.approx(quantile([_of([*first, *second])], "delay", 0.5))
