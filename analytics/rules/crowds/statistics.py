"""The statistics by which a crowd's movement is told: who runs, who scatters, where people gather."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.rules.crowds.people_moving import Walkers
from core.types import UtcSeconds

_ALONG: Final = 0.5
"""Cosine from which a movement is along a direction: within 60 degrees."""
_HALF: Final = 0.5
_MOST: Final = 0.7
_ONE_STREAM: Final = 0.5
"""Mean resultant length of directions: those above go one way, which is no scattering."""
_MOVES: Final = 0.3
_NEAR: Final = 2.5
"""Body lengths within which people stand together …"""
_AROUND: Final = 8.0
"""… and from where they come to them."""
_GROWTH: Final = 5
_TIMES: Final = 2.0
_BEFORE_S: Final = 10.0
"""A gathering is compared with how it was longer ago than this …"""
_REMEMBERED_S: Final = 60.0
"""… and no longer ago than this."""
_INWARD_S: Final = 10.0
_SAMPLE_S: Final = 1.0

Chosen = NDArray[np.bool_]


def running(walkers: Walkers, speed: float, least: int) -> Chosen | None:
    """Those who move faster than ``speed``, if they are ``least`` or more, and half of all."""
    runs = np.linalg.norm(walkers.velocities, axis=1) > speed
    return runs if runs.sum() >= least and runs.mean() >= _HALF else None


def scattering(walkers: Walkers, speed: float, least: int) -> Chosen | None:
    """Those who make off in all directions, away from where they were, faster than ``speed``."""
    fast = np.linalg.norm(walkers.velocities, axis=1) > speed
    if fast.sum() < least or fast.mean() < _HALF:
        return None
    began = walkers.places - walkers.velocities * walkers.bodies[:, None]
    centre = np.median(began[fast], axis=0)
    directions = _directions(walkers.velocities)
    outward = fast & ((directions * _directions(walkers.places - centre)).sum(axis=1) > _ALONG)
    if outward.sum() < max(least, _MOST * fast.sum()):
        return None
    return outward if np.linalg.norm(directions[outward].mean(axis=0)) < _ONE_STREAM else None


class Gathering:
    """Watches how many stand together, and whether others come to them."""

    def __init__(self) -> None:
        self._sizes: deque[tuple[UtcSeconds, int]] = deque()
        self._inward_at: UtcSeconds | None = None

    def update(self, walkers: Walkers, now: UtcSeconds, least: int) -> Chosen | None:
        """Those who stand together, if they have become far more than they were, by people who came to them."""
        together = _largest_group(walkers)
        size = int(together.sum())
        self._remember(size, now)
        if size and _inward(walkers, together) >= least:
            self._inward_at = now
        before = [known for at, known in self._sizes if now - at >= _BEFORE_S]
        if not before or self._inward_at is None or now - self._inward_at > _INWARD_S:
            return None
        if now - self._sizes[0][0] < 2.0 * _BEFORE_S:
            return None
        usual = float(np.percentile(before, 75))
        return together if size >= max(_TIMES * usual, usual + _GROWTH, least) else None

    def _remember(self, size: int, now: UtcSeconds) -> None:
        if not self._sizes or now - self._sizes[-1][0] >= _SAMPLE_S:
            self._sizes.append((now, size))
        while now - self._sizes[0][0] > _REMEMBERED_S:
            self._sizes.popleft()


def _largest_group(walkers: Walkers) -> Chosen:
    if not len(walkers.places):
        return np.zeros(0, np.bool_)
    apart = np.linalg.norm(walkers.places[:, None] - walkers.places[None, :], axis=2)
    near = apart <= _NEAR * walkers.bodies[:, None]
    group: Chosen = near[int(near.sum(axis=1).argmax())]
    return group


def _inward(walkers: Walkers, together: Chosen) -> int:
    """How many move towards the middle of those who are together; 0 unless most of those who move around it do."""
    offsets = walkers.places - walkers.places[together].mean(axis=0)
    around = np.linalg.norm(offsets, axis=1) <= _AROUND * walkers.bodies
    moving = around & (np.linalg.norm(walkers.velocities, axis=1) > _MOVES)
    inward = moving & ((_directions(walkers.velocities) * -_directions(offsets)).sum(axis=1) > _ALONG)
    return int(inward.sum()) if inward.sum() >= _MOST * max(1, moving.sum()) else 0


def _directions(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    unit: NDArray[np.float64] = vectors / lengths
    return unit
