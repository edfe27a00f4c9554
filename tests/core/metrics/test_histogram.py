from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.metrics.histogram import LATENCY_BOUNDS_S, LatencyHistogram
from core.metrics.latency import LatencyBook


@pytest.mark.parametrize(
    ("value", "counts"),
    [
        (0.0, (1, 0, 0)),
        (1.0, (1, 0, 0)),  # a bound belongs to its bucket
        (1.5, (0, 1, 0)),
        (2.0, (0, 1, 0)),
        (2.1, (0, 0, 1)),
        (1e9, (0, 0, 1)),
    ],
)
def test_a_value_falls_into_the_first_bucket_that_holds_it(value: float, counts: tuple[int, ...]) -> None:
    histogram = LatencyHistogram((1.0, 2.0))
    histogram.observe(value)
    assert histogram.read().counts == counts
    assert histogram.read().sum == value


def test_a_recorder_whose_clock_is_ahead_does_not_make_the_sum_fall() -> None:
    histogram = LatencyHistogram((1.0,))
    histogram.observe(5.0)
    histogram.observe(-3.0)
    assert histogram.read().sum == 5.0
    assert histogram.read().counts == (1, 1)


@given(st.lists(st.floats(min_value=-10, max_value=1e6)))
def test_every_value_is_counted_once(values: list[float]) -> None:
    histogram = LatencyHistogram()
    for value in values:
        histogram.observe(value)
    reading = histogram.read()
    assert reading.count == len(values)
    assert len(reading.counts) == len(LATENCY_BOUNDS_S) + 1
    for bound, below in zip(reading.bounds, range(1, len(reading.counts)), strict=True):
        assert sum(reading.counts[:below]) == sum(value <= bound for value in values)


def test_the_bounds_ascend() -> None:
    assert sorted(set(LATENCY_BOUNDS_S)) == list(LATENCY_BOUNDS_S)


def test_threads_lose_no_count() -> None:
    histogram = LatencyHistogram((1.0,))

    def observe() -> None:
        for _ in range(2_000):
            histogram.observe(0.5)

    threads = [threading.Thread(target=observe) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10.0)
    assert histogram.read().counts == (8_000, 0)
    assert histogram.read().sum == 4_000.0


def test_each_action_has_its_own_latency_and_an_alert_whose_storing_is_unknown_counts_by_capture_only() -> None:
    book = LatencyBook()
    book.accepted("event", 100.0, captured_at=98.0, stored_at=99.5)
    book.accepted("alarm", 100.0, captured_at=99.0, stored_at=None)
    readings = book.read()
    assert set(readings) == {"event", "alarm"}
    assert (readings["event"].since_capture.sum, readings["event"].since_alert.sum) == (2.0, 0.5)
    assert (readings["alarm"].since_capture.count, readings["alarm"].since_alert.count) == (1, 0)
