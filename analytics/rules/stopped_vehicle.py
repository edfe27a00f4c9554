"""``stopped_vehicle``: a vehicle stands still in a zone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from analytics.rules.area import Area
from analytics.rules.geometry import CLEARLY
from analytics.rules.sightings import Sightings
from analytics.rules.stillness import Standstill, is_beside
from config.geometry import Zone
from config.model import RuleSettings
from core.contracts import Rule
from core.types import Box, Occurrence, Tick, Track, UtcSeconds

_HIDDEN_S = 10.0
"""A standing vehicle may be hidden, or not detected, for so long; under whatever track it reappears in its place."""
_ROUNDING_S = 1e-6

_Vehicles: TypeAlias = Annotated[
    tuple[Literal["bicycle", "car", "motorcycle", "bus", "truck", "object"], ...], Field(min_length=1)
]
"""What can be parked; a person who stands still is what ``loitering`` is for."""


class StoppedVehicleSettings(RuleSettings):
    """Settings of ``stopped_vehicle``."""

    type: Literal["stopped_vehicle"]
    zone: Zone
    """Where vehicles must not stand. Its border belongs to it."""
    classes: _Vehicles = ("car", "motorcycle", "bus", "truck")
    """Which vehicles count."""
    dwell_s: Annotated[float, Field(ge=1.0, le=86400.0)] = 30.0
    """How long a vehicle must stand still."""


@dataclass(slots=True)
class _Vehicle:
    """One vehicle in the zone."""

    standstill: Standstill
    is_inside: bool = False
    is_reported: bool = False
    """Whether its present standstill is reported, by itself or with its queue."""


class StoppedVehicle(Rule):
    """Fires when a vehicle has stood still in the zone for ``dwell_s``: once per standstill, and once per queue.

    Only measured positions count.
    """

    settings_model: ClassVar[type[RuleSettings]] = StoppedVehicleSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, StoppedVehicleSettings):
            raise TypeError(f"StoppedVehicle takes StoppedVehicleSettings, not {type(settings).__name__}")
        self._zone = Area(settings.zone)
        self._dwell_s = settings.dwell_s
        self._vehicles: dict[int, _Vehicle] = {}

    def update(self, tick: Tick) -> list[Occurrence]:
        seen = tick.once(Sightings)
        for track_id in [id_ for id_, known in self._vehicles.items() if seen.at - known.standstill.at > _HIDDEN_S]:
            del self._vehicles[track_id]
        for track, distance in zip(seen.tracks, tick.once(self._zone), strict=True):
            if distance >= CLEARLY:
                self._vehicles.pop(track.track_id, None)
            else:
                self._see(track, seen).is_inside = distance <= 0.0
        return self._report(seen.tracks, seen.at)

    def _see(self, track: Track, seen: Sightings) -> _Vehicle:
        vehicle = self._vehicles.get(track.track_id)
        if vehicle is None:
            vehicle = self._reappeared(track.box, seen.by_id) or _Vehicle(Standstill(track.box, seen.at))
            self._vehicles[track.track_id] = vehicle
        if not vehicle.standstill.see(track.box, seen.at):
            vehicle.is_reported = False
        return vehicle

    def _reappeared(self, box: Box, present: Collection[int]) -> _Vehicle | None:
        """The vehicle that stood there when it was last seen, under a track that is lost."""
        former = next(
            (
                track_id
                for track_id, known in self._vehicles.items()
                if track_id not in present and known.standstill.is_settled and known.standstill.is_at(box)
            ),
            None,
        )
        return None if former is None else self._vehicles.pop(former)

    def _report(self, measured: Sequence[Track], now: UtcSeconds) -> list[Occurrence]:
        """At most one occurrence per queue: those who stand in one that is reported join it silently."""
        due = {track.track_id: track for track in measured if self._is_due(self._vehicles.get(track.track_id), now)}
        found: list[Occurrence] = []
        for queue in self._queues() if due else []:
            tracks = tuple(track for track_id, track in due.items() if track_id in queue)
            vehicles = [self._vehicles[track.track_id] for track in tracks]
            if tracks and not any(self._vehicles[track_id].is_reported for track_id in queue):
                started_at = min(vehicle.standstill.since for vehicle in vehicles)
                found.append(Occurrence(captured_at=now, started_at=started_at, tracks=tracks))
            for vehicle in vehicles:
                vehicle.is_reported = True
        return found

    def _is_due(self, vehicle: _Vehicle | None, now: UtcSeconds) -> bool:
        if vehicle is None or vehicle.is_reported or not (vehicle.is_inside and vehicle.standstill.is_settled):
            return False
        return now - vehicle.standstill.since >= self._dwell_s - _ROUNDING_S

    def _queues(self) -> list[set[int]]:
        """The standing vehicles, seen or hidden, by groups in which each stands beside another."""
        queues: list[set[int]] = []
        for track_id, vehicle in self._vehicles.items():
            if not (vehicle.standstill.is_settled or vehicle.is_reported):
                continue
            near = [queue for queue in queues if any(self._stand_together(vehicle, other) for other in queue)]
            queues = [queue for queue in queues if queue not in near]
            queues.append({track_id}.union(*near))
        return queues

    def _stand_together(self, vehicle: _Vehicle, other_id: int) -> bool:
        return is_beside(vehicle.standstill.box, self._vehicles[other_id].standstill.box)
