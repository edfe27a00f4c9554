"""Recognises the same object after its track was lost and another one began in its place."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from analytics.detect.labels import group_of
from core.types import Box, Point, Track, UtcSeconds

_PACE_S = 1.0
"""Speed is measured over so long."""
_REACH = 0.5
"""How far from its expected place an object may reappear at once, in its own width and height …"""
_REACH_GROWTH = 0.5
"""… and how much further for each second since: a slow walk."""
_LIKE_SIZE = 1.6
"""Boxes whose heights differ by more than this factor are not the same object."""

State = TypeVar("State")


@dataclass(slots=True)
class _Sightings:
    """The latest of one track."""

    latest: Track
    at: UtcSeconds
    trail: deque[tuple[UtcSeconds, Box]] = field(default_factory=deque)

    def add(self, track: Track, at: UtcSeconds) -> None:
        self.latest, self.at = track, at
        trail, oldest = self.trail, at - _PACE_S
        trail.append((at, track.box))
        while trail[0][0] < oldest:
            trail.popleft()

    def shift_after(self, seconds: float) -> Point:
        """How far it would have gone by now, had it kept its speed."""
        (start, before), (end, after) = self.trail[0], self.trail[-1]
        (x1, y1), (x2, y2) = before.centre, after.centre
        share = seconds / (end - start) if end > start else 0.0
        return (x2 - x1) * share, (y2 - y1) * share


class Succession:
    """Follows who is seen, and tells which lost track a new one continues."""

    def __init__(self, patience_s: float) -> None:
        """``patience_s``: a track lost for longer has no successor."""
        self._patience_s = patience_s
        self._seen: dict[int, _Sightings] = {}

    def update(self, tracks: Sequence[Track], captured_at: UtcSeconds) -> dict[int, int]:
        """Takes what was measured in one frame; new track id → id of the lost track it continues."""
        known, patience_s = self._seen, self._patience_s
        for track_id in [id_ for id_, seen in known.items() if captured_at - seen.at > patience_s]:
            del known[track_id]
        new = [track for track in tracks if track.track_id not in known]
        heirs = self._matched(new, {track.track_id for track in tracks}, captured_at) if new else {}
        for lost in heirs.values():
            del known[lost]
        for track in new:
            known[track.track_id] = _Sightings(track, captured_at)
        for track in tracks:
            known[track.track_id].add(track, captured_at)
        return heirs

    def hand_over(self, known: dict[int, State], tracks: Sequence[Track], captured_at: UtcSeconds) -> None:
        """Like ``update``; in ``known`` (by track id) what is known of a lost track becomes its successor's.

        A track that is known itself keeps its own past: that its id came back is the better evidence.
        """
        for heir, lost in self.update(tracks, captured_at).items():
            if lost in known and heir not in known:
                known[heir] = known.pop(lost)

    def _matched(self, new: Sequence[Track], present: Collection[int], captured_at: UtcSeconds) -> dict[int, int]:
        """The nearest pairs first; each track takes part in one."""
        pairs = sorted(
            (misfit, track.track_id, lost)
            for track in new
            for lost, seen in self._seen.items()
            if lost not in present and (misfit := _misfit(track, seen, captured_at)) <= 1.0
        )
        heirs: dict[int, int] = {}
        for _, heir, lost in pairs:
            if heir not in heirs and lost not in heirs.values():
                heirs[heir] = lost
        return heirs


def _misfit(track: Track, seen: _Sightings, captured_at: UtcSeconds) -> float:
    """Distance from where the lost object would be, having stopped or gone on; above 1 it is another object.

    Where the new track began is compared, if that is known and was after the other was lost.
    """
    old, new, found_at = seen.latest.box, track.box, captured_at
    if track.origin is not None and track.first_seen > seen.at:
        new, found_at = track.origin, track.first_seen
    if (
        group_of(track.label) != group_of(seen.latest.label)
        or not 1 / _LIKE_SIZE <= new.height / max(old.height, 1e-6) <= _LIKE_SIZE
    ):
        return 2.0
    lost_for_s = found_at - seen.at
    dx, dy = seen.shift_after(lost_for_s)
    gone_on = Box(left=old.left + dx, top=old.top + dy, right=old.right + dx, bottom=old.bottom + dy)
    return min(_distance(old, new), _distance(gone_on, new)) / (_REACH + _REACH_GROWTH * lost_for_s)


def _distance(first: Box, second: Box) -> float:
    """Between ground points, in the width and height of the first."""
    (x1, y1), (x2, y2) = first.ground_point, second.ground_point
    return max(abs(x1 - x2) / max(first.width, 1e-6), abs(y1 - y2) / max(first.height, 1e-6))
