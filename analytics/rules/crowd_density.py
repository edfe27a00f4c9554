"""``crowd_density``: more people in a zone than it should hold."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from statistics import median
from typing import Annotated, ClassVar, Final, Literal, NamedTuple

from pydantic import Field, model_validator

from analytics.detect.closer import distinct, grid
from analytics.detect.labels import PERSON
from analytics.rules.crowds.ground import Ground
from analytics.rules.crowds.headcount import headcount, is_crowd
from analytics.rules.geometry import contains, ground_point
from config.geometry import Zone
from config.model import RuleSettings
from core.contracts import Rule
from core.types import Box, Detection, Json, Occurrence, Polygon, Tick, Track, UtcSeconds

_SURE: Final = 0.3
"""Score from which a person seen in a closer look counts: below it one of the two reference models sees people in
lawns and luggage (PETS 2009: up to 23 of at most 12 people at 0.25, 16 at 0.3)."""
_GRIDS: Final = ((2, 2), (3, 2))
"""How the zone is divided for a closer look, once and again: whom the border of one grid cuts lies whole in the other."""
_AROUND: Final = 0.1
"""So far around the zone, twice as far above it, is looked at too: those whose feet are inside reach out of it."""
_LOOK_EVERY_S: Final = 2.0
_LOOK_FROM: Final = 0.05
"""A closer look is worth its cost from this share of the threshold on: detectors see at least one in twenty."""
_STEADY_S: Final = 4.0
"""The figure is the median over so long: two closer looks or three."""
_FIRST_S: Final = 1.0
_RELIEF: Final = 0.9
"""The crowd has gone when fewer than this share of the threshold are left …"""
_GONE_S: Final = 5.0
"""… for so long."""
_ROUNDING_S: Final = 1e-6


class CrowdDensitySettings(RuleSettings):
    """Settings of ``crowd_density``."""

    type: Literal["crowd_density"]
    zone: Zone
    """Where people are counted. Its border belongs to it."""
    max_people: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """More people than this are too many. Either this or ``max_per_m2``."""
    max_per_m2: Annotated[float, Field(gt=0.0, le=10.0)] | None = None
    """More people than this on a square metre of the zone, on average, are too many. Needs ``ground``."""
    ground: Ground | None = None
    """A rectangle of known size on the ground."""
    for_s: Annotated[float, Field(ge=0.0, le=3600.0)] = 10.0
    """How long there must be too many."""

    @model_validator(mode="after")
    def _one_threshold(self) -> CrowdDensitySettings:
        if (self.max_people is None) == (self.max_per_m2 is None):
            raise ValueError("write exactly one of max_people and max_per_m2")
        if self.max_per_m2 is not None and self.ground is None:
            raise ValueError("max_per_m2 needs a ground: four corners of a rectangle, its width_m and length_m")
        if self.ground is not None and self.ground.area_m2(self.zone) is None:
            raise ValueError("the zone reaches the horizon of the ground; draw it on the ground only")
        return self

    @property
    def most(self) -> float:
        """How many people the zone may hold."""
        if self.max_people is not None:
            return float(self.max_people)
        area_m2 = self.ground.area_m2(self.zone) if self.ground is not None else None
        return (self.max_per_m2 or 0.0) * (area_m2 or 0.0)


class _Estimate(NamedTuple):
    """How many people there are, by each that counts."""

    at: UtcSeconds
    detector: float
    density: float
    """By the density map; 0 where it was not asked."""

    @property
    def people(self) -> float:
        """The higher one: of a crowd, both tell too few."""
        return max(self.detector, self.density)


class CrowdDensity(Rule):
    """Fires when there have been too many people for ``for_s``: once until the crowd has gone.

    Counts tracks, and every other second whom a closer look finds, where the detector offers one. Where these are a
    crowd, a density map counts too, if the site has a model that draws one.
    """

    settings_model: ClassVar[type[RuleSettings]] = CrowdDensitySettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, CrowdDensitySettings):
            raise TypeError(f"CrowdDensity takes CrowdDensitySettings, not {type(settings).__name__}")
        self._settings = settings
        self._most = settings.most
        self._parts = _parts(settings.zone)
        self._estimates: deque[_Estimate] = deque()
        self._look = _Estimate(-math.inf, 0.0, 0.0)
        """The last closer look."""
        self._since: UtcSeconds | None = None
        """When there began to be too many."""
        self._last_at: UtcSeconds = 0.0
        """When there were last too many, or nearly."""
        self._is_reported = False

    def update(self, tick: Tick) -> list[Occurrence]:
        now = tick.captured_at
        people = self._inside(tick.tracks)
        self._look_closer(tick, people)
        seen = max(headcount([track.box for track in people]), self._look.detector)
        self._estimates.append(_Estimate(now, seen, self._look.density))
        while self._estimates[0].at < now - _STEADY_S:
            self._estimates.popleft()
        figure = median(estimate.people for estimate in self._estimates)
        self._judge(figure, now)
        if self._since is None or self._is_reported or now - self._since < self._settings.for_s - _ROUNDING_S:
            return []
        if figure <= self._most:
            return []
        self._is_reported = True
        details = self._details(figure, has_map=tick.density is not None)
        return [Occurrence(captured_at=now, started_at=self._since, tracks=tuple(people), details=details)]

    def _details(self, figure: float, *, has_map: bool) -> dict[str, Json]:
        """The figure, and where there is a density map, what detector and map say by themselves: the higher one counts."""
        details: dict[str, Json] = {"people": round(figure), "at_most": round(self._most, 1)}
        if has_map:
            details["detector"] = round(median(estimate.detector for estimate in self._estimates))
            details["density_map"] = round(median(estimate.density for estimate in self._estimates))
        return details

    def _judge(self, figure: float, now: UtcSeconds) -> None:
        """Whether there are too many, from when on, and whether that is over."""
        if self._since is not None and now - self._last_at > _GONE_S:
            self._since, self._is_reported = None, False
        if figure > self._most and self._estimates[-1].at - self._estimates[0].at >= _FIRST_S - _ROUNDING_S:
            self._since = self._counts_since(now) if self._since is None else self._since
        if figure > _RELIEF * self._most:
            self._last_at = now
        elif not self._is_reported:
            self._since = None

    def _counts_since(self, now: UtcSeconds) -> UtcSeconds:
        """The median is late by half of its window: what there was of too many in it counts."""
        share = sum(estimate.people > self._most for estimate in self._estimates) / len(self._estimates)
        return now - share * (now - self._estimates[0].at)

    def _look_closer(self, tick: Tick, people: Sequence[Track]) -> None:
        """Looks again when it is time to, and worth it; where nobody is to be found, the last look is over too."""
        now = tick.captured_at
        if abs(now - self._look.at) < _LOOK_EVERY_S - _ROUNDING_S:
            return
        self._look = _Estimate(now, 0.0, 0.0)
        if not people or len(people) < _LOOK_FROM * self._most:
            return
        seen = self._seen_closer(tick, people)
        self._look = _Estimate(now, 0.0 if tick.closer is None else headcount(seen), 0.0)
        if tick.density is not None and is_crowd(seen):
            self._look = self._look._replace(density=tick.density(self._settings.zone, seen))

    def _seen_closer(self, tick: Tick, people: Sequence[Track]) -> list[Box]:
        """The people in the zone, each once: those tracked, and whom the detector finds in parts of it."""
        if tick.closer is None:
            return [track.box for track in people]
        known = [Detection(label=track.label, score=track.score, box=track.box) for track in people]
        found = distinct([*known, *filter(self._counts_closer, tick.closer(self._parts))])
        return [seen.box for seen in found]

    def _inside(self, tracks: Sequence[Track]) -> list[Track]:
        zone = self._settings.zone
        return [
            track
            for track in tracks
            if track.label == PERSON and track.is_measured and contains(zone, ground_point(track.box))
        ]

    def _counts_closer(self, seen: Detection) -> bool:
        settings = self._settings
        is_person = seen.label == PERSON and seen.score >= max(_SURE, settings.min_confidence)
        is_of_size = settings.min_size <= seen.box.height <= settings.max_size
        return is_person and is_of_size and contains(settings.zone, ground_point(seen.box))


def _parts(zone: Polygon) -> list[Box]:
    """The parts of the picture to look at more closely: grids over the zone and over whoever stands at its upper edge."""
    xs, ys = [x for x, _ in zone], [y for _, y in zone]
    area = Box(
        left=max(0.0, min(xs) - _AROUND),
        top=max(0.0, min(ys) - 2.0 * _AROUND),
        right=min(1.0, max(xs) + _AROUND),
        bottom=min(1.0, max(ys) + _AROUND),
    )
    return [part for columns, rows in _GRIDS for part in grid(area, columns, rows)]
