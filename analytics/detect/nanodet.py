"""NanoDet-m (RangiLyu, first generation)."""

from __future__ import annotations

from typing import ClassVar

from analytics.detect.distances import DistanceDetector


class NanoDet(DistanceDetector):
    """Three levels; distances start from the middle pixel of the cell."""

    family: ClassVar[str] = "nanodet"
    strides: ClassVar[tuple[int, ...]] = (8, 16, 32)

    @staticmethod
    def offset(stride: int) -> float:
        return (stride - 1) / 2
