from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.protocols.rtsp.clock_range import clock_time, parse_clock_range

QUARTER_PAST_TEN = 1_795_169_700.0


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        pytest.param("clock=20261120T101500Z-20261120T102000Z", 0.0, 300.0, id="closed"),
        pytest.param("clock=20261120T101500Z-", 0.0, math.inf, id="open"),
        pytest.param("clock=20261120T101500.25Z-20261120T101500.5Z", 0.25, 0.5, id="fractions"),
        pytest.param(" Clock = 20261120t101500z - ;time=20261120T000000Z", 0.0, math.inf, id="as loose as RFC 2326"),
    ],
)
def test_an_interval_of_the_clock_is_read(text: str, begin: float, end: float) -> None:
    assert parse_clock_range(text) == (QUARTER_PAST_TEN + begin, QUARTER_PAST_TEN + end)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "npt=0-",
        "clock=",
        "clock=-20261120T101500Z",
        "clock=20261320T101500Z-",
        "clock=20261120T101500-",
        "clock=٢-",
    ],
)
def test_what_is_no_interval_of_the_clock_is_told(text: str) -> None:
    assert parse_clock_range(text) is None


@given(st.text(max_size=60) | st.from_regex(r"clock=\d{8}T\d{6}Z-.{0,20}"))
def test_any_text_is_read_or_told(text: str) -> None:
    found = parse_clock_range(text)
    assert found is None or len(found) == 2


@given(st.integers(0, 4_000_000_000_000))
def test_what_is_written_is_read(milliseconds: int) -> None:
    found = parse_clock_range(f"clock={clock_time(milliseconds / 1000)}-")
    assert found
    assert found[0] == pytest.approx(milliseconds / 1000, abs=1e-6)
