"""``wrong_direction``: an object moves through a zone against the direction that is allowed there."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Annotated, ClassVar, Final, Literal, NamedTuple, TypeAlias

from pydantic import AfterValidator, Field

from analytics.rules.area import Area
from analytics.rules.classes import Classes
from analytics.rules.directions import Cone, shift_in_sizes
from analytics.rules.expiry import Expiry
from analytics.rules.geometry import CLEARLY, overlap
from analytics.rules.sightings import Sightings
from analytics.rules.succession import Handover
from config.geometry import Zone
from config.model import RuleSettings
from core.contracts import Rule
from core.types import Box, Occurrence, Point, Tick, Track, UtcSeconds

_FAR = 0.75
"""A movement counts when no misplacement of its two ends by a quarter of the object each way explains it:
in its own width and height, just above the diagonal of two such errors (0.5 x 1.41)."""
_ON = 0.25
"""Both parts of the movement must lead so far the wrong way: a box that jumps once and then stays does not move."""
_WINDOW_S = 4.0
"""Net displacement is measured over so long at most; what is slower than ``_FAR`` in that time does not move."""
_GAP_S = 0.75
"""What happened in a longer gap between two sightings nobody has seen: the movement begins anew. At few pictures a
second, cars that follow each other look like one that goes backwards."""
_SPACING_S = 0.1
"""Sightings closer than that tell nothing more of a movement."""
_HANDOVER_S = 1.5
"""A new track may continue one that was lost for so long."""
_MEMORY_S = 10.0
"""A track that is seen again after longer has no past."""
_SAME_OBJECT = 0.5
"""A box that covers a reported one by more may be a second box of the same object."""


def _a_direction(vector: tuple[float, float]) -> tuple[float, float]:
    if vector == (0.0, 0.0):
        raise ValueError("must point somewhere: [0, 0] is no direction")
    return vector


_Direction: TypeAlias = Annotated[tuple[float, float], AfterValidator(_a_direction)]


class WrongDirectionSettings(RuleSettings):
    """Settings of ``wrong_direction``."""

    type: Literal["wrong_direction"]
    zone: Zone
    """Where movements are watched. Its border belongs to it."""
    expected: _Direction
    """The allowed direction as an arrow [dx, dy] in the picture; y points down, the length does not matter."""
    max_angle_deg: Annotated[float, Field(gt=0.0, lt=180.0)] = 90.0
    """What deviates by more is the wrong direction."""
    classes: Classes = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
    """Which objects count."""


class _Sighting(NamedTuple):
    at: UtcSeconds
    box: Box
    beside: Point
    """Where its ground point, which may be out of the picture, lies beside the cone."""


_NOWHERE: Final = (math.inf, -math.inf)


@dataclass(slots=True)
class _Mover:
    """One object that is or was in the zone."""

    seen_at: UtcSeconds
    box: Box
    trail: deque[_Sighting] = field(default_factory=deque)
    """Where it was inside the zone, lately; the last one is the newest."""
    farthest: Point = _NOWHERE
    """The extremes of all its trail, and perhaps of what has left it: a quick answer asks for no more."""
    is_reported: bool = False

    def see(self, box: Box, at: UtcSeconds, distance: float) -> bool:
        """It is seen so far from the zone; whether that is inside."""
        is_broken = at - self.seen_at > _GAP_S
        self.seen_at, self.box = at, box
        if self.trail:
            if is_broken or distance >= CLEARLY:
                self.forget()
            while self.trail and self.trail[0].at < at - _WINDOW_S:
                self.trail.popleft()
        return distance <= 0.0

    def forget(self) -> None:
        """Its movement begins anew."""
        self.trail.clear()
        self.farthest = _NOWHERE

    def go_on(self, sighting: _Sighting) -> None:
        """It is inside the zone."""
        if len(self.trail) > 1 and self.trail[-1].at - self.trail[-2].at < _SPACING_S:
            self.trail.pop()
        self.trail.append(sighting)
        (least, greatest), (one, other) = self.farthest, sighting.beside
        self.farthest = min(least, one), max(greatest, other)


class WrongDirection(Rule):
    """Fires once per object, in the frame in which its movement inside the zone is certain to be a wrong one.

    Only measured positions count. The beginning and the end of a movement are compared, never single steps.
    """

    settings_model: ClassVar[type[RuleSettings]] = WrongDirectionSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, WrongDirectionSettings):
            raise TypeError(f"WrongDirection takes WrongDirectionSettings, not {type(settings).__name__}")
        self._zone = Area(settings.zone)
        self._expected = settings.expected
        self._max_angle = math.radians(settings.max_angle_deg)
        self._cone = Cone(self._expected, self._max_angle, 1.0)
        self._movers: dict[int, _Mover] = {}
        self._expiry = Expiry(_MEMORY_S)
        self._handover = Handover(_HANDOVER_S)

    def update(self, tick: Tick) -> list[Occurrence]:
        seen = tick.once(Sightings)
        self._expiry.drop(self._movers, attrgetter("seen_at"), seen.at)
        self._handover.update(self._movers, tick)
        self._face(1.0 if tick.pixels is None else tick.pixels.width / tick.pixels.height)
        inside = [
            track
            for track, distance in zip(seen.tracks, tick.once(self._zone), strict=True)
            if (self._movers.get(track.track_id) or self._begin(track, seen.at)).see(track.box, seen.at, distance)
        ]
        found = [self._judge(track, seen.at) for track in inside]
        return [occurrence for occurrence in found if occurrence is not None]

    def _begin(self, track: Track, now: UtcSeconds) -> _Mover:
        mover = self._movers[track.track_id] = _Mover(now, track.box)
        return mover

    def _face(self, aspect: float) -> None:
        """A picture of another shape has other angles."""
        if self._cone.aspect == aspect:
            return
        self._cone = Cone(self._expected, self._max_angle, aspect)
        for mover in self._movers.values():
            mover.forget()

    def _judge(self, track: Track, now: UtcSeconds) -> Occurrence | None:
        mover = self._movers[track.track_id]
        if mover.is_reported:
            return None
        mover.go_on(_Sighting(now, track.box, self._cone.beside(track.box.ground_point)))
        start = _start_of_wrong_way(mover, self._cone)
        if start is None:
            return None
        is_second_box = self._covers_reported(track.box, now)
        mover.is_reported = True
        if is_second_box:
            return None
        (x1, y1), (x2, y2) = start.box.ground_point, track.box.ground_point
        angle_deg = round(math.degrees(self._cone.angle_of((x2 - x1, y2 - y1))))
        return Occurrence(captured_at=now, started_at=start.at, tracks=(track,), details={"angle_deg": angle_deg})

    def _covers_reported(self, box: Box, now: UtcSeconds) -> bool:
        return any(
            mover.is_reported and mover.seen_at == now and overlap(mover.box, box) > _SAME_OBJECT
            for mover in self._movers.values()
        )


def _start_of_wrong_way(mover: _Mover, cone: Cone) -> _Sighting | None:
    """From where the object has certainly gone the wrong way up to now; None if it has not."""
    trail, now = mover.trail, mover.trail[-1]
    end = cone.beside(cone.advanced(now.box, _FAR))
    if not cone.may_lead_out(mover.farthest, end):
        return None
    suspect = [sighting for sighting in trail if cone.may_lead_out(sighting.beside, end)]
    far = [sighting for sighting in suspect if shift_in_sizes(sighting.box, now.box) >= _FAR]
    start = max(far, key=lambda sighting: cone.deviation(sighting.box, now.box), default=now)
    if cone.deviation(start.box, now.box) < _FAR:
        return None
    between = [sighting for sighting in trail if start.at < sighting.at < now.at]
    goes_on = any(
        cone.deviation(start.box, middle.box) >= _ON and cone.deviation(middle.box, now.box) >= _ON
        for middle in between
    )
    return start if goes_on else None
