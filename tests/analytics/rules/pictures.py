"""Pictures made for rules that look at pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Picture

WIDTH, HEIGHT = 320, 180
Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Still:
    """``core.types.Pixels`` of an array: height x width x RGB, or height x width of a grey picture."""

    picture: Picture | Grey

    @property
    def width(self) -> int:
        return int(self.picture.shape[1])

    @property
    def height(self) -> int:
        return int(self.picture.shape[0])

    def rgb(self, width: int | None = None, height: int | None = None) -> Picture:
        scaled = self._scaled(width, height)
        return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_GRAY2RGB) if scaled.ndim == 2 else scaled, np.uint8)

    def gray(self, width: int | None = None, height: int | None = None) -> Grey:
        scaled = self._scaled(width, height)
        return np.asarray(scaled if scaled.ndim == 2 else cv2.cvtColor(scaled, cv2.COLOR_RGB2GRAY), np.uint8)

    def _scaled(self, width: int | None, height: int | None) -> NDArray[np.uint8]:
        size = (width or self.width, height or self.height)
        return np.asarray(cv2.resize(self.picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def texture(width: int = WIDTH, height: int = HEIGHT, *, seed: int = 1) -> Grey:
    """A surface full of structure, a few pixels fine."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3.0)
    return np.asarray(cv2.normalize(smooth, np.zeros_like(smooth), 20, 200, cv2.NORM_MINMAX), np.uint8)


def shifted(grey: Grey, across: float, down: float) -> Grey:
    """The same surface, moved by so many pixels."""
    matrix = np.array([[1.0, 0.0, across], [0.0, 1.0, down]], np.float32)
    moved = cv2.warpAffine(grey, matrix, (grey.shape[1], grey.shape[0]), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.uint8)
