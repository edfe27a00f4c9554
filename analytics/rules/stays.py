"""Follows who stays in a zone and for how long, for every rule that waits for a dwell time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from analytics.rules.area import Area
from analytics.rules.expiry import Expiry
from analytics.rules.geometry import CLEARLY, overlap, touches_edge
from analytics.rules.sightings import Sightings
from analytics.rules.succession import Handover
from core.types import Occurrence, Polygon, Tick, Track, UtcSeconds

_TOGETHER_S = 2.0
"""Objects that enter within so long of the first are one party."""
_SAME_OBJECT = 0.5
"""A box that covers another by more may be a second box of the same object."""
_ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a stay bears the absence of its object."""

    out_s: float
    """A stay ends when its object has been clearly out of the zone for so long."""
    gap_s: float
    """Gaps in its sightings up to this long count as presence."""
    vanished_s: float
    """An object that vanished inside may reappear, under the same track or another, for so long."""


USUAL: Final = Patience(out_s=1.5, gap_s=1.5, vanished_s=3.0)
"""For stays of seconds."""


@dataclass(slots=True)
class _Visitor:
    """One object near or in the zone."""

    came_in: bool
    """Whether it is known to have come from outside, so that it cannot be one of those already present."""
    seen_at: UtcSeconds
    entered_at: UtcSeconds | None = None
    """Start of its stay; None while it is not present."""
    present_at: UtcSeconds = 0.0
    """When it was last in the zone, or not clearly out of it."""
    is_inside: bool = False
    inside_s: float = 0.0
    party_at: UtcSeconds | None = None
    """When the first of its party entered, once that party is reported."""

    @property
    def is_leaving(self) -> bool:
        """Whether it was last seen clearly out of the zone, in a stay that has not ended yet."""
        return self.entered_at is not None and self.seen_at > self.present_at

    def see_outside(self, at: UtcSeconds, out_s: float) -> bool:
        """It is seen clearly out of the zone; whether it begins to leave."""
        begins = self.entered_at is not None and self.seen_at <= self.present_at
        self.is_inside, self.seen_at, self.came_in = False, at, True
        if self.entered_at is not None:
            self.end_stay_if_left(at, out_s)
        return begins

    def see(self, at: UtcSeconds, gap_s: float, *, is_inside: bool) -> bool:
        """It is seen in the zone, or not clearly out of it; whether a stay begins."""
        was_inside, self.is_inside = self.is_inside, is_inside
        begins = is_inside and self.entered_at is None
        if begins:
            self.entered_at = at
        elif is_inside and was_inside and at - self.seen_at <= gap_s:
            self.inside_s += at - self.seen_at
        self.seen_at = self.present_at = at
        return begins

    def end_stay_if_left(self, now: UtcSeconds, out_s: float) -> None:
        """Ends its stay when it was seen outside and has not been back in time."""
        if self.is_leaving and now - self.present_at > out_s:
            self.entered_at, self.party_at, self.inside_s = None, None, 0.0


class Stays:
    """Tells when an object has been inside for ``dwell_s``: once per stay, and once for those who came together.

    While a reported object is present, a further one is reported only if it is known to have come in by itself.
    Only measured positions count.
    """

    def __init__(self, zone: Polygon, dwell_s: float, patience: Patience) -> None:
        self._zone = Area(zone)
        self._dwell_s = dwell_s
        self._patience = patience
        self._visitors: dict[int, _Visitor] = {}
        self._leaving: list[_Visitor] = []
        self._expiry = Expiry(patience.vanished_s)
        self._handover = Handover(patience.vanished_s)
        self.begun = 0
        """Stays that have begun so far."""

    @property
    def present(self) -> int:
        """How many objects are in the zone, or were a moment ago."""
        return sum(visitor.entered_at is not None for visitor in self._visitors.values())

    def update(self, tick: Tick) -> list[Occurrence]:
        """Takes one frame; one occurrence per party whose dwell time is reached in it."""
        seen = tick.once(Sightings)
        self._expiry.drop(self._visitors, attrgetter("seen_at"), seen.at)
        if self._leaving:
            self._end_stays(seen.at)
        self._handover.update(self._visitors, tick)
        inside = []
        for track, clearance in zip(seen.tracks, tick.once(self._zone), strict=True):
            visitor = self._visitors.get(track.track_id) or self._begin(track, seen)
            if clearance >= CLEARLY:
                if visitor.see_outside(seen.at, self._patience.out_s):
                    self._leaving.append(visitor)
                continue
            if visitor.see(seen.at, self._patience.gap_s, is_inside=clearance <= 0.0):
                self.begun += 1
                visitor.party_at = self._party_of(visitor)
            inside += [(track, visitor)] if visitor.is_inside else []
        return self._report(inside, seen.at)

    def _end_stays(self, now: UtcSeconds) -> None:
        """Of those who are out for too long."""
        for visitor in self._leaving:
            visitor.end_stay_if_left(now, self._patience.out_s)
        self._leaving = [visitor for visitor in self._leaving if visitor.is_leaving]

    def _begin(self, track: Track, seen: Sightings) -> _Visitor:
        visitor = _Visitor(came_in=_comes_in(track, seen.tracks), seen_at=seen.at)
        self._visitors[track.track_id] = visitor
        return visitor

    def _report(self, inside: Sequence[tuple[Track, _Visitor]], now: UtcSeconds) -> list[Occurrence]:
        """One occurrence per party that becomes known now."""
        new: dict[UtcSeconds, list[Track]] = {}
        for track, visitor in inside:
            if not self._is_due(visitor):
                continue
            visitor.party_at = self._party_of(visitor)
            if visitor.party_at is None and visitor.entered_at is not None:
                visitor.party_at = visitor.entered_at
                new[visitor.party_at] = []
            if visitor.party_at in new:
                new[visitor.party_at].append(track)
        return [Occurrence(captured_at=now, started_at=at, tracks=tuple(tracks)) for at, tracks in new.items()]

    def _is_due(self, visitor: _Visitor) -> bool:
        return visitor.party_at is None and visitor.inside_s >= self._dwell_s - _ROUNDING_S

    def _party_of(self, visitor: _Visitor) -> UtcSeconds | None:
        """The reported party that an object belongs to: it came with them, or cannot be told from them."""
        for other in self._visitors.values():
            if other.party_at is None or visitor.entered_at is None:
                continue
            if not visitor.came_in or abs(visitor.entered_at - other.party_at) <= _TOGETHER_S:
                return other.party_at
        return None


def _comes_in(track: Track, measured: Sequence[Track]) -> bool:
    """Whether a new track is an object that comes into the picture, and no second box of one that is there."""
    others = (other.box for other in measured if other.track_id != track.track_id)
    return touches_edge(track.box) and all(overlap(track.box, other) <= _SAME_OBJECT for other in others)
