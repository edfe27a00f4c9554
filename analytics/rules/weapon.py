"""``weapon``: somebody holds a weapon, as far as the detector's model has a class for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import Field

from analytics.detect.labels import PERSON
from analytics.rules.geometry import contains, ground_point, overlap
from config.geometry import Zone
from config.model import RuleSettings
from core.contracts import Rule
from core.types import Box, Occurrence, Tick, Track, UtcSeconds

WeaponKind: TypeAlias = Literal["firearm", "knife"]

LABELS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "firearm": frozenset({"pistol", "handgun", "gun", "revolver", "rifle", "shotgun", "firearm", "weapon"}),
        "knife": frozenset({"knife", "dagger", "machete"}),
    }
)
"""What manifests of models call each kind."""

_SIGHTINGS = 4
"""Pictures in which the weapon must be seen: a single one may be a telephone."""
_LEAST_S = 0.4
"""From the first of them to the last, so that many pictures a second prove no more than few."""
_WITHIN_S = 2.0
"""They must be so close together; hands turn and hide what they hold."""
_ARM = 0.3
"""How far beyond the person's box a weapon may be held, in shares of its width and height."""
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
    """Fires when a weapon was seen on somebody in the zone in several pictures: once per person."""

    settings_model: ClassVar[type[RuleSettings]] = WeaponSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, WeaponSettings):
            raise TypeError(f"Weapon takes WeaponSettings, not {type(settings).__name__}")
        self._zone = settings.zone
        self._labels = labels_of(settings.kinds)
        self._holders: dict[int, _Holder] = {}

    def update(self, tick: Tick) -> list[Occurrence]:
        now = tick.captured_at
        self._forget(now)
        measured = [track for track in tick.tracks if track.is_measured]
        people = [track for track in measured if track.label == PERSON]
        found: list[Occurrence] = []
        seen: set[int] = set()
        for weapon in (track for track in measured if track.label in self._labels):
            person = _holder_of(weapon, people)
            if person is None or person.track_id in seen or not contains(self._zone, ground_point(person.box)):
                continue
            seen.add(person.track_id)
            found += self._see(weapon, person, now)
        return found

    def _forget(self, now: UtcSeconds) -> None:
        self._holders = {
            track_id: holder for track_id, holder in self._holders.items() if 0.0 <= now - holder.seen[-1] <= _FORGET_S
        }

    def _see(self, weapon: Track, person: Track, now: UtcSeconds) -> list[Occurrence]:
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
        return [Occurrence(captured_at=now, started_at=holder.seen[0], tracks=(weapon, person))]

    def _is_reported(self, person: Track) -> bool:
        """Whether it may be somebody reported, under another track."""
        return any(
            holder.reported_at is not None and overlap(holder.box, person.box) > _SAME_PERSON
            for track_id, holder in self._holders.items()
            if track_id != person.track_id
        )


def labels_of(kinds: Iterable[str]) -> frozenset[str]:
    """The class names that stand for these kinds."""
    return frozenset().union(*(LABELS[kind] for kind in kinds))


def _holder_of(weapon: Track, people: Sequence[Track]) -> Track | None:
    """The person who may hold it: the nearest of those within whose reach it is."""
    x, y = weapon.box.centre
    near = [person for person in people if contains(_reach(person.box), (x, y))]
    return min(near, key=lambda person: abs(person.box.centre[0] - x) / max(person.box.width, 1e-6), default=None)


def _reach(box: Box) -> tuple[tuple[float, float], ...]:
    aside, up = _ARM * box.width, _ARM * box.height
    left, right, top, bottom = box.left - aside, box.right + aside, box.top - up, box.bottom
    return (left, top), (right, top), (right, bottom), (left, bottom)
