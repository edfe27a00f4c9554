"""Takes small camera movements out of a sequence of pictures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Picture

_HALF = 0.5
"""Movement is measured at half the size: faster, and blind to the noise of single pixels."""
_STEPS = 6
"""Each step of the measurement mends what the one before left over."""
_SETTLED = 0.03
"""In pixels of the half size: a smaller step changes nothing that is seen."""
_WORTH = 0.08
"""Shifts below this (pixels of the half size) are not mended: interpolation would blur more than they do."""
_FARTHEST = 0.04
"""A camera that shakes by more than this share of the picture's width is being moved, which nothing here can mend."""
_STILL = 90.0
"""Percentile of differences above which a place shows something that moves by itself, and does not count."""
_BETTER = 0.8
"""A shift is believed only when it brings the difference from the reference below this share of what it was: where
people or cars fill the picture, what seems to be a shift is theirs."""
_LEARN = 0.05
"""How much of each picture goes into the reference."""
_BORDER = 4
_LIGHT = (31, 31)
"""What varies more slowly than this is light, whose changes are no movement."""


class Steadying:
    """Shifts each picture of a shaking camera back to where the first ones were."""

    def __init__(self) -> None:
        self._reference = np.empty((0, 0), np.float32)

    def steady(self, picture: Picture) -> Picture:
        """The picture, shifted; the very same array where nothing is to be mended."""
        small = _pattern(picture)
        if self._reference.shape != small.shape:
            self._reference = small
            return picture
        across, down = _shift(self._reference, small)
        if _WORTH <= max(abs(across), abs(down)) <= _FARTHEST * small.shape[1]:
            moved = _moved(small, across, down)
            if _difference(moved, self._reference) < _BETTER * _difference(small, self._reference):
                cv2.accumulateWeighted(moved, self._reference, _LEARN)
                return np.asarray(_moved(picture, across / _HALF, down / _HALF), np.uint8)
        cv2.accumulateWeighted(small, self._reference, _LEARN)
        return picture


def _pattern(picture: Picture) -> NDArray[np.float32]:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, None, fx=_HALF, fy=_HALF, interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(small, (3, 3), 0.0) - cv2.blur(small, _LIGHT), np.float32)


def _shift(reference: NDArray[np.float32], now: NDArray[np.float32]) -> tuple[float, float]:
    """How far ``now`` is to the right of and below the reference (Lucas and Kanade's method over the whole picture)."""
    down_slope, across_slope = np.gradient(reference)
    across = down = 0.0
    for _ in range(_STEPS):
        difference = (_moved(now, across, down) if across or down else now) - reference
        size = np.abs(difference)
        counts = (size <= np.percentile(size[::2, ::2], _STILL)).astype(np.float32)
        counts[:_BORDER], counts[-_BORDER:], counts[:, :_BORDER], counts[:, -_BORDER:] = 0.0, 0.0, 0.0, 0.0
        slope_x, slope_y = across_slope * counts, down_slope * counts
        power_x, power_y = float(np.vdot(slope_x, across_slope)), float(np.vdot(slope_y, down_slope))
        mixed = float(np.vdot(slope_x, down_slope))
        along_x, along_y = -float(np.vdot(slope_x, difference)), -float(np.vdot(slope_y, difference))
        power = power_x * power_y - mixed * mixed
        if power <= 1e-6 * (power_x + power_y) ** 2:
            return 0.0, 0.0
        step_x = (power_y * along_x - mixed * along_y) / power
        step_y = (power_x * along_y - mixed * along_x) / power
        across, down = across + step_x, down + step_y
        if max(abs(step_x), abs(step_y)) < _SETTLED:
            break
    return across, down


def _moved(picture: NDArray[np.uint8] | NDArray[np.float32], across: float, down: float) -> NDArray[np.float32]:
    """The picture, shifted back by so many pixels."""
    back = np.array([[1.0, 0.0, -across], [0.0, 1.0, -down]], np.float32)
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(cv2.warpAffine(picture, back, size, borderMode=cv2.BORDER_REPLICATE))


def _difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Mean absolute difference inside, where no border was made up."""
    inside = (slice(_BORDER, -_BORDER), slice(_BORDER, -_BORDER))
    return float(cv2.absdiff(one[inside], other[inside]).mean())
