"""What an endless loop must raise, learnt from what it raised: alerts come at the same moments of every loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from core.types import UtcSeconds

LOOP_S = 24.0
"""Length of the simulators' scene."""

SPREAD_S = 0.9
"""Alerts of one moment of the loop are so close together: a few analysed pictures."""

LEAST_SHARE = 0.3
"""Of the loops in which a moment must have raised an alert to count as one."""

SETTLING_S = 6.0
"""A tracker that begins anew needs to see an object on both sides of a line, or for its whole dwell time; and to a motion
detector that begins anew, what stands there already is background for 2.5 s."""

LEARNING_S = LOOP_S
"""A motion detector that begins while somebody stands in the picture takes him for background; that is what it sees less of
when somebody comes to the same place a loop later: late by seconds, or not at all. After that it knows the scene."""

Span: TypeAlias = tuple[UtcSeconds, UtcSeconds]
Place: TypeAlias = tuple[str, str]
"""Camera and rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """How what was raised compares with what the loop holds."""

    expected: int
    """Alerts due while their camera was watched without a break, by a detector that knew the scene."""
    missed: tuple[tuple[Place, UtcSeconds], ...]
    """Of these, those that were not raised at their moment."""
    expected_learning: int
    """Alerts due while their camera was watched, but the detector had begun less than ``LEARNING_S`` before."""
    missed_learning: int
    repeated: tuple[tuple[Place, UtcSeconds], ...]
    """Raised again within the same moment."""


def compare_with_loop(
    raised: Mapping[Place, Sequence[UtcSeconds]], unwatched: Mapping[str, Iterable[Span]], whole: Span
) -> Truth:
    """Looks at every moment of every loop.

    Args:
        raised: capture times of alerts by camera and rule, in any order.
        unwatched: when each camera was not watched.
        whole: from when to when all cameras were to be watched.
    """
    missed: list[tuple[Place, UtcSeconds]] = []
    repeated: list[tuple[Place, UtcSeconds]] = []
    expected = expected_learning = missed_learning = 0
    for place, times in raised.items():
        repeated += [(place, after) for before, after in pairwise(sorted(times)) if after - before < SPREAD_S]
        gaps = list(unwatched.get(place[0], ()))
        for due in _due(times, whole):
            if not _is_watched(due, gaps, whole):
                continue
            is_raised = any(abs(time - due) <= SPREAD_S for time in times)
            if any(0.0 <= due - ended <= LEARNING_S for _, ended in gaps):
                expected_learning += 1
                missed_learning += not is_raised
            else:
                expected += 1
                missed += [] if is_raised else [(place, due)]
    return Truth(
        expected=expected,
        missed=tuple(missed),
        expected_learning=expected_learning,
        missed_learning=missed_learning,
        repeated=tuple(repeated),
    )


def _due(times: Sequence[UtcSeconds], whole: Span) -> Iterable[UtcSeconds]:
    """Every moment of the whole at which this rule should have raised an alert."""
    loops = (whole[1] - whole[0]) / LOOP_S
    for moment in _moments(times, loops):
        first = whole[0] + (moment - whole[0]) % LOOP_S
        yield from (first + LOOP_S * number for number in range(int((whole[1] - first) / LOOP_S) + 1))


def _moments(times: Sequence[UtcSeconds], loops: float) -> list[float]:
    """Moments of the loop at which enough loops raised something: the middles of clusters on a circle."""
    phases = sorted(time % LOOP_S for time in times)
    clusters: list[list[float]] = []
    for phase in phases:
        if clusters and phase - clusters[-1][0] <= SPREAD_S:
            clusters[-1].append(phase)
        else:
            clusters.append([phase])
    if len(clusters) > 1 and clusters[0][-1] + LOOP_S - clusters[-1][0] <= SPREAD_S:
        clusters[0] = [phase - LOOP_S for phase in clusters.pop()] + clusters[0]
    return [sorted(cluster)[len(cluster) // 2] for cluster in clusters if len(cluster) >= max(2.0, LEAST_SHARE * loops)]


def _is_watched(due: UtcSeconds, gaps: Iterable[Span], whole: Span) -> bool:
    inside = whole[0] + SETTLING_S <= due <= whole[1] - SPREAD_S
    return inside and not any(begun - SPREAD_S <= due <= ended + SETTLING_S for begun, ended in gaps)
