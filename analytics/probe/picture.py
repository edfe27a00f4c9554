"""What a picture is like for an analysis: light, contrast, detail, traces of coding."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Pixels

_WIDTH = 640
"""Sharpness is compared at one size: a large picture has less of it per pixel."""

_BLOCK = 8
"""Coders work in blocks whose edges fall on multiples of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureQuality:
    """Figures of one picture's luma.

    ``light`` 0 to 255; ``contrast``: standard deviation of the luma; ``sharpness``: variance of the Laplacian at a width
    of 640; ``blockiness``: steps at block edges over steps within blocks, 1 where coding left no trace.
    """

    light: float
    contrast: float
    sharpness: float
    blockiness: float


def quality_of(pixels: Pixels) -> PictureQuality:
    """Judges one picture."""
    luma = pixels.gray()
    width = min(_WIDTH, pixels.width)
    small = pixels.gray(width, max(1, round(pixels.height * width / pixels.width)))
    return PictureQuality(
        light=float(small.mean()),
        contrast=float(small.std()),
        sharpness=float(cv2.Laplacian(np.ascontiguousarray(small), cv2.CV_64F).var()),
        blockiness=_blockiness(luma),
    )


def _blockiness(luma: NDArray[np.uint8]) -> float:
    steps = np.abs(np.diff(luma.astype(np.int16), axis=1)).mean(axis=0)
    if steps.size < 2 * _BLOCK:
        return 1.0
    is_edge = np.arange(1, steps.size + 1) % _BLOCK == 0
    within = float(steps[~is_edge].mean())
    return float(steps[is_edge].mean()) / within if within else 1.0
