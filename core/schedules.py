"""When a rule is active, on the site's own clock.

A window is what a person reads on the clock of the site: on the night when clocks go forward the missing hour is in no
window; on the night when they go back the hour that comes twice is in its windows both times.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from config.model import Day, RuleSettings, SiteSettings, Window
from core.types import UtcSeconds

_DAYS = tuple(Day)
_A_DAY = timedelta(days=1)


class Schedule:
    """Windows of a week in a time zone; ``None`` instead of windows is always active."""

    def __init__(self, windows: tuple[Window, ...] | None, timezone: str) -> None:
        self._windows = windows
        self._zone = ZoneInfo(timezone)

    def is_active(self, utc_seconds: UtcSeconds) -> bool:
        """Whether that moment lies in a window. A window past midnight belongs to the day on which it starts."""
        if self._windows is None:
            return True
        local = datetime.fromtimestamp(utc_seconds, self._zone)
        return any(_contains(window, local) for window in self._windows)


def schedule_of(site: SiteSettings, rule: RuleSettings) -> Schedule:
    """The schedule that a rule names; always when it names none."""
    windows = None if rule.schedule is None else site.schedules[rule.schedule]
    return Schedule(windows, site.site.timezone)


def _contains(window: Window, local: datetime) -> bool:
    clock = local.time()
    starts_today = _DAYS[local.weekday()] in window.days
    if window.from_ < window.to:
        return starts_today and window.from_ <= clock < window.to
    started_yesterday = _DAYS[(local - _A_DAY).weekday()] in window.days
    return (starts_today and clock >= window.from_) or (started_yesterday and clock < window.to)
