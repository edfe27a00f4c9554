"""Durations counted by how long they were: bounded, mergeable, and their difference over a window is a histogram again."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Final

BOUNDS_S: Final = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.0, 5.0)
"""Upper edges of the classes, in seconds; one more class takes what is longer."""


class Histogram:
    """Counts durations by class. One thread notes, any thread reads."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_S) + 1)

    def note(self, seconds: float) -> None:
        """Counts one duration."""
        self._counts[bisect_left(BOUNDS_S, seconds)] += 1

    def statistics(self, name: str) -> dict[str, float]:
        """``NAME/EDGE`` to how many fell into that class, empty classes left out; the last edge is ``inf``."""
        edges = (*BOUNDS_S, math.inf)
        return {f"{name}/{edge:g}": float(n) for edge, n in zip(edges, tuple(self._counts), strict=True) if n}


def quantile(statistics: Iterable[Mapping[str, float]], name: str, share: float) -> float | None:
    """The duration that ``share`` of all those noted do not exceed, in seconds; None where nothing was noted.

    ``statistics``: those of any number of histograms. Even within a class; ``inf`` where it is beyond the last edge.
    """
    classes = _merged(statistics, f"{name}/")
    wanted = share * sum(classes.values())
    if wanted <= 0:
        return None
    below = reached = 0.0
    for edge in (*BOUNDS_S, math.inf):
        count = classes.get(edge, 0.0)
        if count and reached + count >= wanted:
            return edge if math.isinf(edge) else below + (edge - below) * (wanted - reached) / count
        reached, below = reached + count, edge
    return math.inf


def _merged(statistics: Iterable[Mapping[str, float]], prefix: str) -> dict[float, float]:
    # Names carry the edge as text; the exact edge is looked up again, so that no rounding parts two processes.
    edges = {f"{prefix}{edge:g}": edge for edge in (*BOUNDS_S, math.inf)}
    merged: dict[float, float] = {}
    for values in statistics:
        for name, edge in edges.items():
            merged[edge] = merged.get(edge, 0.0) + values.get(name, 0.0)
    return merged
