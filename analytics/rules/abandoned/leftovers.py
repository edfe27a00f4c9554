"""Things that people put down: who did, whether they are away, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from analytics.rules.abandoned.appearance import Appearance
from analytics.rules.abandoned.attendance import HANDS, Attendance, Presence
from analytics.rules.abandoned.patches import Patch
from analytics.rules.geometry import common_area, overlap
from core.types import Box, UtcSeconds

_BEFORE_S: Final = 1.0
_AFTER_S: Final = 0.5
"""Who put it down was there between the last look at the place at rest and the first look at the thing, give or take
what trackers need to find somebody, and to lose him."""
_UNSEEN_S: Final = 10.0
"""A thing not seen for so long, hidden or taken, is forgotten."""
_REPORTED_S: Final = 60.0
"""One that was reported is remembered longer: another look at it, or a part, is no further thing."""
_PART: Final = 0.3
"""What is so close to a reported thing, in its owner's body heights, belongs to it."""
SURE_S: Final = 0.6
"""A thing must look like one for so long without a break: light that moves does so for single pictures only."""
_SAME: Final = 0.3
"""Patches that have so much of what they cover together in common are the same thing."""
_BACK_S: Final = 0.5
"""Somebody must be back for so long, or a misplaced box would count."""
_LINGERS_S: Final = 3.0
"""Who stays in reach of a thing for so long attends to it from then on: its owner under another track, or a helper."""
_SIZE: Final = (0.06, 0.65)
"""Longer side of a thing, in body heights: from a handbag to a travelling case (0.45) and some. Seated and lying people,
and the places they leave, are larger."""
_LEAST_AREA: Final = 0.004
"""Area of a thing, in squared body heights: some 11 cm by 11 cm. Of a thing that is partly as its background, less is seen."""
_ADDED: Final = 0.08
"""A thing brings edges along its outline and colours that its surroundings have not; what was taken away leaves less of
both, screens and doors change neither much. Both together must come to so much …"""
_NEITHER: Final = -0.15
"""… and neither may speak against it."""
_TEXTURE: Final = 0.65
"""What keeps so much of the pattern that was there before …"""
_SPREAD: Final = 0.1
"""… and has become lighter or darker so evenly is the same surface in another light: painted shadows come to 0.01 to 0.04, tinted
ones to 0.07, the reference events to 0.14 and more."""
_SOLIDITY: Final = 0.45
"""Reflections and seams that remain after a change are scattered; things are not."""


@dataclass(slots=True)
class Leftover:
    """One thing that stands where nothing stood."""

    box: Box
    put_at: UtcSeconds
    """The first look at it."""
    seen_at: UtcSeconds
    attendants: set[int] = field(default_factory=set)
    """Who must be away: track ids."""
    owner_height: float = 0.0
    """Body height of who put it there; 0 where nobody did."""
    alone_since: UtcSeconds | None = None
    back_since: UtcSeconds | None = None
    in_reach_since: dict[int, UtcSeconds] = field(default_factory=dict)
    fits_since: UtcSeconds | None = None
    """Since when every look at it has been that of a thing, and no picture was without it."""
    is_reported: bool = False

    def looks_like_a_thing(self, fits: bool, now: UtcSeconds) -> bool:
        """Takes one look at it; whether it has looked so for long enough to believe it."""
        if not fits:
            self.fits_since = None
            return False
        self.fits_since = now if self.fits_since is None else self.fits_since
        return now - self.fits_since >= SURE_S - 1e-6

    def alone_s(self, now: UtcSeconds) -> float:
        """For how long its people have been away."""
        return 0.0 if self.alone_since is None else now - self.alone_since


class Leftovers:
    """All of one camera, while they stand there."""

    def __init__(self, attendance: Attendance) -> None:
        self._attendance = attendance
        self._known: list[Leftover] = []

    def restart(self) -> None:
        """Forgets everything: the scene is another one."""
        self._known = []

    def update(self, patches: Sequence[Patch], present: Sequence[Presence], now: UtcSeconds) -> list[Leftover | None]:
        """Takes one picture; for each patch the thing that it shows, None where it shows none that somebody put there."""
        self._known = [
            thing for thing in self._known if now - thing.seen_at <= (_REPORTED_S if thing.is_reported else _UNSEEN_S)
        ]
        shown = [self._shown_by(patch, now) for patch in patches]
        for thing in self._known:
            if thing.seen_at < now:
                thing.fits_since = None
            if thing.owner_height > 0.0 and not thing.is_reported:
                self._attend(thing, present, now)
        return [thing if thing.owner_height > 0.0 else None for thing in shown]

    def is_part_of_reported(self, thing: Leftover, aspect: float) -> bool:
        """Whether it stands so close to a reported one that it is the same matter."""
        reach = _PART * thing.owner_height
        return any(
            other.is_reported
            and max(other.box.left - thing.box.right, thing.box.left - other.box.right) * aspect <= reach
            and max(other.box.top - thing.box.bottom, thing.box.top - other.box.bottom) <= reach
            for other in self._known
        )

    def _shown_by(self, patch: Patch, now: UtcSeconds) -> Leftover:
        thing = max(self._known, key=lambda known: likeness(known.box, patch.box), default=None)
        if thing is None or likeness(thing.box, patch.box) < _SAME:
            thing = Leftover(patch.box, patch.since, now)
            self._known.append(thing)
        thing.box, thing.seen_at = patch.box, now
        if thing.owner_height == 0.0:
            self._find_owner(thing, patch)
        return thing

    def _find_owner(self, thing: Leftover, patch: Patch) -> None:
        """Looks again as long as nobody is found: the first look at a thing may be at a part of it."""
        begin, end = sorted((patch.rest_at, patch.since))
        hands, about = self._attendance.near(patch.box, begin - _BEFORE_S, end + _AFTER_S)
        thing.owner_height = self._attendance.height_of(hands)
        thing.attendants |= about

    def _attend(self, thing: Leftover, present: Sequence[Presence], now: UtcSeconds) -> None:
        in_reach = {one.track_id for one in present if self._attendance.gap(one, thing.box) <= HANDS}
        thing.in_reach_since = {id_: thing.in_reach_since.get(id_, now) for id_ in in_reach}
        thing.attendants |= {id_ for id_, since in thing.in_reach_since.items() if now - since >= _LINGERS_S}
        if not self._attendance.away_since(thing.attendants, thing.box):
            thing.back_since = now if thing.back_since is None else thing.back_since
            if now - thing.back_since >= _BACK_S:
                thing.alone_since = None
            return
        thing.back_since = None
        if thing.alone_since is None:
            thing.alone_since = now


def is_a_thing(patch: Patch, owner_height: float, aspect: float, look: Appearance) -> bool:
    """Whether a patch may be luggage, by its size against its owner and by what it changed in the picture."""
    width, height = patch.box.width * aspect / owner_height, patch.box.height / owner_height
    area = patch.area / patch.mask.size * aspect / owner_height**2
    return (
        _SIZE[0] <= max(width, height) <= _SIZE[1]
        and area >= _LEAST_AREA
        and min(look.outline, look.novelty) >= _NEITHER
        and look.outline + look.novelty >= _ADDED
        and (look.texture <= _TEXTURE or look.spread >= _SPREAD)
        and look.solidity >= _SOLIDITY
    )


def is_covered(thing: Leftover, present: Sequence[Presence]) -> bool:
    """Whether somebody's box covers some of it: what is seen there may be him."""
    return any(overlap(one.box, thing.box) > 0.0 for one in present)


def likeness(one: Box, other: Box) -> float:
    """Intersection over union."""
    common = common_area(one, other)
    return common / max(one.width * one.height + other.width * other.height - common, 1e-9)
