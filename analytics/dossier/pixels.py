"""Tells whether a rule looks at pictures: a dossier keeps as many as it needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.types import Picture, Pixels


class NotedPixels:
    """``core.types.Pixels`` that notes its use."""

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        self.is_used = False
        """Whether the picture was looked at."""

    @property
    def width(self) -> int:
        """Decoded width in pixels."""
        return self._pixels.width

    @property
    def height(self) -> int:
        """Decoded height in pixels."""
        return self._pixels.height

    def rgb(self, width: int | None = None, height: int | None = None) -> Picture:
        """As ``Pixels.rgb``."""
        self.is_used = True
        return self._pixels.rgb(width, height)

    def gray(self, width: int | None = None, height: int | None = None) -> NDArray[np.uint8]:
        """As ``Pixels.gray``."""
        self.is_used = True
        return self._pixels.gray(width, height)
