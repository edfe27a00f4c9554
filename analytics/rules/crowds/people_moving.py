"""Where people go and how fast, in body lengths: what statistics of a crowd are made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.detect.labels import PERSON
from analytics.rules.geometry import contains, ground_point, overlap
from core.types import Box, Polygon, Track, UtcSeconds

Places = NDArray[np.float64]
"""N x 2, in picture heights, so that distances are those that people see."""

_OVER_S: Final = 1.0
"""Velocities are those over so long: a trembling box goes nowhere …"""
_AT_LEAST_S: Final = 0.6
"""… and from so long a path on."""
_SLENDER: Final = 2.5
"""A standing person is so many times as high as wide. Seen from above, or with hidden legs, the width tells the length."""
_RIDES: Final = 0.5
"""A person of whom a vehicle covers more rides in it."""
_VEHICLES: Final = frozenset({"bicycle", "car", "motorcycle", "bus", "truck"})


class Walkers(NamedTuple):
    """The people in the zone of whom a path is known. All arrays have a row for each."""

    tracks: tuple[Track, ...]
    places: Places
    velocities: Places
    """In body lengths a second."""
    bodies: NDArray[np.float64]
    """How long a body is, in picture heights."""


class Paths:
    """Remembers the last second of everybody in the zone."""

    def __init__(self, zone: Polygon) -> None:
        self._zone = zone
        self._paths: dict[int, deque[tuple[UtcSeconds, float, float]]] = {}

    def update(self, tracks: Sequence[Track], now: UtcSeconds, aspect: float) -> Walkers:
        """Takes the people of one frame (``pedestrians``); ``aspect`` is picture width / height."""
        self._paths = {id_: path for id_, path in self._paths.items() if 0.0 <= now - path[-1][0] <= _OVER_S}
        walkers: list[tuple[Track, float, float, float, float, float]] = []
        for track in tracks:
            path = self._paths.setdefault(track.track_id, deque())
            x, y = track.box.centre[0] * aspect, track.box.centre[1]
            path.append((now, x, y))
            while now - path[0][0] > _OVER_S:
                path.popleft()
            began_at, began_x, began_y = path[0]
            if now - began_at >= _AT_LEAST_S and contains(self._zone, ground_point(track.box)):
                body = body_length(track.box, aspect)
                scale = 1.0 / (body * (now - began_at))
                walkers.append((track, x, y, (x - began_x) * scale, (y - began_y) * scale, body))
        figures = np.array([row[1:] for row in walkers], dtype=np.float64).reshape(len(walkers), 5)
        return Walkers(tuple(row[0] for row in walkers), figures[:, :2], figures[:, 2:4], figures[:, 4])


def body_length(box: Box, aspect: float) -> float:
    """How long a person is, in picture heights, whichever way the camera looks."""
    return max(box.height, _SLENDER * box.width * aspect, 1e-6)


def vehicles(tracks: Sequence[Track]) -> list[Box]:
    """Where vehicles are."""
    return [track.box for track in tracks if track.label in _VEHICLES]


def pedestrians(tracks: Sequence[Track]) -> list[Track]:
    """The people who were seen and ride in or on nothing."""
    rides = vehicles(tracks)
    return [
        track
        for track in tracks
        if track.label == PERSON and track.is_measured and all(overlap(track.box, ride) <= _RIDES for ride in rides)
    ]
