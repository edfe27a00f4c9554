"""Follows moving regions from picture to picture, to tell what travels from what only sways or shimmers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import dist, sqrt
from typing import Final

from analytics.detect.blobs import Blob

_TRAVEL: Final = 0.4
"""Net way, in sizes of the object, that proves a journey."""
_STRAIGHT: Final = 0.6
"""Net way over way gone: what sways comes back."""
_ALIKE: Final = 3.0
"""A region that grows or shrinks more at once has joined or left another."""
_STIR: Final = 0.1
"""Way, in sizes of the object, below which it stands still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """A region's history. Points are pixels."""

    blob: Blob
    born_at: tuple[float, float]
    centre: tuple[float, float]
    path: float
    rested_at: tuple[float, float]
    """Where it was when it last stirred."""
    age: int = 1
    """Pictures."""
    rested: int = 0
    """Pictures since it last stirred."""
    missed: int = 0
    """Pictures since it was last seen."""
    has_travelled: bool = False


class Movers:
    """The regions of the last picture.

    Args:
        patience: pictures after which what travelled and then stood still counts as part of the scene.
        memory: pictures for which a region that vanished is remembered.
    """

    def __init__(self, patience: int, memory: int) -> None:
        self._patience = patience
        self._memory = memory
        self._movers: list[Mover] = []

    def follow(self, blobs: Sequence[Blob]) -> list[Mover]:
        """Takes the regions of the next picture; returns their histories in the same order."""
        movers = [self._continued(blob) for blob in blobs]
        vanished = [
            replace(mover, missed=mover.missed + 1)
            for mover in self._movers
            if mover.missed < self._memory and not any(_shared(mover.blob, blob) for blob in blobs)
        ]
        self._movers = movers + vanished
        return movers

    def _continued(self, blob: Blob) -> Mover:
        centre = (blob.left + blob.right) / 2, (blob.top + blob.bottom) / 2
        last = max(self._movers, key=lambda mover: _shared(mover.blob, blob), default=None)
        if last is None or not _shared(last.blob, blob):
            return Mover(blob=blob, born_at=centre, centre=centre, path=0.0, rested_at=centre)
        size = sqrt(blob.width * blob.height)
        is_alike = 1 / _ALIKE < blob.area / last.blob.area < _ALIKE
        born_at = last.born_at if is_alike else centre
        path = last.path + dist(centre, last.centre) if is_alike else 0.0
        way = dist(centre, born_at)
        is_resting = dist(centre, last.rested_at) <= _STIR * size
        rested = last.rested + 1 if is_resting else 0
        travelled = last.has_travelled or (way > _TRAVEL * size and way > _STRAIGHT * path)
        return Mover(
            blob=blob,
            born_at=born_at,
            centre=centre,
            path=path,
            rested_at=last.rested_at if is_resting else centre,
            age=last.age + 1,
            rested=rested,
            has_travelled=travelled and rested <= self._patience,
        )


def _shared(one: Blob, other: Blob) -> int:
    """Pixels that two boxes have in common."""
    columns = min(one.right, other.right) - max(one.left, other.left)
    rows = min(one.bottom, other.bottom) - max(one.top, other.top)
    return max(columns, 0) * max(rows, 0)
