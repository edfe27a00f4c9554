"""Moments and intervals of the clock, as ``Range`` writes them (RFC 2326 §3.7): ``clock=20261120T101500.25Z-``."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Final

from core.clock import iso_utc
from core.types import UtcSeconds

_MOMENT: Final = r"(\d{8}T\d{6})(\.\d{1,9})?Z"
_SPAN: Final = re.compile(rf"\s*clock\s*=\s*{_MOMENT}\s*-\s*(?:{_MOMENT})?\s*(?:;.*)?", re.IGNORECASE | re.ASCII)


def clock_time(moment: UtcSeconds) -> str:
    """With milliseconds: ``20261120T101500.250Z``."""
    return iso_utc(moment).translate(str.maketrans("", "", "-:"))


def parse_clock_range(text: str) -> tuple[UtcSeconds, UtcSeconds] | None:
    """Begin and end, infinite where it is open; None for what is no interval of the clock."""
    found = _SPAN.fullmatch(text)
    if not found:
        return None
    try:
        begin = _moment(found[1], found[2])
        end = _moment(found[3], found[4]) if found[3] else math.inf
    except ValueError:  # a 13th month
        return None
    return begin, end


def _moment(whole: str, fraction: str | None) -> UtcSeconds:
    return datetime.strptime(whole, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp() + float(fraction or 0.0)
