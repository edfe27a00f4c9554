"""What a density map says of people in a zone, as far as somebody confirms that there are people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.detect.network import Floats
from core.types import Box, Pixels, Polygon

_NEAR: Final = 1.0
"""So many body heights around somebody who was recognised the map is believed. Such models take branches, cars, shelves and
flames for crowds; in the crowds of the reference clips nothing of the map lies further away."""
_FINE: Final = 8
"""Parts of a cell's side by which the border of a zone divides it."""


class Reading(NamedTuple):
    """What a rule was told of a density map: of which zone, near whom, and how many people."""

    zone: Polygon
    seen: tuple[Box, ...]
    people: float


class DensityReadings:
    """``core.types.DensityLook`` for one frame: the map is drawn when a rule first asks, for all of them."""

    def __init__(self, map_of: Callable[[Pixels], Floats], pixels: Pixels) -> None:
        self._map_of = map_of
        self._pixels = pixels
        self._map: Floats | None = None
        self.taken: list[Reading] = []
        """What was told, each question once."""

    def __call__(self, zone: Polygon, seen: Sequence[Box]) -> float:
        """As ``core.types.DensityLook``. Raises ``ModelError`` where the model fails."""
        question = zone, tuple(seen)
        for reading in self.taken:
            if reading[:2] == question:
                return reading.people
        if self._map is None:
            self._map = self._map_of(self._pixels)
        reading = Reading(*question, people_near(self._map, zone, seen, self._pixels.width / self._pixels.height))
        self.taken.append(reading)
        return reading.people


def people_near(people: Floats, zone: Polygon, seen: Sequence[Box], aspect: float) -> float:
    """How many people of a map (rows x columns) stand in the zone, near one of those who were seen.

    A map marks heads, a zone is ground: who is near somebody counts as of the same height, and stands that much lower. Of
    a cell that the zone's border cuts, the share inside counts. ``aspect``: width over height of the picture.
    """
    rows, columns = people.shape
    ground = zone_shares(zone, rows, columns)
    believed = np.zeros_like(ground)
    for box in seen:
        reach = _NEAR * box.height
        down = _cells(box.top - reach, box.bottom + reach, rows)
        across = _cells(box.left - reach / aspect, box.right + reach / aspect, columns)
        feet = np.minimum(np.arange(rows)[down] + round(box.height * rows), rows - 1)
        believed[down, across] = np.maximum(believed[down, across], ground[feet, across])
    return float((people * believed).sum(dtype=np.float64))


def zone_shares(zone: Polygon, rows: int, columns: int) -> NDArray[np.float32]:
    """Rows x columns: the share of each cell that lies in the zone, 0..1."""
    fine = np.zeros((rows * _FINE, columns * _FINE), np.float32)
    corners = np.array(zone) * (columns * _FINE, rows * _FINE) - 0.5  # OpenCV's whole numbers are middles of pixels
    cv2.fillPoly(fine, [np.round(corners).astype(np.int32)], 1.0)
    shares: NDArray[np.float32] = fine.reshape(rows, _FINE, columns, _FINE).mean(axis=(1, 3), dtype=np.float32)
    return shares


def _cells(begin: float, end: float, count: int) -> slice:
    """The cells that a stretch of the picture, in shares of it, touches."""
    return slice(max(0, int(begin * count)), max(0, int(np.ceil(end * count))))
