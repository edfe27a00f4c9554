"""Durations and moments as XML Schema writes them."""

from __future__ import annotations

import re

from core.clock import parse_iso
from core.types import UtcSeconds

_DURATION = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_UNITS = {"days": 86_400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}


def duration_s(text: str) -> float | None:
    """An ``xs:duration`` in seconds; None for what is none, or counts months or years, whose length nobody knows."""
    found = _DURATION.fullmatch(text.strip())
    if found is None or text.strip().endswith(("P", "T")):
        return None
    return sum(float(found[unit] or 0) * length_s for unit, length_s in _UNITS.items())


def span_until(text: str, now: UtcSeconds) -> float | None:
    """A ``wsnt:AbsoluteOrRelativeTimeType`` as seconds from now, negative in the past; None for what is neither."""
    if text.strip().startswith("P"):
        return duration_s(text)
    try:
        return parse_iso(text) - now
    except ValueError:
        return None
