"""Recognises the same object after its track was lost and another one began in its place."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from analytics.detect.labels import group_of
from analytics.rules.sightings import Sightings
from core.types import Box, Point, Tick, Track, UtcSeconds

_PACE_S = 1.0
"""Speed is measured over so long."""
_REACH = 0.5
"""How far from its expected place an object may reappear at once, in its own width and height …"""
_REACH_GROWTH = 0.5
"""… and how much further for each second since: a slow walk."""
_LIKE_SIZE = 1.6
"""Boxes whose heights differ by more than this factor are not the same object."""

State = TypeVar("State")


class _Lost(NamedTuple):
    """What is known of a track that is not seen any more."""

    latest: Track
    at: UtcSeconds
    """When it was last seen."""
    earlier: Track
    earlier_at: UtcSeconds
    """Where it was ``_PACE_S`` before that, or when it was first seen."""

    def shift_after(self, seconds: float) -> Point:
        """How far it would have gone by now, had it kept its speed."""
        (x1, y1), (x2, y2) = self.earlier.box.centre, self.latest.box.centre
        share = seconds / (self.at - self.earlier_at) if self.at > self.earlier_at else 0.0
        return (x2 - x1) * share, (y2 - y1) * share


class Succession:
    """Follows who is seen, and tells which lost track a new one continues.

    Whole frames are kept, not a trail for each track: most tracks are never lost, and only of those is a trail asked for.
    """

    def __init__(self, patience_s: float) -> None:
        """``patience_s``: a track lost for longer has no successor."""
        self._patience_s = patience_s
        self._frames: deque[tuple[UtcSeconds, Mapping[int, Track]]] = deque()
        self._since: dict[int, UtcSeconds] = {}
        """Since when each track is known without a break longer than the patience."""
        self._last: dict[int, UtcSeconds] = {}
        """When each of them was last seen."""
        self._all_since: UtcSeconds = -math.inf
        """No known track was last seen before."""

    def update(self, present: Mapping[int, Track], captured_at: UtcSeconds) -> dict[int, int]:
        """Takes what was measured in one frame, by track id; new track id → id of the lost track it continues."""
        last = self._last
        self._forget_lost(captured_at)
        new = (
            [] if present.keys() <= last.keys() else [present[track_id] for track_id in present if track_id not in last]
        )
        heirs = self._matched(new, present, captured_at) if new else {}
        for lost in heirs.values():
            self._forget(lost)
        for track in new:
            self._since[track.track_id] = captured_at
        last.update(dict.fromkeys(present, captured_at))
        self._keep(present, captured_at)
        return heirs

    def _forget_lost(self, captured_at: UtcSeconds) -> None:
        """Those that were last seen too long ago; asked for only once there may be one."""
        if captured_at - self._all_since <= self._patience_s:
            return
        for track_id in [id_ for id_, at in self._last.items() if captured_at - at > self._patience_s]:
            self._forget(track_id)
        self._all_since = min(self._last.values(), default=captured_at)

    def _forget(self, track_id: int) -> None:
        del self._last[track_id], self._since[track_id]

    def _keep(self, present: Mapping[int, Track], captured_at: UtcSeconds) -> None:
        frames, oldest = self._frames, captured_at - self._patience_s - _PACE_S
        frames.append((captured_at, present))
        while frames[0][0] < oldest:
            frames.popleft()

    def _lost(self, track_id: int) -> _Lost:
        at, since = self._last[track_id], self._since[track_id]
        seen = [
            (then, frame[track_id])
            for then, frame in self._frames
            if track_id in frame and max(at - _PACE_S, since) <= then <= at
        ]
        (earlier_at, earlier), (_, latest) = seen[0], seen[-1]
        return _Lost(latest, at, earlier, earlier_at)

    def _matched(self, new: Sequence[Track], present: Collection[int], captured_at: UtcSeconds) -> dict[int, int]:
        """The nearest pairs first; each track takes part in one."""
        missing = {track_id: self._lost(track_id) for track_id in self._last if track_id not in present}
        pairs = sorted(
            (misfit, track.track_id, lost)
            for track in new
            for lost, seen in missing.items()
            if (misfit := _misfit(track, seen, captured_at)) <= 1.0
        )
        heirs: dict[int, int] = {}
        for _, heir, lost in pairs:
            if heir not in heirs and lost not in heirs.values():
                heirs[heir] = lost
        return heirs


def _misfit(track: Track, seen: _Lost, captured_at: UtcSeconds) -> float:
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


@dataclass(frozen=True, slots=True)
class _Continued:
    """Asks who continues whom in a frame; equal questions have one answer for all rules that see the same."""

    patience_s: float
    succession: Succession | None
    """Of the frames before; None in the first."""

    def __call__(self, tick: Tick) -> tuple[Succession, dict[int, int]]:
        seen, succession = tick.once(Sightings), self.succession or Succession(self.patience_s)
        return succession, succession.update(seen.by_id, seen.at)


class Handover:
    """Gives what a rule knows of a lost track to its successor.

    Rules that began together and see the same objects share one ``Succession``, which each frame is shown to once. So one
    that was not asked for a while must begin anew, or it would know what the others saw meanwhile (its runner sees to it).
    """

    def __init__(self, patience_s: float) -> None:
        """``patience_s``: as of ``Succession``."""
        self._patience_s = patience_s
        self._succession: Succession | None = None

    def update(self, known: dict[int, State], tick: Tick) -> None:
        """Takes one frame; what is known, by track id, of a lost track becomes its successor's.

        A track that is known itself keeps its own past: that its id came back is the better evidence.
        """
        self._succession, heirs = tick.once(_Continued(self._patience_s, self._succession))
        for heir, lost in heirs.items():
            if lost in known and heir not in known:
                known[heir] = known.pop(lost)
