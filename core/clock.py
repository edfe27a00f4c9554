"""The time, real or turned by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from core.contracts import Clock
from core.types import UtcSeconds


class SystemClock(Clock):
    """The machine's own clock."""

    def utc(self) -> UtcSeconds:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock(Clock):
    """A clock that tests turn by hand."""

    def __init__(self, utc: UtcSeconds = 1_700_000_000.0) -> None:
        self._utc = utc
        self._monotonic = 0.0

    def utc(self) -> UtcSeconds:
        return self._utc

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Lets time pass on both clocks."""
        self._utc += seconds
        self._monotonic += seconds


def utc_datetime(moment: UtcSeconds) -> datetime:
    """As an aware UTC datetime, rounded to the millisecond (what recorders stamp)."""
    return datetime.fromtimestamp(round(moment, 3), tz=UTC)


def iso_utc(moment: UtcSeconds) -> str:
    """ISO 8601 in UTC with milliseconds and a Z: ``2026-11-20T10:15:30.120Z``."""
    return utc_datetime(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_iso(text: str) -> UtcSeconds:
    """Reads ISO 8601 with any number of fraction digits; a text without offset is UTC."""
    whole, dot, rest = text.strip().replace("Z", "+00:00").partition(".")
    if dot:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        whole = f"{whole}.{digits[:6]:0<6}{rest[len(digits) :]}"
    moment = datetime.fromisoformat(whole)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
