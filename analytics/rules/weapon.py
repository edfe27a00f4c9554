"""``weapon``: somebody holds a weapon, as far as the detector's model has a class for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import Field

from analytics.detect.labels import PERSON
from analytics.rules.geometry import SMALLEST, contains, ground_point, overlap
from config.geometry import Zone
from config.model import RuleSettings
from core.contracts import Rule
from core.types import Box, Detection, Json, Occurrence, Tick, Track, UtcSeconds

WeaponKind: TypeAlias = Literal["firearm", "knife"]

LABELS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "firearm": frozenset({"pistol", "handgun", "gun", "revolver", "rifle", "shotgun", "firearm", "weapon"}),
        "knife": frozenset({"knife", "dagger", "machete"}),
    }
)
"""What manifests of models call each kind, whatever the case."""

_SIGHTINGS = 4
"""Pictures in which the weapon must be seen: a single one may be a telephone."""
_LEAST_S = 0.4
"""From the first of them to the last, so that many pictures a second prove no more than few."""
_WITHIN_S = 2.0
"""They must be so close together; hands turn and hide what they hold."""
_ARM = 0.3
"""How far beyond the person's box a weapon may be held, in shares of its width and height."""
_CLOSER_EVERY_S = 0.25
"""Between two closer looks at somebody's hands, everybody in turn: an inference each …"""
_MOST_SUSPECTS = 2
"""… and those on whom a weapon was just seen are looked at in every picture, no more than so many."""
_HANDS = 0.75
"""Down to this share of the height hands hang, and a little up from the head they are raised."""
_RAISED = 0.1
_WORTH = 0.5
"""A part that is wider or higher than this share of the picture is seen well enough in the whole."""
_SURE = 0.4
"""Score from which what a closer look finds counts: no tracker has confirmed it over several pictures."""
_FORGET_S = 10.0
"""One who is reported and seen armed again within this time is not new."""
_SAME_PERSON = 0.3
"""A person whose box shares more of the smaller one with that of somebody reported may be the same."""
_ROUNDING_S = 1e-6


class WeaponSettings(RuleSettings):
    """Settings of ``weapon``."""

    type: Literal["weapon"]
    zone: Zone
    """Where the person who holds the weapon stands."""
    kinds: Annotated[tuple[WeaponKind, ...], Field(min_length=1)] = ("firearm",)
    """What counts. ``knife`` fires on every knife in a hand: general models know those of kitchens only."""


@dataclass(slots=True)
class _Holder:
    """A person near whom a weapon was seen."""

    box: Box
    seen: list[UtcSeconds] = field(default_factory=list)
    reported_at: UtcSeconds | None = None
    """When last seen armed, once reported."""


class Weapon(Rule):
    """Fires when a weapon was seen on somebody in the zone in several pictures: once per person.

    What people hold is small: where the detector can name a weapon, it also looks closer at their hands.
    """

    settings_model: ClassVar[type[RuleSettings]] = WeaponSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, WeaponSettings):
            raise TypeError(f"Weapon takes WeaponSettings, not {type(settings).__name__}")
        self._zone = settings.zone
        self._labels = labels_of(settings.kinds)
        self._holders: dict[int, _Holder] = {}
        self._hands = _Hands(self._labels, max(_SURE, settings.min_confidence))

    def update(self, tick: Tick) -> list[Occurrence]:
        now = tick.captured_at
        self._forget(now)
        measured = [track for track in tick.tracks if track.is_measured]
        people = [track for track in measured if track.label == PERSON]
        held: dict[int, tuple[Track, Track | Detection]] = {}
        for weapon in (track for track in measured if track.label.casefold() in self._labels):
            self._give(weapon, people, held)
        for found in self._hands.look(tick, self._inside(people), self._suspects(now)):
            self._give(found, people, held)
        return [occurrence for person, weapon in held.values() for occurrence in self._see(weapon, person, now)]

    def _give(
        self, weapon: Track | Detection, people: Sequence[Track], held: dict[int, tuple[Track, Track | Detection]]
    ) -> None:
        """To the person who holds it, if that is somebody in the zone; the first weapon of each counts."""
        person = _holder_of(weapon.box, people)
        if person is not None and contains(self._zone, ground_point(person.box)):
            held.setdefault(person.track_id, (person, weapon))

    def _inside(self, people: Sequence[Track]) -> list[Track]:
        return [person for person in people if contains(self._zone, ground_point(person.box))]

    def _suspects(self, now: UtcSeconds) -> frozenset[int]:
        return frozenset(
            track_id
            for track_id, holder in self._holders.items()
            if holder.reported_at is None and now - holder.seen[-1] <= _WITHIN_S
        )

    def _forget(self, now: UtcSeconds) -> None:
        self._holders = {
            track_id: holder for track_id, holder in self._holders.items() if 0.0 <= now - holder.seen[-1] <= _FORGET_S
        }

    def _see(self, weapon: Track | Detection, person: Track, now: UtcSeconds) -> list[Occurrence]:
        holder = self._holders.setdefault(person.track_id, _Holder(box=person.box))
        holder.box = person.box
        holder.seen = [at for at in holder.seen if now - at <= _WITHIN_S] + [now]
        if holder.reported_at is not None:
            holder.reported_at = now
            return []
        if len(holder.seen) < _SIGHTINGS or now - holder.seen[0] < _LEAST_S - _ROUNDING_S:
            return []
        is_known = self._is_reported(person)
        holder.reported_at = now
        if is_known:
            return []
        tracks = (weapon, person) if isinstance(weapon, Track) else (person,)
        details: dict[str, Json] = {"weapon": weapon.label, "score": round(weapon.score, 3)}
        return [Occurrence(captured_at=now, started_at=holder.seen[0], tracks=tracks, details=details)]

    def _is_reported(self, person: Track) -> bool:
        """Whether it may be somebody reported, under another track."""
        return any(
            holder.reported_at is not None and overlap(holder.box, person.box) > _SAME_PERSON
            for track_id, holder in self._holders.items()
            if track_id != person.track_id
        )


class _Hands:
    """Chooses whose hands are looked at closer, and looks."""

    def __init__(self, labels: frozenset[str], least: float) -> None:
        """``least``: score from which a weapon counts."""
        self._labels = labels
        self._least = least
        self._looked_at: dict[int, UtcSeconds] = {}

    def look(self, tick: Tick, people: Sequence[Track], suspects: frozenset[int]) -> list[Detection]:
        """Weapons that are seen in the hands of some of these people."""
        now = tick.captured_at
        self._looked_at = {track_id: at for track_id, at in self._looked_at.items() if 0.0 <= now - at <= _FORGET_S}
        if tick.closer is None or self._labels.isdisjoint(map(str.casefold, tick.closer.labels)):
            return []
        chosen = self._chosen(people, suspects, now)
        self._looked_at.update((person.track_id, now) for person in chosen)
        parts = [_hands_of(person.box) for person in chosen]
        seen = [found for part in parts for found in tick.closer([part])]
        return [found for found in seen if found.label.casefold() in self._labels and found.score >= self._least]

    def _chosen(self, people: Sequence[Track], suspects: frozenset[int], now: UtcSeconds) -> list[Track]:
        """Suspects, else whoever was not looked at for longest when it is time to."""
        small = [person for person in people if _is_small(_hands_of(person.box))]
        small.sort(key=lambda person: self._looked_at.get(person.track_id, -math.inf))
        if suspected := [person for person in small if person.track_id in suspects]:
            return suspected[:_MOST_SUSPECTS]
        last = max(self._looked_at.values(), default=-math.inf)
        return small[:1] if now - last >= _CLOSER_EVERY_S - _ROUNDING_S else []


def labels_of(kinds: Iterable[str]) -> frozenset[str]:
    """The class names that stand for these kinds."""
    return frozenset().union(*(LABELS[kind] for kind in kinds))


def _hands_of(box: Box) -> Box:
    """Where a standing person's hands are."""
    aside = _ARM * box.width
    return Box(
        left=max(0.0, box.left - aside),
        top=max(0.0, box.top - _RAISED * box.height),
        right=min(1.0, box.right + aside),
        bottom=min(1.0, box.top + _HANDS * box.height),
    )


def _is_small(part: Box) -> bool:
    return 0.0 < part.width <= _WORTH and 0.0 < part.height <= _WORTH


def _holder_of(weapon: Box, people: Sequence[Track]) -> Track | None:
    """The person who may hold it: the nearest of those within whose reach it is."""
    x, y = weapon.centre
    near = [person for person in people if contains(_reach(person.box), (x, y))]
    return min(near, key=lambda person: abs(person.box.centre[0] - x) / max(person.box.width, SMALLEST), default=None)


def _reach(box: Box) -> tuple[tuple[float, float], ...]:
    aside, up = _ARM * box.width, _ARM * box.height
    left, right, top, bottom = box.left - aside, box.right + aside, box.top - up, box.bottom
    return (left, top), (right, top), (right, bottom), (left, bottom)
