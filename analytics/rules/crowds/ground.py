"""A calibrated ground: what an area of the picture measures in metres."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final

import cv2
import numpy as np
from pydantic import Field, model_validator

from config.geometry import Zone
from config.model import Settings
from core.types import Polygon

_SMALLEST_DEPTH: Final = 1e-6
_METRES = Field(gt=0.0, le=1000.0)


class Ground(Settings):
    """A rectangle on the ground as the picture shows it."""

    corners: Annotated[Zone, Field(min_length=4, max_length=4)]
    """Its four corners in order; the first two are ``width_m`` apart, the second and third ``length_m``."""
    width_m: Annotated[float, _METRES]
    """Metres from the first corner to the second."""
    length_m: Annotated[float, _METRES]
    """Metres from the second corner to the third."""

    @model_validator(mode="after")
    def _is_convex(self) -> Ground:
        turns = [_turn(*(self.corners[(index + step) % 4] for step in range(3))) for index in range(4)]
        if not (all(turn > 0.0 for turn in turns) or all(turn < 0.0 for turn in turns)):
            raise ValueError("the four corners are those of no rectangle on the ground; give them in order around it")
        return self

    def area_m2(self, zone: Polygon) -> float | None:
        """What a zone measures on the ground; None where it reaches the horizon."""
        metres = [(0.0, 0.0), (self.width_m, 0.0), (self.width_m, self.length_m), (0.0, self.length_m)]
        to_ground = cv2.getPerspectiveTransform(np.array(self.corners, np.float32), np.array(metres, np.float32))
        placed = np.array([(*point, 1.0) for point in (*self.corners, *zone)]) @ to_ground.T
        depth = placed[:, 2] * np.sign(placed[0, 2])
        if depth.min() <= _SMALLEST_DEPTH * depth.max():
            return None
        points = placed[4:, :2] / placed[4:, 2:]
        closed = [*points.tolist(), points[0].tolist()]
        return float(abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(closed)))) / 2


def _turn(first: tuple[float, float], second: tuple[float, float], third: tuple[float, float]) -> float:
    """Positive where the way from the first point over the second to the third turns clockwise in the picture."""
    return (second[0] - first[0]) * (third[1] - second[1]) - (second[1] - first[1]) * (third[0] - second[0])
