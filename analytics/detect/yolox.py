"""YOLOX: anchor-free grid heads in one output (arXiv 2107.08430)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from analytics.detect.network import Floats
from analytics.detect.onnx import Candidates, OnnxDetector
from analytics.models.manifest import InputFormat

_STRIDES = (8, 16, 32)


class Yolox(OnnxDetector):
    """One output 1 x cells x (4 + 1 + classes): centre and log size in strides, objectness, class scores (sigmoid)."""

    family: ClassVar[str] = "yolox"

    def prepare(self, format_: InputFormat) -> None:
        cells = [_cells(format_.width // stride, format_.height // stride) for stride in _STRIDES]
        self._cells = np.concatenate(cells)
        self._strides = np.repeat(np.array(_STRIDES, np.float32), [len(level) for level in cells])[:, None]

    def decode(self, outputs: Sequence[Floats], min_score: float) -> Candidates:
        wanted = (1, len(self._cells), 5 + len(self._classes))
        if len(outputs) != 1 or outputs[0].shape != wanted:
            raise self.mismatch(f"yolox gives one output {wanted}, this one {[output.shape for output in outputs]}")
        rows = outputs[0][0]
        scores = rows[:, 5:].max(axis=1) * rows[:, 4]
        kept = scores >= min_score
        rows, strides = rows[kept], self._strides[kept]
        centres = (rows[:, :2] + self._cells[kept]) * strides
        halves = np.exp(rows[:, 2:4]) * strides / 2
        boxes = np.concatenate([centres - halves, centres + halves], axis=1)
        return Candidates(boxes, scores[kept], rows[:, 5:].argmax(axis=1))


def _cells(columns: int, rows: int) -> Floats:
    """Column and row of every cell, row by row."""
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1)
    return grid.reshape(-1, 2).astype(np.float32)
