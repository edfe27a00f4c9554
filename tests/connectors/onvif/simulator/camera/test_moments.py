from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.onvif.simulator.camera.moments import duration_s, span_until
from core.clock import iso_utc


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT5S", 5.0),
        ("PT0.5S", 0.5),
        ("PT1M30S", 90.0),
        ("P1DT1H", 90_000.0),
        (" PT1H ", 3600.0),
        ("P", None),
        ("PT", None),
        ("P1Y", None),
        ("P1M", None),
        ("5", None),
        ("", None),
        ("-PT5S", None),
    ],
)
def test_durations_are_read_where_their_length_is_known(text: str, expected: float | None) -> None:
    assert duration_s(text) == expected


@given(st.text(max_size=30))
def test_any_text_is_a_span_or_none(text: str) -> None:
    found = span_until(text, 0.0)
    assert found is None or isinstance(found, float)


@given(st.integers(-3600, 3600))
def test_a_moment_is_a_span_from_now(ahead_s: int) -> None:
    now = 1_700_000_000.0
    assert span_until(iso_utc(now + ahead_s), now) == ahead_s
