"""How long to wait before the next attempt of one delivery."""

from __future__ import annotations

import random
from dataclasses import dataclass

_STEEPEST = 64
"""Exponent beyond which every sensible factor has long reached its cap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential back-off with a cap, spread by a share of itself so that many do not return at once."""

    first_s: float = 1.0
    factor: float = 2.0
    cap_s: float = 300.0
    jitter: float = 0.2

    def delay(self, attempt: int, rng: random.Random) -> float:
        """Seconds to wait after attempt number ``attempt`` (1 is the first)."""
        grown = self.first_s * self.factor ** min(attempt - 1, _STEEPEST)
        return min(grown, self.cap_s) * rng.uniform(1 - self.jitter, 1 + self.jitter)

    @property
    def longest_s(self) -> float:
        """No delay is longer."""
        return self.cap_s * (1 + self.jitter)
