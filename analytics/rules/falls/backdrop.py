"""What a place looks like without people, learned from the pictures of one camera, and what is new in it.

Works on pictures of some two hundred rows or columns: a change that matters to a rule covers many pixels even there,
and a camera that shakes by a few pixels shakes by less than one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Box, Picture, Pixels, UtcSeconds

Mask = NDArray[np.bool_]
"""Rows x columns of the small picture, or of a window of it."""
Window = tuple[slice, slice]
"""Rows and columns of the small picture."""

_LONG_SIDE = 256
"""Pixels of the longer side: a person of a tenth of the picture's height still has some 15 rows."""
_KNOWN_S = 0.45
"""A pixel must have been free of people for so long before it is known; for a picture or two the detector may be wrong."""
_SURE_S = 1.5
"""Until it was free for so long, what was learned of a pixel is forgotten when somebody turns out to stand there: a
tracker needs some pictures before it is certain of a person, and a detector sometimes a second."""
_INTERVAL_S = 0.125
"""Time that the first picture stands for: that between two at the usual rate."""
_LONGEST_S = 0.25
"""Time that any picture stands for at most, whatever the gap before it."""
_STEP_S = 0.5
"""The backdrop follows the picture by one grey level in this time: light that wanders, and nobody who lies there."""
_LEAST_DIFFERENCE = 18
"""Grey levels; less is what a re-encoded picture (CRF 35) differs by from itself."""
_FOREIGN = 0.67
"""Share of the threshold for colours: the extremes of a whole neighbourhood differ by noise already."""
_NOISES = 5.0
"""A difference must exceed the present noise by so much."""
_SPARSE = 4
"""To measure light and noise, every fourth pixel of every fourth row is enough."""
_MARGIN = 0.1
"""A person may reach so far beyond the box, in shares of the box."""
_DARKEST = 0.55
"""A shadow takes less than half of the light of a room."""
_TINT = 0.12
"""Share of the light by which colours may differ in a shadow."""
_BLACK = np.float32(8.0)
"""Grey levels added to all, so that noise in the dark means nothing."""
_SHAKE = np.ones((3, 3), np.uint8)


class View(NamedTuple):
    """One picture, and what is needed to compare another one with it."""

    picture: Picture
    """The picture, small."""
    light: NDArray[np.int16]
    """By how many grey levels each colour is brighter than in the backdrop."""
    threshold: float
    """Grey levels by which a pixel must differ to be something else."""
    people: Mask
    """Where people were."""


class Backdrop:
    """The place without people. Pictures come in capture order."""

    def __init__(self) -> None:
        self._looks: Picture = np.zeros((0, 0, 3), np.uint8)
        self._free: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        """For how many seconds each pixel has been free of people, up to ``_SURE_S``."""
        self._at: UtcSeconds | None = None
        self._followed_at: UtcSeconds | None = None

    def look(self, pixels: Pixels, at: UtcSeconds, people: Iterable[Box], kept: Iterable[Box]) -> View:
        """Takes a picture. Nothing is learned where ``people`` are, nor in the places that are ``kept`` as they were."""
        small = pixels.rgb(*_small(pixels.width, pixels.height))
        picture: Picture = cv2.blur(small, (3, 3)).astype(np.uint8, copy=False)
        if self._looks.shape != picture.shape:
            self._looks, self._free = picture.copy(), np.zeros(picture.shape[:2], np.float32)
        occupied = covered(people, picture.shape, _MARGIN)
        light, threshold = self._conditions(picture, occupied)
        self._learn(picture, occupied, covered(kept, picture.shape, 0.0), at)
        return View(picture, light, threshold, occupied)

    def new(self, now: View, before: View, where: Window) -> Mask:
        """What has come into a window since the earlier picture and does not belong to the place.

        Where people hid the place then, it is compared with the backdrop alone; where the backdrop is not known, with
        the earlier picture alone. Where neither can tell, nothing is new.
        """
        known, hidden = self._free[where] >= _KNOWN_S, before.people[where]
        picture = now.picture[where]
        threshold = max(now.threshold, before.threshold)
        strange = _differs(picture, self._looks[where], now.light, now.threshold)
        since = _differs(picture, before.picture[where], now.light - before.light, threshold)
        found: Mask = np.where(known, strange, ~hidden) & (since | hidden)
        return found

    def foreign(self, now: View, where: Window, around: float) -> Mask:
        """Where a window has a colour that nothing of the place has within ``around`` pixels.

        A carpet that is pulled and a thing that is moved a little look new, but have the colours of the place.
        """
        square = np.ones((2 * round(around) + 1,) * 2, np.uint8)
        expected = np.clip(now.picture[where] - now.light, 0, 255).astype(np.uint8)
        return _is_outside(expected, self._looks[where], square, _FOREIGN * now.threshold)

    def _conditions(self, picture: Picture, occupied: Mask) -> tuple[NDArray[np.int16], float]:
        """How light and noise are now, by the pixels that show the place itself: the median is deaf to the others."""
        seen = ~occupied[::_SPARSE, ::_SPARSE]
        if not seen.any():
            return np.zeros(3, np.int16), float(_LEAST_DIFFERENCE)
        difference = picture[::_SPARSE, ::_SPARSE][seen].astype(np.int16) - self._looks[::_SPARSE, ::_SPARSE][seen]
        light = np.median(difference, axis=0).astype(np.int16)
        noise = float(np.median(np.abs(difference - light)))
        return light, max(float(_LEAST_DIFFERENCE), _NOISES * noise)

    def _learn(self, picture: Picture, occupied: Mask, kept: Mask, at: UtcSeconds) -> None:
        elapsed = _INTERVAL_S if self._at is None else min(max(at - self._at, 0.0), _LONGEST_S)
        self._at = at
        young = self._free < _SURE_S
        self._free[occupied & young] = 0
        learned = ~(occupied | kept)
        fresh = learned & young
        if fresh.any():
            share = elapsed / np.maximum(self._free[fresh] + elapsed, elapsed or 1.0)[:, None]
            self._looks[fresh] = np.round(self._looks[fresh] * (1.0 - share) + picture[fresh] * share).astype(np.uint8)
            self._free[fresh] += elapsed
        if self._followed_at is None or abs(at - self._followed_at) >= _STEP_S:
            self._followed_at = at
            settled = (learned & ~young).astype(np.uint8)[..., None]
            self._looks += (picture > self._looks) * settled
            self._looks -= (picture < self._looks) * settled


def covered(boxes: Iterable[Box], shape: tuple[int, ...], margin: float) -> Mask:
    """The pixels of these boxes, widened on each side by a share of their size."""
    mask = np.zeros(shape[:2], bool)
    for box in boxes:
        mask[window(widened(box, margin), shape)] = True
    return mask


def widened(box: Box, margin: float) -> Box:
    """The box with so much more on each side, in shares of its width and height."""
    x, y = margin * box.width, margin * box.height
    return Box(left=box.left - x, top=box.top - y, right=box.right + x, bottom=box.bottom + y)


def window(box: Box, shape: tuple[int, ...]) -> Window:
    """Rows and columns of a box, as far as it is in the picture."""
    height, width = shape[:2]
    rows = slice(max(0, int(box.top * height)), max(0, int(box.bottom * height) + 1))
    return rows, slice(max(0, int(box.left * width)), max(0, int(box.right * width) + 1))


def _small(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, _LONG_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _differs(picture: Picture, other: Picture, light: NDArray[np.int16], threshold: float) -> Mask:
    """Where no pixel of the other picture nearby explains this one, in any colour: a shaking camera moves edges."""
    expected = np.clip(picture - light, 0, 255).astype(np.uint8)
    found = _is_outside(expected, other, _SHAKE, threshold)
    found[found] = ~_is_shadow(expected[found], other[found])
    return found


def _is_outside(picture: Picture, other: Picture, square: NDArray[np.uint8], threshold: float) -> Mask:
    """Where a colour is brighter or darker than all that the other picture has in a square around."""
    above = cv2.subtract(picture, cv2.dilate(other, square))
    below = cv2.subtract(cv2.erode(other, square), picture)
    red, green, blue = cv2.split(cv2.max(above, below))
    found: Mask = np.asarray(cv2.max(cv2.max(red, green), blue) > threshold, np.bool_)
    return found


def _is_shadow(colours: NDArray[np.uint8], others: NDArray[np.uint8]) -> Mask:
    """Which of these pixels (N x 3) are darker by one and the same share in all colours: less light, on the same thing."""
    shares = (colours + _BLACK) / (others + _BLACK)
    darkest, brightest = shares.min(axis=1), shares.max(axis=1)
    found: Mask = (darkest >= _DARKEST) & (brightest <= 1.0 + _TINT) & (brightest - darkest <= _TINT)
    return found
