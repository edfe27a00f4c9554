"""Recognises objects that pass through a line, for every rule that watches one."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from analytics.rules.expiry import Expiry
from analytics.rules.geometry import CLEARLY, bounds, clearance, crossing, ground_point, is_far, is_right_of
from analytics.rules.sightings import Rectangle, Sightings
from analytics.rules.succession import Handover
from core.types import Box, Point, Tick, Track, UtcSeconds

_HANDOVER_S = 1.5
"""A new track may continue one that was lost for so long."""
_MEMORY_S = 10.0
"""A track that is seen again after longer has no past."""
_BIRTH_S = 1.5
"""A track that is told so long after it began passed nothing unnoticed before."""
_REACHES_EDGE = 0.03
"""A line that ends so close to the picture's edge is meant to reach it."""


class Crossing(NamedTuple):
    """One object has crossed the line."""

    track: Track
    direction: str
    """``to_left`` or ``to_right`` of one who stands at the line's first point and looks to the second."""
    passed_at: UtcSeconds
    """When it passed the line, interpolated between two sightings."""


@dataclass(slots=True)
class _Walk:
    """One object's way since it was last clear of the line."""

    place: Point
    at: UtcSeconds
    on_right: bool
    """Side of the endless line on which it is."""
    clear_on_right: bool | None = None
    """Side on which it was last clear of the line; None while it never was."""
    balance: int = 0
    """Passages through the segment since then: to the right minus to the left."""
    passed_at: UtcSeconds = 0.0

    def change_sides(self, place: Point, at: UtcSeconds, line: tuple[Point, Point]) -> None:
        """Goes straight on to where the object is seen next, on the other side of the endless line."""
        self.on_right = not self.on_right
        share = crossing(self.place, place, *line)
        if share is not None:
            self.balance += 1 if self.on_right else -1
            self.passed_at = self.at + share * (at - self.at)

    def settle(self) -> bool:
        """It is clear of the line again; whether it has crossed since it last was."""
        before, balance = self.clear_on_right, self.balance
        self.clear_on_right, self.balance = self.on_right, 0
        return before is not None and before is not self.on_right and balance != 0 and (balance > 0) is self.on_right


class _Walks:
    """Everybody's way, as far as it matters for one line."""

    def __init__(self, line: tuple[Point, Point]) -> None:
        self._line = line
        self._bounds, self._rectangle = bounds(line), Rectangle(line)
        self._walks: dict[int, _Walk] = {}
        self._expiry = Expiry(_MEMORY_S)
        self._handover = Handover(_HANDOVER_S)

    def update(self, tick: Tick) -> list[Crossing]:
        """Takes one frame; who is now known to have crossed."""
        seen = tick.once(Sightings)
        self._expiry.drop(self._walks, attrgetter("at"), seen.at)
        self._handover.update(self._walks, tick)
        far, right = seen.far_from(self._rectangle), seen.right_of(*self._line)
        found = []
        for track, place, is_far_out, on_right in zip(seen.tracks, seen.places, far, right, strict=True):
            walk = self._walks.get(track.track_id) or self._begin(track, seen.at)
            if on_right is not walk.on_right:
                walk.change_sides(place, seen.at, self._line)
            walk.place, walk.at = place, seen.at
            if walk.clear_on_right is on_right and not walk.balance:
                continue  # where it was clear of the line before
            if (is_far_out or clearance(place, *self._line, track.box) >= CLEARLY) and walk.settle():
                found.append(Crossing(track, "to_right" if on_right else "to_left", walk.passed_at))
        return found

    def _begin(self, track: Track, captured_at: UtcSeconds) -> _Walk:
        """A new walk, from where the object was first seen: it may pass the line before it is sure to be one."""
        walk = self._walks[track.track_id] = self._first_step(track, captured_at)
        return walk

    def _first_step(self, track: Track, captured_at: UtcSeconds) -> _Walk:
        if track.origin is None or captured_at - track.first_seen > _BIRTH_S:
            place = ground_point(track.box)
            return _Walk(place, captured_at, is_right_of(place, *self._line))
        place = ground_point(track.origin)
        on_right = is_right_of(place, *self._line)
        return _Walk(place, track.first_seen, on_right, on_right if self._is_clear(place, track.origin) else None)

    def _is_clear(self, place: Point, box: Box) -> bool:
        return is_far(place, self._bounds, box) or clearance(place, *self._line, box) >= CLEARLY


@dataclass(frozen=True, slots=True)
class _Passages:
    """Asks who crosses in a frame; equal questions have one answer for all rules that see the same."""

    line: tuple[Point, Point]
    walks: _Walks | None
    """Up to the frame before; None in the first."""

    def __call__(self, tick: Tick) -> tuple[_Walks, list[Crossing]]:
        walks = self.walks or _Walks(self.line)
        return walks, walks.update(tick)


class Crossings:
    """Follows objects over one line. A crossing is known once its object is clearly on the other side.

    How often the path between two clear positions passes to and fro does not matter, only whether it ends on the
    other side; a path around an end of the line does not pass through it. Rules that began together, for the same line
    and objects, share the work, as with a ``Handover``.
    """

    def __init__(self, line: tuple[Point, Point]) -> None:
        """``line``: first and second point; an end that all but reaches the picture's edge is taken to reach it."""
        self._line = _drawn_to_edge(line)
        self._walks: _Walks | None = None

    def update(self, tick: Tick) -> list[Crossing]:
        """Takes one frame; who is now known to have crossed."""
        self._walks, found = tick.once(_Passages(self._line, self._walks))
        return found


def _drawn_to_edge(line: tuple[Point, Point]) -> tuple[Point, Point]:
    """The line with each end that all but reaches the picture's edge moved onto it: nothing passes in between."""
    start, end = line
    return _end_at_edge(end, start), _end_at_edge(start, end)


def _end_at_edge(start: Point, end: Point) -> Point:
    """``end``, moved on along the line to the edge of the picture if that is near."""
    length = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    heading = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
    rooms = [
        ((1.0 if ahead > 0 else 0.0) - at) / ahead for at, ahead in zip(end, heading, strict=True) if abs(ahead) > 0.0
    ]
    room = min(rooms)
    if room > _REACHES_EDGE:
        return end
    return end[0] + room * heading[0], end[1] + room * heading[1]
