"""Who was where, and what became of them: whether those who were at a place have gone away from it.

Nobody is taken to have left because a track was lost: one who sits down or is hidden is lost as well. Who is lost is
still where he was last seen, unless he was seen to go on under another track, or to leave the picture.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from analytics.detect.labels import PERSON
from analytics.rules.geometry import SMALLEST, ground_point, overlap
from core.types import Box, Track, UtcSeconds

AWAY: Final = 1.0
"""One is away from a thing at more than so many times the height of his body: some 1.75 m."""
HANDS: Final = 0.3
"""What is within so many body heights of somebody's box he may have put there: an arm's length and the detector's error."""

COMPANY: Final = 0.6
"""Who was so close to a thing when it was put down, in body heights, was with its owner: a metre."""
_OUT: Final = 0.5
"""One who left the picture is away, if he was last seen so far from the thing."""
_EDGE: Final = 0.04
"""A box that ends so close to the picture's edge may be leaving it: detectors cut boxes short there."""
_LOST_S: Final = 0.6
"""Not seen for so long is lost; trackers bridge less."""
_ONE: Final = 0.5
"""Boxes of which one covers so much of the other are the same person, when one of their tracks ends."""
_HANDOVER_S: Final = 10.0
"""A lost person may reappear under another track for so long …"""
_REACH: Final = 0.5
_REACH_MOST: Final = 1.5
"""… so far from where he was lost, in body heights; further with each second, up to this."""
_MEMORY_S: Final = 120.0
_REMEMBERED_S: Final = 3600.0
"""Who was lost so long ago is gone: a person who sat down is seen again within an hour, or rests unseen."""
_SHRINKS: Final = 0.99
"""A body that is bent, or cut by the picture's edge, does not become smaller: its height fades so slowly."""


class Presence(NamedTuple):
    """One person in one picture; ``height`` is that of the whole body, normalised to the picture's height."""

    track_id: int
    box: Box
    height: float


@dataclass(slots=True)
class _Person:
    box: Box
    at: UtcSeconds
    height: float
    heir: int | None = None
    is_settled: bool = False
    """Whether it was looked for another track that goes on with this one, after it was lost."""


class Attendance:
    """The people of one camera. Distances are told in body heights, so they are the same near and far."""

    def __init__(self) -> None:
        self._people: dict[int, _Person] = {}
        self._past: deque[tuple[UtcSeconds, tuple[Presence, ...]]] = deque()
        self._now: UtcSeconds = 0.0

    def update(self, tracks: Iterable[Track], now: UtcSeconds, aspect: float) -> tuple[Presence, ...]:
        """Takes the measured tracks of a picture. ``aspect``: its width / height. Who is there."""
        self._now, self._aspect = now, aspect
        seen = [track for track in tracks if track.label == PERSON and track.is_measured]
        new = [track for track in seen if track.track_id not in self._people]
        self._people = {id_: one for id_, one in self._people.items() if now - one.at <= _REMEMBERED_S}
        for track in seen:
            self._see(track)
        for track in new:
            self._inherit(track)
        self._settle_lost()
        present = tuple(Presence(track.track_id, track.box, self._people[track.track_id].height) for track in seen)
        self._past.append((now, present))
        while self._past[0][0] < now - _MEMORY_S:
            self._past.popleft()
        return present

    def near(self, thing: Box, begin: UtcSeconds, end: UtcSeconds) -> tuple[frozenset[int], frozenset[int]]:
        """Track ids of those who could reach a thing at some time between, and of them with their company."""
        hands: set[int] = set()
        about: set[int] = set()
        for at, people in reversed(self._past):
            if at < begin:
                break
            if at <= end:
                about.update(one.track_id for one in people if self._distance(one.box, one.height, thing) <= COMPANY)
                hands.update(one.track_id for one in people if self.gap(one, thing) <= HANDS)
        return frozenset(hands), frozenset(about | hands)

    def away_since(self, track_ids: Iterable[int], thing: Box) -> bool:
        """Whether all of them are away from the thing now."""
        return all(self._is_away(track_id, thing) for track_id in track_ids)

    def height_of(self, track_ids: Iterable[int]) -> float:
        """The median body height of these people as last seen; 0 if none is known.

        Beside a thing detectors make boxes of both together, and of parts: neither the least nor the most is his.
        """
        heights = sorted(self._people[id_].height for id_ in track_ids if id_ in self._people)
        return heights[(len(heights) - 1) // 2] if heights else 0.0

    def gap(self, one: Presence, thing: Box) -> float:
        """Room between a person's box and a thing, in body heights; 0 where they touch."""
        across = max(one.box.left - thing.right, thing.left - one.box.right, 0.0) * self._aspect
        down = max(one.box.top - thing.bottom, thing.top - one.box.bottom, 0.0)
        return math.hypot(across, down) / max(one.height, SMALLEST)

    def _see(self, track: Track) -> None:
        known = self._people.get(track.track_id)
        if known is None:
            self._people[track.track_id] = _Person(track.box, self._now, track.box.height)
            return
        known.box, known.at, known.heir, known.is_settled = track.box, self._now, None, False
        known.height = max(track.box.height, known.height * _SHRINKS)

    def _inherit(self, track: Track) -> None:
        """A track goes on with those lost near its beginning, unless it may have come from outside the picture."""
        comes_in = _touches_edge(track.box)
        for track_id, lost in self._people.items():
            absent_s = self._now - lost.at
            if track_id == track.track_id or lost.heir is not None or not 0.0 < absent_s <= _HANDOVER_S:
                continue
            if comes_in and overlap(lost.box, track.box) < _ONE:
                continue
            reach = min(_REACH + absent_s, _REACH_MOST)
            if self._distance(lost.box, lost.height, track.box) <= reach:
                lost.heir = track.track_id

    def _settle_lost(self) -> None:
        """A lost track that another one covered was a second box of the same person."""
        for track_id, lost in self._people.items():
            if lost.is_settled or self._now - lost.at <= _LOST_S:
                continue
            lost.is_settled = True
            if lost.heir is None:
                lost.heir = self._twin_of(track_id, lost)

    def _twin_of(self, track_id: int, lost: _Person) -> int | None:
        """Who covered it most in the last picture it was seen in, or just before, and was seen after it."""
        covers: dict[int, float] = {}
        for at, people in reversed(self._past):
            if at < lost.at - _LOST_S:
                break
            own = next((one.box for one in people if one.track_id == track_id), None)
            if own is None:
                continue
            for one in people:
                if one.track_id != track_id and self._was_seen_after(one.track_id, lost.at):
                    covers[one.track_id] = max(covers.get(one.track_id, 0.0), overlap(own, one.box))
        best = max(covers, key=lambda id_: covers[id_], default=None)
        return best if best is not None and covers[best] >= _ONE else None

    def _was_seen_after(self, track_id: int, when: UtcSeconds) -> bool:
        person = self._people.get(track_id)
        return person is not None and person.at > when

    def _is_away(self, track_id: int, thing: Box) -> bool:
        person = self._last_of(track_id)
        if person is None:
            return True
        distance = self._distance(person.box, person.height, thing)
        has_left = self._now - person.at > _LOST_S and _touches_edge(person.box)
        return distance > (_OUT if has_left else AWAY)

    def _last_of(self, track_id: int) -> _Person | None:
        """The person as last seen, under whatever track."""
        visited: set[int] = set()
        person = self._people.get(track_id)
        while person is not None and person.heir is not None and person.heir not in visited:
            visited.add(person.heir)
            person = self._people.get(person.heir, person)
        return person

    def _distance(self, box: Box, height: float, thing: Box) -> float:
        """Between where they stand, in body heights."""
        (x1, y1), (x2, y2) = ground_point(box), ground_point(thing)
        return math.hypot((x1 - x2) * self._aspect, y1 - y2) / max(height, SMALLEST)


def _touches_edge(box: Box) -> bool:
    return box.left <= _EDGE or box.top <= _EDGE or box.right >= 1.0 - _EDGE or box.bottom >= 1.0 - _EDGE


def boxes_of(tracks: Sequence[Track], labels: frozenset[str]) -> list[Box]:
    """Measured boxes of these classes."""
    return [track.box for track in tracks if track.is_measured and track.label in labels]
