"""``person_down``: somebody who was upright lies on the floor of a zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, Literal, NamedTuple

import cv2
import numpy as np
from pydantic import Field

from analytics.detect.labels import PERSON
from analytics.rules.falls.backdrop import Backdrop, Mask, View, covered, widened, window
from analytics.rules.falls.lying import is_low, outline
from analytics.rules.geometry import contains, ground_point, overlap, share_covered
from config.geometry import Zone
from config.model import RuleSettings
from core.contracts import Rule
from core.types import Box, Occurrence, Pixels, Polygon, Tick, Track, UtcSeconds

_ASPECT = 1.15
"""An upright person's box is so much higher than wide."""
_LONG = 1.4
"""A box that shows one who lies is so much wider than high: nearer to a square, it may show people who stand close together."""
_UPRIGHT = 0.7
"""It is at least this share of the person's full height."""
_FULL_S = 3.0
"""The full height is the largest of the last so many seconds: nobody walks out of his size faster."""
_SIGHTINGS = 3
"""A person was seen upright so often before a fall counts."""
_NOT_UPRIGHT_S = 0.25
"""Missed for one picture is no fall."""
_WATCH_S = 10.0
"""So long the place of one who is not seen upright any more is watched."""
_REACH = 2.0
"""A falling person gets so many heights away at most."""
_CONFIDENT = 0.35
"""Boxes with such a score are taken for what they show."""
_FALL_S = 3.0
"""A body appears within this time after the person was last seen."""
_AROUND = 0.15
"""What a carpet is pulled by, in heights."""
_CROWD = 3
"""With so many others around, what is new in a place may be anybody."""
_LOST = 5
"""Where so many upright people are lost at once, being lost means little: only who is seen to lie counts then. When
somebody fell in the reference clips one or two were; in a hall and a forum full of people 7 to 16."""
_TOO_SMALL = 16.0
"""Pixels of the compared picture: what is new where such a small person was seen may be anything."""
_GAP_S = 0.5
"""A body may be missed for so long."""
_STAYS = 0.6
"""One who lies stays where he is, by this many heights."""
_TOUCHES = 0.2
"""Next to the box of somebody else, widened by this share, what looks like a body may be a part of that person."""
_SAME_PLACE = 0.3
"""Bodies that share more of the smaller one are one."""
_SEEN_DROP = 0.6
"""A box that is hardly wider than high shows a squat, unless its top is further below the head, in heights."""
_MOSTLY = 0.5
"""A box is in a place with more than this share of it."""
_DOUBLE = 0.6
"""A box that shares more of the smaller one with another may be a second one of the same person."""
_ROUNDING_S = 1e-6


class PersonDownSettings(RuleSettings):
    """Settings of ``person_down``."""

    type: Literal["person_down"]
    zone: Zone
    """The floor. Somebody lies in it when most of the body does."""
    down_s: Annotated[float, Field(ge=0.0, le=600.0)] = 5.0
    """How long somebody must lie there."""


@dataclass(slots=True)
class _Person:
    """Somebody who is or was upright."""

    track: Track
    seen_at: UtcSeconds
    heights: list[tuple[UtcSeconds, float]] = field(default_factory=list)
    sightings: int = 0
    """How often seen upright."""
    upright_at: UtcSeconds = 0.0
    upright: Box | None = None
    """The box when last upright."""
    before: View | None = None
    """The picture then."""
    height: float = 0.0
    """The full height, normalised."""
    down_since: UtcSeconds | None = None
    down_at: UtcSeconds = 0.0
    place: Box | None = None
    """Where the body lay first."""
    is_reported: bool = False


class _Moment(NamedTuple):
    """One picture, as everything here looks at it."""

    at: UtcSeconds
    aspect: float
    """Width over height of the picture."""
    tracks: tuple[Track, ...]
    """People only."""
    view: View


class PersonDown(Rule):
    """Fires when somebody who was seen upright has been on the floor of the zone for ``down_s``: once per fall.

    Detectors lose most people who lie. So the place of one who is not seen upright any more is compared with how it
    looked before: a body on the floor is new, low, long or far below where the head was, and stays.
    """

    settings_model: ClassVar[type[RuleSettings]] = PersonDownSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, PersonDownSettings):
            raise TypeError(f"PersonDown takes PersonDownSettings, not {type(settings).__name__}")
        self._zone = settings.zone
        self._down_s = settings.down_s
        self._backdrop = Backdrop()
        self._floor: Mask = np.zeros((0, 0), bool)
        self._people: dict[int, _Person] = {}
        self._reported: dict[int, tuple[UtcSeconds, Box]] = {}
        """By track: when and where somebody reported was last seen to lie."""

    def update(self, tick: Tick) -> list[Occurrence]:
        if tick.pixels is None:
            return []
        tracks = tuple(track for track in tick.tracks if track.label == PERSON)
        aspect = tick.pixels.width / tick.pixels.height
        self._forget(tick.captured_at)
        moment = _Moment(tick.captured_at, aspect, tracks, self._look(tick.pixels, tracks, tick.captured_at, aspect))
        for track in tracks:
            if track.is_measured and not _is_double(track, tracks):
                self._see(track, moment)
        return self._report([person for person in self._gone(moment.at) if self._lies(person, moment)], moment.at)

    def _forget(self, now: UtcSeconds) -> None:
        self._people = {
            track_id: person
            for track_id, person in self._people.items()
            if 0.0 <= now - max(person.seen_at, person.down_at) <= _WATCH_S
        }
        self._reported = {
            track_id: (at, box) for track_id, (at, box) in self._reported.items() if 0.0 <= now - at <= _WATCH_S
        }

    def _look(self, pixels: Pixels, tracks: Sequence[Track], now: UtcSeconds, aspect: float) -> View:
        kept = [_reach(person, aspect) for person in self._gone(now)]
        view = self._backdrop.look(pixels, now, [track.box for track in tracks], kept)
        if self._floor.shape != view.people.shape:
            rows, columns = view.people.shape
            corners = np.array([[(x * columns, y * rows) for x, y in self._zone]]).round().astype(np.int32)
            self._floor = cv2.fillPoly(np.zeros((rows, columns), np.uint8), [corners], 1.0).astype(bool)
        return view

    def _gone(self, now: UtcSeconds) -> list[_Person]:
        """Those who were upright and are not any more."""
        return [
            person
            for person in self._people.values()
            if person.sightings >= _SIGHTINGS and now - person.upright_at > _NOT_UPRIGHT_S
        ]

    def _see(self, track: Track, moment: _Moment) -> None:
        now, height = moment.at, track.box.height
        person = self._people.get(track.track_id)
        if person is None:
            person = self._people[track.track_id] = _Person(track=track, seen_at=now)
        person.track, person.seen_at = track, now
        person.heights = [(at, known) for at, known in person.heights if now - at <= _FULL_S]
        if height < _ASPECT * track.box.width * moment.aspect or self._is_part_of_one_gone(track, moment):
            return
        person.heights.append((now, height))
        full = max(known for _, known in person.heights)
        if height < _UPRIGHT * full:
            return
        person.sightings += 1
        person.upright_at, person.upright, person.before, person.height = now, track.box, moment.view, full
        person.down_since, person.place, person.is_reported = None, None, False

    def _is_part_of_one_gone(self, track: Track, moment: _Moment) -> bool:
        """Whether a new track is too small to be anything but a part of somebody who fell there."""
        return any(
            track.first_seen > person.upright_at
            and track.box.height < _UPRIGHT * person.height
            and contains(_corners(_reach(person, moment.aspect)), track.box.centre)
            for person in self._gone(moment.at)
        )

    def _lies(self, person: _Person, moment: _Moment) -> bool:
        """Whether the person lies in this picture; notes since when and where."""
        body = self._seen_lying(person, moment) or self._new_body(person, moment)
        if body is None:
            if moment.at - person.down_at > _GAP_S:
                person.down_since, person.place = None, None
            return False
        if person.place is None or not _is_about_there(body, person.place, person.height, moment.aspect):
            person.down_since, person.place = moment.at, body
        person.down_at = moment.at
        return True

    def _seen_lying(self, person: _Person, moment: _Moment) -> Box | None:
        """A box of the detector that is shaped like somebody who lies."""
        reach = _corners(_reach(person, moment.aspect))
        for track in moment.tracks:
            box = track.box
            width, height = box.width * moment.aspect / person.height, box.height / person.height
            is_own = track.track_id == person.track.track_id or track.first_seen > person.upright_at
            if not (is_own and track.is_measured and width >= _LONG * height and contains(reach, box.centre)):
                continue
            if is_low(width, height, _drop(person, box)) and contains(self._zone, ground_point(box)):
                return box
        return None

    def _new_body(self, person: _Person, moment: _Moment) -> Box | None:
        """A body that is new in the place, whatever the detector makes of it."""
        if person.before is None or not self._can_be_told(person, moment) or _is_seen_otherwise(person, moment):
            return None
        others = [track.box for track in moment.tracks if track.score >= _CONFIDENT and self._is_another(track, person)]
        reach, shape = _reach(person, moment.aspect), moment.view.people.shape
        if self._company(person, others, reach, moment.at) >= _CROWD:
            return None
        where = window(reach, shape)
        new = self._backdrop.new(moment.view, person.before, where) & ~covered(others, shape, 0.0)[where]
        height = person.height * shape[0]
        foreign = self._backdrop.foreign(moment.view, where, _AROUND * height)
        found = outline(new, foreign, self._floor[where], where, shape, height)
        if found is None or not found.lies(_drop(person, found.box)):
            return None
        is_free = all(overlap(found.box, widened(other, _TOUCHES)) == 0.0 for other in others)
        return found.box if is_free else None

    def _can_be_told(self, person: _Person, moment: _Moment) -> bool:
        """Whether something new in the place can be taken for the person's body."""
        is_late = person.down_since is None and moment.at - person.seen_at > _FALL_S
        is_large = person.height * moment.view.people.shape[0] >= _TOO_SMALL
        return is_large and not is_late and len(self._gone(moment.at)) < _LOST

    def _company(self, person: _Person, others: Sequence[Box], reach: Box, now: UtcSeconds) -> int:
        """How many others are in the same place, seen or lost there."""
        lost = [other.track.box for other in self._gone(now) if other is not person]
        return sum(share_covered(box, reach) > _MOSTLY for box in (*others, *lost))

    def _is_another(self, track: Track, person: _Person) -> bool:
        """Whether a track is certainly somebody else: it was there before the fall, or was upright itself since."""
        if track.track_id == person.track.track_id:
            return False
        other = self._people.get(track.track_id)
        return track.first_seen <= person.upright_at or (other is not None and other.sightings > 0)

    def _report(self, lying: Sequence[_Person], now: UtcSeconds) -> list[Occurrence]:
        found: list[Occurrence] = []
        for person in lying:
            assert person.place is not None
            assert person.down_since is not None
            is_known = any(overlap(person.place, box) > _SAME_PLACE for _, box in self._reported.values())
            is_due = now - person.down_since >= self._down_s - _ROUNDING_S
            if is_due and not person.is_reported and not is_known:
                track = replace(person.track, box=person.place)
                found.append(Occurrence(captured_at=now, started_at=person.down_since, tracks=(track,)))
            person.is_reported = person.is_reported or is_due
            if person.is_reported:
                self._reported[person.track.track_id] = (now, person.place)
        return found


def _is_double(track: Track, tracks: Sequence[Track]) -> bool:
    """Whether the box may be a second one, or a part, of somebody who is known for longer."""
    return any(
        (other.first_seen, other.track_id) < (track.first_seen, track.track_id)
        and overlap(track.box, other.box) > _DOUBLE
        for other in tracks
    )


def _is_seen_otherwise(person: _Person, moment: _Moment) -> bool:
    """Whether the detector clearly shows the person squatting or sitting now."""
    box = person.track.box
    is_seen = person.seen_at == moment.at and person.track.score >= _CONFIDENT
    return is_seen and box.width * moment.aspect < _ASPECT * box.height and _drop(person, box) < _SEEN_DROP


def _reach(person: _Person, aspect: float) -> Box:
    """Where the body of one who is gone can be."""
    assert person.upright is not None
    (x, y), aside = person.track.box.ground_point, _REACH * person.height / aspect
    return Box(
        left=max(0.0, x - aside),
        top=max(0.0, person.upright.top),
        right=min(1.0, x + aside),
        bottom=min(1.0, y + person.height),
    )


def _drop(person: _Person, box: Box) -> float:
    """By how many heights the top is below the head of the person when upright."""
    assert person.upright is not None
    return (box.top - (person.upright.bottom - person.height)) / person.height


def _is_about_there(box: Box, place: Box, height: float, aspect: float) -> bool:
    (x, y), (there_x, there_y) = box.centre, place.centre
    return abs(x - there_x) * aspect <= _STAYS * height and abs(y - there_y) <= _STAYS * height


def _corners(box: Box) -> Polygon:
    return (box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)
