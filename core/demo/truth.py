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

LATE_S = 4.0
"""An alert that comes so long after its moment is late, not lost. A motion detector that begins while somebody stands in the
picture takes him for background, and sees the next one at that place, a loop later, some two seconds late."""

Span: TypeAlias = tuple[UtcSeconds, UtcSeconds]
Place: TypeAlias = tuple[str, str]
"""Camera and rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """How what was raised compares with what the loop holds."""

    expected: int
    """Alerts due while their camera was watched without a break."""
    late: int
    """Of these, raised within ``LATE_S`` after their moment."""
    missed: tuple[tuple[Place, UtcSeconds], ...]
    """Due then, and not raised, not even late."""
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
    expected, late, missed, repeated = 0, 0, [], []
    for place, times in raised.items():
        repeated += [(place, after) for before, after in pairwise(sorted(times)) if after - before < SPREAD_S]
        for due in _due(times, whole):
            if not _is_watched(due, unwatched.get(place[0], ()), whole):
                continue
            expected += 1
            if any(abs(time - due) <= SPREAD_S for time in times):
                continue
            if any(0.0 < time - due <= LATE_S for time in times):
                late += 1
            else:
                missed.append((place, due))
    return Truth(expected=expected, late=late, missed=tuple(missed), repeated=tuple(repeated))


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
