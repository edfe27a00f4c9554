"""Shares with their intervals, F1, percentiles: small samples said honestly. None where nothing can be said."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.statistics import Range, wilson


def ratio(part: float, whole: float) -> float | None:
    """Their quotient; None where there is nothing to divide by."""
    return part / whole if whole > 0 else None


def f1(precision: float | None, recall: float | None) -> float | None:
    """Harmonic mean. Nothing right is 0 even where one of the two cannot be told."""
    if precision == 0.0 or recall == 0.0:
        return 0.0
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall)


def f1_range(tp: int, fp: int, fn: int) -> Range | None:
    """Interval of F1 = 2 tp / (2 tp + fp + fn).

    F1 is 2 j / (1 + j) of the share j = tp / (tp + fp + fn) and rises with it, so Wilson's bounds of j carry over.
    """
    share = wilson(tp, tp + fp + fn)
    return None if share is None else Range(*(2 * bound / (1 + bound) for bound in share))


def percentile(values: Sequence[float], share: float) -> float | None:
    """Value below which that share (0..1) of the values lies, linear between two of them."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
