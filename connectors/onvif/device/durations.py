"""Time spans as requests write them: ``xs:duration``, or a moment (``wsnt:AbsoluteOrRelativeTimeType``)."""

from __future__ import annotations

import re
from typing import Final

from core.clock import parse_iso
from core.types import UtcSeconds

_DURATION: Final = re.compile(
    r"(?P<sign>-?)P(?=.)(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})D)?"
    r"(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d*)?)S)?)?",
    re.ASCII,
)
_SECONDS: Final = (365 * 86_400, 30 * 86_400, 86_400, 3_600, 60, 1)
"""Of a year (365 days), a month (30 days), a day, an hour, a minute and a second."""


def parse_duration(text: str) -> float:
    """Seconds of an ``xs:duration``, negative ones too. Raises ``ValueError``."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:64]!r} is no duration such as PT60S")
    seconds = sum(float(part or 0) * unit for part, unit in zip(found.groups()[1:], _SECONDS, strict=True))
    return -seconds if found["sign"] else seconds


def parse_termination(text: str, now: UtcSeconds) -> float:
    """Seconds from now to a termination time, relative or absolute. Raises ``ValueError``."""
    if re.match(r"\s*-?P", text):
        return parse_duration(text)
    try:
        return parse_iso(text) - now
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:64]!r} is neither a time nor a duration") from error
