from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import RuleSettings, SiteSettings, VmsSettings, Window
from core.schedules import Schedule, schedule_of

PARIS = "Europe/Paris"
WORKDAYS = ["mon", "tue", "wed", "thu", "fri"]


def window(**fields: Any) -> Window:
    return Window.model_validate(fields)


def paris(text: str, fold: int = 0) -> float:
    """Capture time of what a clock in Paris showed."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(PARIS), fold=fold).timestamp()


def test_without_a_schedule_a_rule_is_always_active() -> None:
    assert Schedule(None, PARIS).is_active(0.0)


@pytest.mark.parametrize(
    ("moment", "active"),
    [
        ("2026-11-20T07:59:59.999", False),
        ("2026-11-20T08:00:00", True),
        ("2026-11-20T17:59:59.999", True),
        ("2026-11-20T18:00:00", False),
        ("2026-11-21T12:00:00", False),
        ("2026-11-23T12:00:00", True),
    ],
)
def test_a_window_holds_from_its_start_to_before_its_end_on_its_days(moment: str, active: bool) -> None:
    schedule = Schedule((window(days=WORKDAYS, **{"from": "08:00", "to": "18:00"}),), PARIS)
    assert schedule.is_active(paris(moment)) is active


@pytest.mark.parametrize(
    ("moment", "active"),
    [
        ("2026-11-20T21:59:59", False),
        ("2026-11-20T22:00:00", True),
        ("2026-11-21T00:00:00", True),
        ("2026-11-21T05:59:59", True),
        ("2026-11-21T06:00:00", False),
        ("2026-11-21T22:30:00", False),
        ("2026-11-20T03:00:00", False),
    ],
)
def test_a_window_past_midnight_belongs_to_the_day_it_starts(moment: str, active: bool) -> None:
    friday_night = Schedule((window(days=["fri"], **{"from": "22:00", "to": "06:00"}),), PARIS)
    assert friday_night.is_active(paris(moment)) is active


def test_sunday_night_runs_into_monday() -> None:
    schedule = Schedule((window(days=["sun"], **{"from": "22:00", "to": "06:00"}),), PARIS)
    assert schedule.is_active(paris("2026-11-23T03:00"))
    assert not schedule.is_active(paris("2026-11-22T03:00"))


@pytest.mark.parametrize("fields", [{}, {"from": "00:00", "to": "24:00"}, {"from": "00:00", "to": "00:00"}])
def test_a_window_from_midnight_to_midnight_is_the_whole_day(fields: dict[str, str]) -> None:
    schedule = Schedule((window(days=["fri"], **fields),), PARIS)
    assert schedule.is_active(paris("2026-11-20T00:00"))
    assert schedule.is_active(paris("2026-11-20T23:59:59"))
    assert not schedule.is_active(paris("2026-11-21T00:00"))
    assert not schedule.is_active(paris("2026-11-19T23:59:59"))


def test_a_window_that_ends_when_it_starts_lasts_a_day() -> None:
    schedule = Schedule((window(days=["fri"], **{"from": "07:00", "to": "07:00"}),), PARIS)
    assert schedule.is_active(paris("2026-11-21T06:59"))
    assert not schedule.is_active(paris("2026-11-21T07:00"))


def test_any_of_several_windows_suffices() -> None:
    schedule = Schedule((window(**{"from": "08:00", "to": "09:00"}), window(**{"from": "20:00", "to": "21:00"})), PARIS)
    assert [schedule.is_active(paris(f"2026-11-20T{hour}:30")) for hour in ("08", "12", "20")] == [True, False, True]


def test_the_windows_follow_the_sites_clock_through_the_year() -> None:
    schedule = Schedule((window(**{"from": "08:00", "to": "09:00"}),), PARIS)
    assert schedule.is_active(datetime(2026, 1, 15, 7, 30, tzinfo=UTC).timestamp())
    assert schedule.is_active(datetime(2026, 7, 15, 6, 30, tzinfo=UTC).timestamp())
    assert not schedule.is_active(datetime(2026, 7, 15, 7, 30, tzinfo=UTC).timestamp())


def minutes_active(schedule: Schedule, start: float, hours: int) -> int:
    return sum(schedule.is_active(start + 60 * minute) for minute in range(60 * hours))


@pytest.mark.parametrize(
    ("evening", "expected_minutes"),
    [("2026-03-28T20:00", 7 * 60), ("2026-10-24T20:00", 9 * 60), ("2026-11-20T20:00", 8 * 60)],
    ids=["clocks go forward", "clocks go back", "any other night"],
)
def test_a_night_lasts_as_long_as_the_clock_says(evening: str, expected_minutes: int) -> None:
    night = Schedule((window(**{"from": "22:00", "to": "06:00"}),), PARIS)
    assert minutes_active(night, paris(evening), 14) == expected_minutes


def test_in_spring_the_missing_hour_is_in_no_window() -> None:
    schedule = Schedule((window(**{"from": "02:00", "to": "03:00"}),), PARIS)
    assert minutes_active(schedule, paris("2026-03-29T00:00"), 12) == 0
    before_and_after = Schedule((window(**{"from": "01:30", "to": "03:30"}),), PARIS)
    assert minutes_active(before_and_after, paris("2026-03-29T00:00"), 12) == 60


def test_in_autumn_the_repeated_hour_is_in_its_windows_both_times() -> None:
    schedule = Schedule((window(**{"from": "02:00", "to": "02:30"}),), PARIS)
    assert schedule.is_active(paris("2026-10-25T02:10", fold=0))
    assert not schedule.is_active(paris("2026-10-25T02:40", fold=0))
    assert schedule.is_active(paris("2026-10-25T02:10", fold=1))
    assert not schedule.is_active(paris("2026-10-25T02:40", fold=1))


def test_the_night_of_the_change_belongs_to_the_day_it_starts() -> None:
    saturday = Schedule((window(days=["sat"], **{"from": "22:00", "to": "06:00"}),), PARIS)
    sunday = Schedule((window(days=["sun"], **{"from": "22:00", "to": "06:00"}),), PARIS)
    for moment in ("2026-03-29T03:30", "2026-10-25T02:30"):
        assert saturday.is_active(paris(moment))
        assert not sunday.is_active(paris(moment))


_times = st.times().map(lambda value: value.replace(microsecond=0))


@given(start=_times, end=_times, utc=st.floats(946_684_800, 2_114_380_800))
def test_a_window_and_its_complement_share_the_day_between_them(start: Any, end: Any, utc: float) -> None:
    one = Schedule((Window.model_validate({"from": start, "to": end}),), PARIS)
    other = Schedule((Window.model_validate({"from": end, "to": start}),), PARIS)
    if start == end:
        assert one.is_active(utc)
    else:
        assert one.is_active(utc) is not other.is_active(utc)


def site_with(schedules: dict[str, Any]) -> SiteSettings:
    vms = VmsSettings.model_validate(
        {"id": "v", "type": "x", "url": "https://a", "username": "u", "password": {"env": "P"}}
    )
    return SiteSettings.model_validate(
        {"version": 1, "site": {"name": "x", "timezone": "Asia/Tokyo"}, "vms": [vms], "schedules": schedules}
    )


def test_a_rule_has_the_schedule_it_names_in_the_time_zone_of_the_site() -> None:
    site = site_with({"matin": [{"from": "08:00", "to": "09:00"}]})
    schedule = schedule_of(site, RuleSettings(id="a", type="x", schedule="matin"))
    tokyo = datetime(2026, 11, 20, 8, 30, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert schedule.is_active(tokyo.timestamp())
    assert not schedule.is_active((tokyo + timedelta(hours=8)).timestamp())
    assert schedule_of(site, RuleSettings(id="b", type="x")).is_active((tokyo + timedelta(hours=8)).timestamp())
