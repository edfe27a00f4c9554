"""``crowd_movement``: a crowd runs or riots, scatters, or gathers; or people fight, where a model names that."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

import numpy as np
from pydantic import Field

from analytics.rules.crowds.fights import fights
from analytics.rules.crowds.normal import Lasting, Normal
from analytics.rules.crowds.people_moving import Paths, Walkers, body_length, pedestrians, vehicles
from analytics.rules.crowds.statistics import Chosen, Gathering, running, scattering
from analytics.rules.crowds.turmoil import Turmoil
from analytics.rules.geometry import contains, ground_point
from config.geometry import Zone
from config.model import RuleSettings
from core.contracts import Rule
from core.types import Json, Occurrence, Tick, Track, UtcSeconds

Kind: TypeAlias = Literal["running", "dispersal", "gathering", "fight"]

_RUNS: Final = 1.6
"""Body lengths a second: 2.7 m/s for 1.7 m. People walk at 0.8 (1.4 m/s), the hurried at 1.2; 99 % of the paths of the
calm reference clips stay below 0.9."""
_MAKES_OFF: Final = 1.2
"""Those who scatter: above the hurried. Who only parts from others after a talk walks."""
_UNUSUAL: Final = 1.5
"""… and this many times what 19 of 20 do in this scene."""
_TURMOIL: Final = 0.2
"""Share of the zone in turmoil over 3 s. The reference clips: a crowd that rushes 0.27 and more where its people are
recognised; 0.14 two men who wrestle, 0.11 people who pass right in front of the camera, 0.01 a hall full of walkers."""
_TURMOIL_MEDIAN: Final = 0.75
"""Share of that threshold which half of the pictures must reach: one burst (light, a bird) is no turmoil."""
_TURMOIL_S: Final = 3.0
_LONG: Final = 0.8
_FEWEST: Final = 5
_TURMOIL_PEOPLE: Final = 2
"""In a crush near the camera a detector recognises few; but people it must see, and more than one."""
_SEEN_WITHIN_S: Final = 5.0
_MOVEMENT_S: Final = 1.0
_GATHERING_S: Final = 2.0
_FIGHT_S: Final = 1.0
"""A model must see it for so long: a single picture of people who embrace looks like one."""
_BODIES: Final = 64
_USUAL_ASPECT: Final = 16 / 9


class CrowdMovementSettings(RuleSettings):
    """Settings of ``crowd_movement``."""

    type: Literal["crowd_movement"]
    zone: Zone
    """Where the crowd is watched. Its border belongs to it."""
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] = ("running", "dispersal")
    """Which movements count. ``fight`` needs a model that has a class for it."""
    min_people: Annotated[int, Field(ge=3, le=1000)] = 5
    """How many people make a crowd: at least so many must run, scatter or gather. A fight needs no crowd."""


class CrowdMovement(Rule):
    """Fires when people run, scatter or gather, or when turmoil fills the zone: once until it is over."""

    settings_model: ClassVar[type[RuleSettings]] = CrowdMovementSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, CrowdMovementSettings):
            raise TypeError(f"CrowdMovement takes CrowdMovementSettings, not {type(settings).__name__}")
        self._settings = settings
        self._paths = Paths(settings.zone)
        self._speeds = Normal()
        self._gathering = Gathering()
        self._agitation = _Agitation(settings.zone)
        self._bodies: deque[float] = deque(maxlen=_BODIES)
        self._lasting = {
            "running": Lasting(_MOVEMENT_S),
            "turmoil": Lasting(0.0),
            "dispersal": Lasting(_MOVEMENT_S),
            "gathering": Lasting(_GATHERING_S),
            "fight": Lasting(_FIGHT_S),
        }

    def update(self, tick: Tick) -> list[Occurrence]:
        aspect = _USUAL_ASPECT if tick.pixels is None else tick.pixels.width / tick.pixels.height
        people = pedestrians(tick.tracks)
        self._bodies.extend(body_length(track.box, aspect) for track in people)
        walkers = self._paths.update(people, tick.captured_at, aspect)
        found = self._by_paths(walkers, tick.captured_at)
        if "running" in self._settings.kinds and tick.pixels is not None:
            found += self._by_flow(tick, people, aspect)
        if "fight" in self._settings.kinds:
            found += self._by_model(tick)
        return found

    def _by_paths(self, walkers: Walkers, now: UtcSeconds) -> list[Occurrence]:
        least = self._settings.min_people
        self._speeds.see(np.linalg.norm(walkers.velocities, axis=1).tolist(), now)
        chosen: dict[Kind, Chosen | None] = {"gathering": self._gathering.update(walkers, now, least)}
        if len(walkers.tracks) >= least:
            chosen["running"] = running(walkers, self._speeds.at_least(_RUNS, _UNUSUAL), least)
            chosen["dispersal"] = scattering(walkers, self._speeds.at_least(_MAKES_OFF, _UNUSUAL), least)
        if chosen.get("running") is not None or chosen.get("dispersal") is not None:
            self._speeds.discard_recent()
        found: list[Occurrence] = []
        for kind in self._settings.kinds:
            who = chosen.get(kind)
            if self._lasting[kind].begins(who is not None, now) and who is not None:
                tracks = [track for track, is_one in zip(walkers.tracks, who, strict=True) if is_one]
                found.append(self._occurrence(kind, kind, tracks, now))
        return found

    def _by_flow(self, tick: Tick, people: Sequence[Track], aspect: float) -> list[Occurrence]:
        inside = [track for track in people if contains(self._settings.zone, ground_point(track.box))]
        body = float(np.median(self._bodies)) / max(1.0, aspect) if self._bodies else 0.0
        is_traffic = len(vehicles(tick.tracks)) > len(inside)
        is_turmoil = self._agitation.update(tick, 0 if is_traffic else len(inside), body)
        if not self._lasting["turmoil"].begins(is_turmoil, tick.captured_at):
            return []
        return [self._occurrence("running", "turmoil", inside, tick.captured_at)]

    def _by_model(self, tick: Tick) -> list[Occurrence]:
        seen = fights(tick.tracks, self._settings.zone)
        if not self._lasting["fight"].begins(bool(seen), tick.captured_at):
            return []
        return [self._occurrence("fight", "fight", seen, tick.captured_at)]

    def _occurrence(self, kind: str, statistic: str, tracks: Sequence[Track], now: UtcSeconds) -> Occurrence:
        details: dict[str, Json] = {"kind": kind, "statistic": statistic}
        if statistic != "fight":  # a model's box of one says not how many take part
            details["people"] = len(tracks)
        since = self._lasting[statistic].since
        return Occurrence(captured_at=now, started_at=since, tracks=tuple(tracks), details=details)


class _Agitation:
    """Whether turmoil fills the zone, and people are in it."""

    def __init__(self, zone: Zone) -> None:
        self._turmoil = Turmoil(zone)
        self._normal = Normal()
        self._shares: deque[tuple[UtcSeconds, float]] = deque()
        self._seen: deque[tuple[UtcSeconds, int]] = deque()

    def update(self, tick: Tick, people: int, body: float) -> bool:
        now = tick.captured_at
        self._seen.append((now, people))
        _forget(self._seen, now, _SEEN_WITHIN_S)
        _forget(self._shares, now, _TURMOIL_S)
        if tick.pixels is None:
            return False
        share = self._turmoil.update(tick.pixels, now, body, vehicles(tick.tracks))
        if share is None:
            return False
        self._normal.see([share], now)
        self._shares.append((now, share))
        if is_turmoil := self._is_turmoil(now):
            self._normal.discard_recent()
        return is_turmoil

    def _is_turmoil(self, now: UtcSeconds) -> bool:
        threshold = self._normal.at_least(_TURMOIL, _UNUSUAL)
        shares = [share for _, share in self._shares]
        is_long = now - self._shares[0][0] >= _LONG * _TURMOIL_S and len(shares) >= _FEWEST
        is_crowd = max(count for _, count in self._seen) >= _TURMOIL_PEOPLE
        is_strong = float(np.mean(shares)) >= threshold and float(np.median(shares)) >= _TURMOIL_MEDIAN * threshold
        return is_long and is_crowd and is_strong


def _forget(
    samples: deque[tuple[UtcSeconds, float]] | deque[tuple[UtcSeconds, int]], now: UtcSeconds, s: float
) -> None:
    while samples and not 0.0 <= now - samples[0][0] <= s:
        samples.popleft()
