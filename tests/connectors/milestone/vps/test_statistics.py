from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.milestone.vps.statistics import LagHistogram, VpsStatistics


def histogram(*lags_s: float) -> LagHistogram:
    made = LagHistogram()
    for lag_s in lags_s:
        made.add(lag_s)
    return made


def test_of_nothing_there_is_no_percentile() -> None:
    assert histogram().percentile(0.5) is None
    assert histogram().as_json() == {"count": 0, "p50": None, "p95": None, "p99": None, "max": None}


@given(st.lists(st.floats(min_value=0.0005, max_value=100.0), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_at_most_five_percent_too_high(lags_s: list[float], share: float) -> None:
    exact = next(lag for rank, lag in enumerate(sorted(lags_s), 1) if rank >= share * len(lags_s))
    found = histogram(*lags_s).percentile(share)
    assert found is not None
    assert exact <= found <= min(exact * 1.0501, max(lags_s))


@pytest.mark.parametrize("lag_s", [-3.0, 0.0])
def test_a_recorders_clock_ahead_of_ours_counts_as_no_lag(lag_s: float) -> None:
    assert histogram(lag_s, lag_s).percentile(0.5) == 0.0


def test_a_lag_beyond_all_bounds_is_the_greatest_seen() -> None:
    assert histogram(1e6).percentile(0.99) == 1e6


def test_several_cameras_add_up() -> None:
    both = histogram(0.1, 0.1)
    both.include(histogram(0.5))
    assert (both.count, both.max_s, both.percentile(1.0)) == (3, 0.5, 0.5)


def test_the_report_is_json_in_milliseconds() -> None:
    statistics = VpsStatistics(frames_in=3)
    statistics.capture_to_sent.add(0.25)
    document = json.loads(json.dumps(statistics.as_json()))
    assert document["frames_in"] == 3
    assert document["capture_to_sent_ms"] == {"count": 1, "p50": 250.0, "p95": 250.0, "p99": 250.0, "max": 250.0}
