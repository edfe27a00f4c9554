"""Heads that give, per cell, a distribution of the distance to each side (generalised focal loss, arXiv 2006.04388).

PicoDet and NanoDet share it and differ in the number of levels and in where a cell's centre lies.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from math import ceil
from typing import ClassVar, NamedTuple

import numpy as np

from analytics.detect.network import Floats
from analytics.detect.onnx import Candidates, OnnxDetector
from analytics.models.manifest import InputFormat

_SIDES = 4
_BINS = 8


class _Level(NamedTuple):
    stride: int
    centres: Floats
    """Cells x 2, pixels of the input."""


class DistanceDetector(OnnxDetector):
    """Outputs: per level 1 x cells x classes (sigmoid), then per level 1 x cells x (4 sides x 8 bins)."""

    strides: ClassVar[tuple[int, ...]]

    @staticmethod
    @abstractmethod
    def offset(stride: int) -> float:
        """Pixels from a cell's corner to the point that its distances start from."""

    def prepare(self, format_: InputFormat) -> None:
        self._levels = [_Level(stride, self._centres(stride, format_)) for stride in self.strides]

    def _centres(self, stride: int, format_: InputFormat) -> Floats:
        columns, rows = np.arange(ceil(format_.width / stride)), np.arange(ceil(format_.height / stride))
        grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
        return (grid * stride + self.offset(stride)).astype(np.float32)

    def decode(self, outputs: Sequence[Floats], min_score: float) -> Candidates:
        self._check(outputs)
        count = len(self._levels)
        parts = [
            _decode_level(level, scores[0], distances[0], min_score)
            for level, scores, distances in zip(self._levels, outputs[:count], outputs[count:], strict=True)
        ]
        return Candidates(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def _check(self, outputs: Sequence[Floats]) -> None:
        cells = [len(level.centres) for level in self._levels]
        wanted = [(1, count, last) for last in (len(self._classes), _SIDES * _BINS) for count in cells]
        found = [output.shape for output in outputs]
        if found != wanted:
            raise self.mismatch(f"its family gives outputs {wanted}, this one {found}")


def _decode_level(level: _Level, scores: Floats, distances: Floats, min_score: float) -> Candidates:
    best = scores.max(axis=1)
    kept = best >= min_score
    bins = distances[kept].reshape(-1, _SIDES, _BINS)
    weights = np.exp(bins - bins.max(axis=2, keepdims=True))
    weights /= weights.sum(axis=2, keepdims=True)
    reach = weights @ np.arange(_BINS, dtype=np.float32) * level.stride
    centres = level.centres[kept]
    boxes = np.concatenate([centres - reach[:, :2], centres + reach[:, 2:]], axis=1)
    return Candidates(boxes, best[kept], scores[kept].argmax(axis=1))
