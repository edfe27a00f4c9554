"""A histogram of seconds with fixed buckets: what it costs does not grow with what it has seen."""

from __future__ import annotations

import threading
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

LATENCY_BOUNDS_S: Final = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Upper bounds: fine where operators feel a delay, coarse where a VMS was away."""


@dataclass(frozen=True, slots=True)
class HistogramReading:
    """What a histogram held at one instant. ``counts`` has one entry more than ``bounds``: what is above them all."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float | None
    """Of all values; None where whoever counted did not add them up."""

    @property
    def count(self) -> int:
        """How many values were observed."""
        return sum(self.counts)


class LatencyHistogram:
    """Counts values, each in the first bucket whose bound is not below it. Safe from any thread."""

    def __init__(self, bounds: tuple[float, ...] = LATENCY_BOUNDS_S) -> None:
        """``bounds`` ascend."""
        self._bounds = bounds
        self._lock = threading.Lock()
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Counts a value; one below zero counts as zero, so that the sum never falls (clocks differ, and are set)."""
        value = max(value, 0.0)
        with self._lock:
            self._counts[bisect_left(self._bounds, value)] += 1
            self._sum += value

    def read(self) -> HistogramReading:
        """What it holds now."""
        with self._lock:
            return HistogramReading(self._bounds, tuple(self._counts), self._sum)
