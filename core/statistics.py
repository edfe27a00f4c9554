"""A share with its interval: small samples said honestly."""

from __future__ import annotations

import math
from typing import NamedTuple

_Z = 1.959963984540054
"""Quantile of the standard normal distribution for 95 %, two-sided."""


class Range(NamedTuple):
    """A 95 % interval."""

    low: float
    high: float


def wilson(successes: int, trials: int) -> Range | None:
    """Wilson's score interval of a share; None without any trial.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    if trials <= 0:
        return None
    share, z2 = successes / trials, _Z * _Z
    centre = share + z2 / (2 * trials)
    spread = _Z * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    scale = 1 + z2 / trials
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == trials else (centre + spread) / scale
    return Range(low, high)
