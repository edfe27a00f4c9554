from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import ManualClock, SystemClock, iso_utc, parse_iso, utc_datetime


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(utc=100.0)
    assert (clock.utc(), clock.monotonic()) == (100.0, 0.0)
    clock.advance(2.5)
    assert (clock.utc(), clock.monotonic()) == (102.5, 2.5)


def test_the_system_clock_tells_utc_and_never_goes_back() -> None:
    clock = SystemClock()
    first = clock.monotonic()
    assert abs(clock.utc() - datetime.now(tz=UTC).timestamp()) < 5
    assert clock.monotonic() >= first


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_795_169_730.12, "2026-11-20T10:15:30.120Z"),
        (1_795_169_730.1204, "2026-11-20T10:15:30.120Z"),
        (1_795_169_729.9996, "2026-11-20T10:15:30.000Z"),
    ],
)
def test_moments_are_written_in_utc_to_the_millisecond(moment: float, text: str) -> None:
    assert iso_utc(moment) == text
    assert utc_datetime(moment).utcoffset() is not None


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T10:15:30.120Z",
        "2026-11-20T10:15:30.12Z",
        "2026-11-20T10:15:30.1200000Z",
        "2026-11-20T10:15:30.120",
        " 2026-11-20T11:15:30.120+01:00 ",
        "2026-11-20T11:15:30.1200000+01:00",
    ],
)
def test_the_ways_in_which_a_vms_writes_one_moment_are_read_alike(text: str) -> None:
    assert parse_iso(text) == pytest.approx(1_795_169_730.12, abs=1e-6)


def test_a_moment_without_fraction_is_read() -> None:
    assert parse_iso("2026-11-20T10:15:30Z") == 1_795_169_730.0


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|month"):
        parse_iso(text)


@given(st.integers(0, 4_000_000_000_000))
def test_what_is_written_is_read_back_to_the_millisecond(milliseconds: int) -> None:
    assert round(parse_iso(iso_utc(milliseconds / 1000)) * 1000) == milliseconds
