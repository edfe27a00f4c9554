"""Finds smoke in pictures: soft grey regions through which what is behind is still seen, but paler.

Smoke of transmission ``t`` and brightness ``S`` turns a place of brightness ``L`` into ``t L + (1 - t) S``: it keeps the
pattern of what is behind and takes contrast from it. Objects replace the pattern, shadows darken, lamps add light and
take no contrast. So each block of the picture is compared with how it looked before: only a pattern that is the same
but weaker, in a place that got lighter, by something grey, is veiled. Veils that stay and stir make a region.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Box, Picture, UtcSeconds

_BLOCK = 8
"""Edge of a block, in pixels of the working size: small enough for a plume, large enough to hold a pattern."""
_INSIDE = 0.5
"""Share of a block that must be in the zone."""
_LEARN_S = 20.0
"""Time constant of how the scene looks; where it differs it is learnt ten times slower."""
_DIFFERENT_LEARNS = 0.1
_WARM_S = 1.0
"""The first pictures of a stream are learnt fast, and judged by nothing."""
_LOOKED_EVERY_S = 0.2
"""Smoke is slow: it is looked for only so often."""
_SMOOTH = (7, 7)
"""What varies more slowly than this is no pattern but light."""
_PATTERN = 4.0
"""Least contrast (standard deviation, grey levels) of a place whose loss can be noticed: twice that of compression."""
_SAME = 0.7
"""Least correlation with the pattern that was there before."""
_THINNED, _HIDDEN = 0.75, 0.08
"""Transmission of a veil: what lets more through may be exposure, what lets less through has no pattern to compare."""
_LIGHTER = 0.04
"""How much lighter a veiled place must have become, of full scale: compression too takes contrast, but adds no light."""
_GREY = 0.2
"""Largest spread of the colour channels of the smoke itself, of full scale."""
_WHOLE = 0.9
"""Where more than this share of all patterns differ, the view or its light is another one: nothing is told."""
_RATE_S = 1.5
"""Time constant of the map of what is veiled."""
_OFTEN = 0.4
"""Share of the time for which a block is veiled in a region."""
_EXTENT = 0.02
"""Least share of the picture's blocks that are veiled in a region. Swaying foliage reached 0.014, the smoke of a burning
scooter 0.065."""
_DENSITY = 0.25
"""Least share of veiled ones among the blocks with a pattern in a region and close around it."""
_STIRS = 0.01
"""Least change of a block's transmission from one picture to the next, on average: smoke drifts, dirt on the glass and
glare do not."""
_FULL_SCALE = 255.0
_LEAST = 1e-3
_SQUARE_3 = np.ones((3, 3), np.uint8)


class _Blocks(NamedTuple):
    """What the blocks of one picture have become, rows x columns."""

    veiled: NDArray[np.bool_]
    differs: NDArray[np.bool_]
    """Shows another pattern, or a weaker one."""
    patterned: NDArray[np.bool_]
    """Had a pattern before."""
    transmission: NDArray[np.float32]


class Smoke:
    """Watches one camera's pictures for smoke. Pictures come in capture order, all of one size."""

    def __init__(self, zone: NDArray[np.uint8]) -> None:
        """``zone``: height x width of the pictures, 1 where it is watched."""
        rows, columns = zone.shape[0] // _BLOCK, zone.shape[1] // _BLOCK
        self._size = (rows * _BLOCK, columns * _BLOCK)
        self._zone = _means(zone[: self._size[0], : self._size[1]].astype(np.float32)) >= _INSIDE
        self._scene = np.empty((0, 0, 3), np.float32)
        self._often = np.zeros((rows, columns), np.float32)
        self._stirs = np.zeros((rows, columns), np.float32)
        self._transmission = np.ones((rows, columns), np.float32)
        self._began_at: UtcSeconds = 0.0
        self._at: UtcSeconds = 0.0
        self._found: list[Box] = []

    def update(self, picture: Picture, at: UtcSeconds, hidden: Sequence[Box] = ()) -> list[Box]:
        """The regions that are veiled by smoke. ``hidden``: where objects stand before the scene."""
        if self._scene.size and 0.0 <= at - self._at < _LOOKED_EVERY_S:
            return self._found
        now = picture[: self._size[0], : self._size[1]].astype(np.float32)
        if not self._scene.size:
            self._scene, self._began_at, self._at = now, at, at
            return []
        step_s, self._at = max(0.0, at - self._at), at
        if at - self._began_at < _WARM_S:
            cv2.accumulateWeighted(now, self._scene, min(1.0, 2.0 * step_s / _WARM_S))
            return []
        blocks = _compared(now, self._scene)
        self._learn(now, blocks.differs, step_s)
        blocks.veiled[_covered(hidden, blocks.veiled.shape) | ~self._zone] = False
        if blocks.differs.sum() > _WHOLE * max(1, int(blocks.patterned.sum())):
            blocks.veiled[:] = False
        self._note(blocks, min(1.0, step_s / _RATE_S))
        self._found = self._regions(blocks)
        return self._found

    def _note(self, blocks: _Blocks, share: float) -> None:
        cv2.accumulateWeighted(blocks.veiled.astype(np.float32), self._often, share)
        cv2.accumulateWeighted(cv2.absdiff(blocks.transmission, self._transmission), self._stirs, share)
        self._transmission = blocks.transmission

    def _learn(self, now: NDArray[np.float32], differs: NDArray[np.bool_], step_s: float) -> None:
        rate = min(1.0, step_s / _LEARN_S)
        rates = np.where(differs, rate * _DIFFERENT_LEARNS, rate).astype(np.float32)
        self._scene += rates.repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)[:, :, None] * (now - self._scene)

    def _regions(self, blocks: _Blocks) -> list[Box]:
        often = self._often > _OFTEN
        least = _EXTENT * often.size
        if np.count_nonzero(often) < least:
            return []
        count, labels = cv2.connectedComponents(cv2.dilate(often.astype(np.uint8), _SQUARE_3))
        found: list[Box] = []
        for label in range(1, count):
            around = labels == label
            region = often & around
            is_large = np.count_nonzero(region) >= least
            if is_large and self._is_smoke(region, around, blocks):
                found.append(_box(region))
        return found

    def _is_smoke(self, region: NDArray[np.bool_], around: NDArray[np.bool_], blocks: _Blocks) -> bool:
        patterned = max(1, int(np.count_nonzero(blocks.patterned & around)))
        density = np.count_nonzero(blocks.veiled & around) / patterned
        return bool(density >= _DENSITY and self._stirs[region].mean() >= _STIRS)


def _compared(now: NDArray[np.float32], before: NDArray[np.float32]) -> _Blocks:
    """Compares pictures (height x width x RGB) block by block."""
    grey, former_grey = _grey(now), _grey(before)
    pattern, former_pattern = _pattern(grey), _pattern(former_grey)
    both, own = _means(pattern * former_pattern), _means(pattern * pattern)
    former = np.maximum(_means(former_pattern * former_pattern), np.float32(_LEAST))
    transmission = np.asarray(np.clip(both / former, 0.0, 1.0), np.float32)
    alike = both / np.sqrt(np.maximum(own * former, _LEAST))
    patterned = former > _PATTERN**2
    thinned = patterned & (transmission < _THINNED)
    lighter = (_means(grey) - _means(former_grey)) / _FULL_SCALE > _LIGHTER
    seen_through = thinned & (transmission > _HIDDEN) & (alike >= _SAME)
    return _Blocks(
        veiled=seen_through & lighter & _is_by_grey(_means(now), _means(before), transmission),
        differs=thinned | (patterned & (alike < _SAME)),
        patterned=patterned,
        transmission=transmission,
    )


def _grey(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)


def _pattern(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.subtract(grey, cv2.blur(grey, _SMOOTH)), np.float32)


def _is_by_grey(
    now: NDArray[np.float32], before: NDArray[np.float32], transmission: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Whether what lies before each block, with that transmission, is grey."""
    through = np.minimum(transmission, _THINNED)[:, :, None]
    veil = (now - through * before) / (1.0 - through) / _FULL_SCALE
    return np.asarray(veil.max(axis=2) - veil.min(axis=2) < _GREY)


def _means(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of each block."""
    size = (picture.shape[1] // _BLOCK, picture.shape[0] // _BLOCK)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def _covered(boxes: Sequence[Box], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, np.bool_)
    rows, columns = shape
    for box in boxes:
        top, left = max(0, int(box.top * rows)), max(0, int(box.left * columns))
        mask[top : int(np.ceil(box.bottom * rows)), left : int(np.ceil(box.right * columns))] = True
    return mask


def _box(region: NDArray[np.bool_]) -> Box:
    rows, columns = np.nonzero(region.any(axis=1))[0], np.nonzero(region.any(axis=0))[0]
    height, width = region.shape
    return Box(
        left=float(columns[0]) / width,
        top=float(rows[0]) / height,
        right=float(columns[-1] + 1) / width,
        bottom=float(rows[-1] + 1) / height,
    )
