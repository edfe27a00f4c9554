"""Tells a body on the floor by its outline: what is new in a place, in the height of the person who stood there."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.rules.falls.backdrop import Mask, Window
from core.types import Box

_JOINS = 0.08
"""Pieces closer than this are one thing: clothes have the floor's colour here and there."""
_SPECK = 0.06
"""Threads narrower than this are folds of a carpet, or edges."""
_LEAST_AREA = 0.04
"""Square heights. A standing person covers some 0.2, a bag 0.03, a body of which half cannot be told from the floor 0.05."""
_LEAST_FOREIGN = 0.03
"""Square heights of a body that have a colour which the floor around does not have. On the shared clips bodies have
0.034 to 0.3 (medians), ruffled carpets up to 0.017."""
_MOST_AREA = 2.0
"""More is a door that opened, or another light."""
_LEAST_LENGTH = 0.4
"""A body that lies towards the camera is that long at least."""
_LEAST_FILL = 0.4
"""Share of an outline that is really new: a ruffled carpet is new in its folds only."""
_LEAST_MASS = 0.35
"""Share of all that is new: of one who sits or lies on furniture, only the feet or a shadow are on the floor."""
_LOW = 0.72
"""What is higher than this still stands, sits or bends."""
_WIDE = 1.25
"""What is so much wider than high lies, if it is low."""
_SQUAT = 0.62
"""One who squats or kneels is lower than this only if the head has dropped by less than ``_DROP``."""
_DROP = 0.55
"""By how many heights the head of one who lies towards the camera has dropped; in a squat it is 0.5."""
_LEAST_DROP = 0.3
"""The head of everybody who lies is lower than before by this."""
_BROAD = 0.8
"""A body that lies towards the camera is hardly higher than wide; what is narrow is a part of somebody who stands."""
_IN_ZONE = 0.6
"""Share of the body that must be in the zone."""


class Outline(NamedTuple):
    """The thing in a place that is most surely new. Lengths are heights of the person who stood there."""

    box: Box
    """Where it is, normalised to the whole picture."""
    width: float
    height: float
    area: float
    """Of what is new in it, in square heights."""
    foreign: float
    """Of what has a colour that is not the place's, in square heights."""
    fill: float
    """Share of it that is new."""
    mass: float
    """Its share of all that is new around."""
    inside: float
    """Share of it in the zone."""

    def lies(self, drop: float) -> bool:
        """Whether it is a body on the floor; ``drop``: by how many heights its top is below the person's head."""
        is_body = _LEAST_AREA <= self.area <= _MOST_AREA and max(self.width, self.height) >= _LEAST_LENGTH
        is_body = is_body and self.foreign >= _LEAST_FOREIGN
        is_sound = self.fill >= _LEAST_FILL and self.mass >= _LEAST_MASS and self.inside >= _IN_ZONE
        return is_body and is_sound and is_low(self.width, self.height, drop)


def is_low(width: float, height: float, drop: float) -> bool:
    """Whether something of this size, in heights of the person, lies rather than squats, sits, bends or stands."""
    if drop < _LEAST_DROP:
        return False
    return (height <= _LOW and width >= _WIDE * height) or (
        height <= _SQUAT and width >= _BROAD * height and drop >= _DROP
    )


def outline(
    new: Mask, foreign: Mask, zone: Mask, where: Window, shape: tuple[int, ...], height: float
) -> Outline | None:
    """The thing in a mask of what is new that has most of foreign colours; None where nothing is new.

    ``new``, ``foreign`` and ``zone`` are that window of a picture of ``shape``; ``height`` is the person's, in its rows.
    """
    closed = cv2.morphologyEx(new.astype(np.uint8), cv2.MORPH_CLOSE, _square(_JOINS * height))
    solid = cv2.morphologyEx(closed, cv2.MORPH_OPEN, _square(_SPECK * height))
    count, labels, figures, _ = cv2.connectedComponentsWithStats(solid)
    if count <= 1:
        return None
    masses = np.bincount(labels[new], minlength=count)
    strange = np.bincount(labels[new & foreign], minlength=count)
    largest = 1 + int((strange if strange[1:].any() else masses)[1:].argmax())
    left, top, columns, rows, pixels = (int(value) for value in figures[largest])
    mass = int(masses[largest])
    return Outline(
        box=_box(where[1].start + left, where[0].start + top, columns, rows, shape),
        width=columns / height,
        height=rows / height,
        area=mass / height**2,
        foreign=int(strange[largest]) / height**2,
        fill=mass / pixels,
        mass=mass / int(masses[1:].sum()),
        inside=float(zone[labels == largest].mean()),
    )


def _square(side: float) -> NDArray[np.uint8]:
    odd = 2 * round(side / 2) + 1
    return np.ones((odd, odd), np.uint8)


def _box(left: int, top: int, columns: int, rows: int, shape: tuple[int, ...]) -> Box:
    height, width = shape[:2]
    return Box(left=left / width, top=top / height, right=(left + columns) / width, bottom=(top + rows) / height)
