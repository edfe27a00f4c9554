"""PicoDet (PaddleDetection, arXiv 2111.00902)."""

from __future__ import annotations

from typing import ClassVar

from analytics.detect.distances import DistanceDetector


class PicoDet(DistanceDetector):
    """Four levels; distances start from the middle of the cell."""

    family: ClassVar[str] = "picodet"
    strides: ClassVar[tuple[int, ...]] = (8, 16, 32, 64)

    @staticmethod
    def offset(stride: int) -> float:
        return stride / 2
