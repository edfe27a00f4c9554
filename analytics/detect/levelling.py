"""Takes a camera's automatic exposure and white balance out of a picture, by comparison with a reference.

A person who walks in makes the whole picture brighter or bluer; without levelling all of it would look like motion.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Picture

_STEP: Final = 7
_BINS: Final = 8
_LEAST_SHARE: Final = 0.6
"""With less of the picture at rest the mask is not believed: it is the light that changed."""
_ROUNDS: Final = 2
_OUTLYING: Final = 2.5
_LEAST_MISFIT: Final = 2.0
_LEAST_CONTRAST: Final = 25.0
_GAINS: Final = (0.5, 2.0)
_MOST_BEND: Final = 8.0
"""How far, in tones, the curve may leave the straight line: an unmasked object must not bend it to itself."""
_VALUES: Final = np.arange(256, dtype=np.float32)


def level(picture: Picture, reference: NDArray[np.float32], moving: NDArray[np.uint8]) -> Picture:
    """The picture with its tones mapped to those of the reference, each colour plane by a curve of its own.

    Args:
        picture: height x width x 3.
        reference: the same scene at rest, same shape.
        moving: height x width, not 0 where objects were seen lately: they say nothing of the exposure.
    """
    sample = picture[1::_STEP, 1::_STEP]
    wanted = reference[1::_STEP, 1::_STEP]
    still = moving[1::_STEP, 1::_STEP] == 0
    if still.mean() < _LEAST_SHARE:
        still[:] = True
    if still.sum() < _BINS:
        return picture
    curves = [_curve(sample[..., plane][still], wanted[..., plane][still]) for plane in range(3)]
    return np.asarray(cv2.LUT(picture, np.stack(curves, axis=-1)[None]), np.uint8)


def _curve(values: NDArray[np.uint8], targets: NDArray[np.float32]) -> NDArray[np.uint8]:
    """256 output values, never decreasing: a robust straight line, bent by the median misfit of each bin of tones."""
    order = np.argsort(values, kind="stable")[: len(values) // _BINS * _BINS]
    tones = values[order].astype(np.float32)
    targets = targets[order]
    gain, offset = _line(tones, targets)
    bins = tones.reshape(_BINS, -1)
    bends = np.median(targets.reshape(_BINS, -1) - (gain * bins + offset), axis=1)
    bend = np.interp(_VALUES, bins.mean(axis=1), np.clip(bends, -_MOST_BEND, _MOST_BEND))
    curve = np.maximum.accumulate(gain * _VALUES + offset + bend)
    return np.clip(np.rint(curve), 0, 255).astype(np.uint8)


def _line(tones: NDArray[np.float32], targets: NDArray[np.float32]) -> tuple[float, float]:
    """Gain and offset by least squares, leaving out in each round what fits worst."""
    gain, offset = 1.0, float(np.median(targets - tones))
    for _ in range(_ROUNDS):
        misfit = np.abs(gain * tones + offset - targets)
        fitting = misfit <= max(_LEAST_MISFIT, _OUTLYING * float(np.median(misfit)))
        some, their_targets = tones[fitting], targets[fitting]
        spread = float(some.var())
        if spread > _LEAST_CONTRAST:
            covariance = float(((some - some.mean()) * (their_targets - their_targets.mean())).mean())
            gain = min(max(covariance / spread, _GAINS[0]), _GAINS[1])
        offset = float(their_targets.mean()) - gain * float(some.mean())
    return gain, offset
