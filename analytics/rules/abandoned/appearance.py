"""What a change in a scene is: a thing that was put there, one that was taken away, or light that fell differently."""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.detect.texture import Texture as _Pattern
from analytics.rules.abandoned.standing_changes import Changes, Mask
from core.types import Picture

_DARK: Final = 8.0
"""Added to tones before they are divided: below it there is nothing but noise."""
_LIGHT: Final = (0.5, 1.8)
"""A shadow or a light multiplies what is there by a factor in this range …"""
_SAME_COLOUR: Final = 0.16
"""… which is the same for all colours, to this share of it."""
_PATTERN: Final = 10.0
"""Standard deviation of grey in a window (9 x 9) below which there is no pattern."""
_WINDOW: Final = (9, 9)
_FAINT: Final = 6.0
_ALIKE: Final = 0.88
_MARGIN: Final = 9
_BAND: Final = np.ones((5, 5), np.uint8)
_RING: Final = np.ones((15, 15), np.uint8)
_SAMPLES: Final = 200
_RIM: Final = (2, 4)
"""So many pixels along the edge of what differs are half of each side. They are left out, and more for certainty, up to …"""
_LEAST_INNER: Final = 16
"""… as long as so many pixels remain."""


class Appearance(NamedTuple):
    """Measured on one patch of changed pixels."""

    outline: float
    """Edges along its outline, now against at rest: 1 all are new, 0 as many as before, -1 all are gone."""
    novelty: float
    """How foreign what is inside is to what surrounds it, now against at rest: 1 only now, -1 only at rest."""
    texture: float
    """How far the tones inside keep the pattern they had before, in proportion: 1 the same surface, 0 another one."""
    spread: float
    """Standard deviation of the logarithm of the factor by which they changed: light changes all places and all colours
    nearly alike. 0 where all is rim."""
    solidity: float
    """Share of its convex hull that it fills."""


def is_light(picture: Picture, rest: Picture, where: Mask) -> Mask:
    """Of the places given, those where the picture is the scene at rest in another light.

    Light keeps the pattern of what it falls on; where there is no pattern, it keeps at least the colours' proportions.
    """
    found = np.zeros_like(where)
    window = _window_of(where)
    now, before, wanted = picture[window], rest[window], where[window]
    texture, other = _Pattern.of(now), _Pattern.of(before)
    plain = wanted & (np.maximum(texture.variance, other.variance) < _PATTERN**2)
    found[window] = wanted & _is_alike(texture, other)
    rows, columns = np.nonzero(plain)
    factors = (now[rows, columns] + np.float32(_DARK)) / (before[rows, columns] + np.float32(_DARK))
    middle = factors.mean(axis=1)
    same = np.ptp(factors, axis=1) <= _SAME_COLOUR * middle
    found[window][rows, columns] = same & (middle >= _LIGHT[0]) & (middle <= _LIGHT[1])
    return found


def _is_alike(one: _Pattern, other: _Pattern) -> Mask:
    """Where both have a pattern, and so nearly the same that no thing can have come between."""
    blurred = (cv2.blur(one.grey * other.grey, _WINDOW) - one.mean * other.mean) / np.sqrt(
        np.maximum(one.variance * other.variance, 1.0)
    )
    return np.asarray((blurred > _ALIKE) & (np.minimum(one.variance, other.variance) > _FAINT**2), np.bool_)


def _window_of(patch: Mask) -> tuple[slice, slice]:
    """Rows and columns of what is True, with a margin."""
    rows, columns = np.flatnonzero(patch.any(axis=1)), np.flatnonzero(patch.any(axis=0))
    height, width = patch.shape
    return (
        slice(max(int(rows[0]) - _MARGIN, 0), min(int(rows[-1]) + 1 + _MARGIN, height)),
        slice(max(int(columns[0]) - _MARGIN, 0), min(int(columns[-1]) + 1 + _MARGIN, width)),
    )


def appearance_of(changes: Changes, patch: Mask, put_at: float) -> Appearance:
    """Looks at one patch (height x width, True where changed). What was learnt after ``put_at`` tells nothing."""
    window = _window_of(patch)
    mask = patch[window].astype(np.uint8)
    now, before = _grey(changes.picture[window]), _grey(changes.rest[window])
    inside = _inside(mask, changes.since[window] >= 0.0)
    seen = inside if inside.any() else patch[window]
    tones, others = _logarithms(changes.picture[window][seen]), _logarithms(changes.rest[window][seen])
    late = cv2.dilate((changes.learnt_at[window] > put_at).astype(np.uint8), _BAND) != 0
    band = (cv2.dilate(mask, _BAND) != 0) & (cv2.erode(mask, _BAND) == 0) & ~late
    new, old = float(_edges(now)[band].sum()), float(_edges(before)[band].sum())
    return Appearance(
        outline=(new - old) / max(new + old, 1.0),
        novelty=_novelty(changes.picture[window], changes.rest[window], mask, late),
        texture=_concordance(tones - tones.mean(axis=0), others - others.mean(axis=0)),
        spread=float(np.std(tones - others)) if inside.any() else 0.0,
        solidity=float(mask.sum()) / max(float(_hull(mask).sum()), 1.0),
    )


def _inside(mask: NDArray[np.uint8], differs: Mask) -> Mask:
    """What a patch spans of all that differs now, without the rim: that which passes for light belongs to it again.

    Of a shadow only the outline is left as a patch, and of one that moves only the part that has stood for a while.
    """
    whole, spanned, found = (differs | (mask != 0)).astype(np.uint8), _hull(mask), np.zeros_like(mask)
    for rim in range(_RIM[0], _RIM[1] + 1):
        deeper = np.asarray(cv2.erode(whole, np.ones((2 * rim + 1, 2 * rim + 1), np.uint8)), np.uint8) & spanned
        if int(deeper.sum()) < _LEAST_INNER:
            break
        found = deeper
    return np.asarray(found != 0)


def _novelty(now: Picture, before: Picture, mask: NDArray[np.uint8], late: Mask) -> float:
    """A thing that is taken away leaves what continues around it; one that is put there interrupts it."""
    around = (cv2.dilate(mask, _RING) != 0) & (cv2.dilate(mask, _BAND) == 0) & ~late
    inside = mask != 0
    if not around.any():
        return 0.0
    new, old = _foreignness(now, inside, around), _foreignness(before, inside, around)
    return (new - old) / max(new + old, 1.0)


def _foreignness(picture: Picture, inside: Mask, around: Mask) -> float:
    """Mean distance of the colours inside from the most similar one around."""
    colours, others = picture[inside].astype(np.float32), picture[around].astype(np.float32)
    colours = colours[:: max(1, len(colours) // _SAMPLES)]
    others = others[:: max(1, len(others) // _SAMPLES)]
    distances = np.abs(colours[:, None] - others[None]).max(axis=2)
    return float(distances.min(axis=1).mean())


def _grey(picture: Picture) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)


def _edges(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)), np.float32)


def _logarithms(colours: Picture) -> NDArray[np.float32]:
    """Pixels x 3: light adds the same to all."""
    return np.asarray(np.log(colours + np.float32(_DARK)), np.float32)


def _concordance(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    spread = float((first * first).sum() + (second * second).sum())
    return 2.0 * float((first * second).sum()) / max(spread, 1e-6)


def _hull(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    points = cv2.findNonZero(mask)
    hull = cv2.convexHull(np.asarray(points))
    return np.asarray(cv2.fillConvexPoly(np.zeros_like(mask), np.asarray(hull), 1), np.uint8)
