"""Lets a detector rest while nothing happens: what it saw last still stands.

The detector rests on a frame only while the picture is the one that it saw last, cell by cell, and what it saw was
settled: the same objects at the same places, each of them followed, none of them doubtful. Objects that stand still
are so kept, for what was last seen of them is given again; rules see every frame. Whatever moves, comes or flickers
wakes it, and now and then it looks unasked.

The size of packets is no sign of quiet: of pictures in which something small had moved, 78 to 96 % came in packets no
larger than those of quiet pictures (three clips of real scenes, encoded at a constant bit rate and at a constant
quality; the limit was the 95th percentile of the quiet ones). Comparing the cells of a 4CIF picture costs a tenth of a
millisecond, and blocks that stand still cost a decoder little as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from config.model import AnalysisSettings
from core.contracts import Detector
from core.types import Box, Detection, Pixels, Track, UtcSeconds

_COLUMNS: Final = 88
"""Cells side by side in a picture: each is a square of 8 pixels of 704, 5 of the 416 that most models look at."""
_CHANGE: Final = 8.0
"""Grey levels by which the mean of a cell must change: more than noise and the coarser grain of key frames."""
_REFRESH_S: Final = 1.0
"""The detector looks at least so often, for what is too faint to be noticed here."""
_ROUNDING_S: Final = 1e-3
_SETTLED_S: Final = 2.0
"""So long nothing may have come, gone or moved: the tracker then waits for nobody any more (its ``_MAX_AGE_S``)."""
_SAME_PLACE: Final = 0.8
"""A box of a standing object overlaps the one before by so much (IoU); detectors are no calmer than that."""
_FOLLOWED: Final = 0.5
"""A detection that overlaps a followed object by so much (IoU) is that object."""
# fmt: off
_FURNITURE: Final = frozenset({
    "bed", "bench", "bottle", "book", "bowl", "chair", "clock", "couch", "cup", "dining table", "fire hydrant",
    "keyboard", "laptop", "microwave", "mouse", "oven", "parking meter", "potted plant", "refrigerator", "remote",
    "sink", "stop sign", "toaster", "toilet", "traffic light", "tv", "vase",
})
# fmt: on
"""Classes of COCO that no rule looks for: one that flickers in an empty room must not keep the detector awake. Classes that
are not known, those of a site's own model, may be what a rule looks for."""

_Cells = NDArray[np.uint8]


def gate_of(settings: AnalysisSettings, detector: Detector) -> Gate | None:
    """The gate of one camera; None where the settings say so, or where the detector has a memory that must be fed."""
    if settings.gating == "off" or not getattr(detector, "is_shared", False):
        return None
    return Gate(min_score=settings.min_confidence)


class Gate:
    """Decides frame by frame whether one camera's detector may rest. The same frames give the same answers.

    Ask ``known`` for every frame; where it has no answer, detect, and tell ``saw``. Not thread-safe.
    """

    def __init__(self, *, min_score: float) -> None:
        """``min_score``: detections below it cannot become an object by themselves."""
        self._min_score = min_score
        self.rested = 0
        """Frames on which the detector rested."""
        self.reset()

    def reset(self) -> None:
        """Forgets the scene (stream interrupted, clock set back)."""
        self._cells: _Cells | None = None
        self._detections: Sequence[Detection] = ()
        self._tracks: Mapping[int, Box] = {}
        self._looked_at: UtcSeconds = 0.0
        self._settled_at: UtcSeconds | None = None

    def known(self, pixels: Pixels, captured_at: UtcSeconds) -> list[Detection] | None:
        """What is in this frame without looking: what was seen last. None where it must be looked at."""
        if self._cells is None or not 0.0 <= captured_at - self._looked_at < _REFRESH_S - _ROUNDING_S:
            return None
        if not _is_same(self._cells, _cells_of(pixels)):
            return None
        self.rested += 1
        return list(self._detections)

    def saw(
        self, pixels: Pixels, captured_at: UtcSeconds, detections: Sequence[Detection], tracks: Sequence[Track]
    ) -> None:
        """The detector looked at this frame; ``tracks`` is what the tracker made of it."""
        tracks = [track for track in tracks if track.label not in _FURNITURE]
        boxes = {track.track_id: track.box for track in tracks}
        if not self._is_settled(boxes, detections, tracks):
            self._settled_at = None
        elif self._settled_at is None:
            self._settled_at = captured_at
        self._looked_at, self._detections, self._tracks = captured_at, detections, boxes
        may_rest = self._settled_at is not None and captured_at - self._settled_at >= _SETTLED_S - _ROUNDING_S
        self._cells = _cells_of(pixels) if may_rest else None

    def _is_settled(self, boxes: Mapping[int, Box], detections: Sequence[Detection], tracks: Sequence[Track]) -> bool:
        """Whether the same objects stand where they stood, all seen clearly, and nothing else might become one."""
        if boxes.keys() != self._tracks.keys() or not all(track.is_measured for track in tracks):
            return False
        if any(_overlap(box, self._tracks[track_id]) < _SAME_PLACE for track_id, box in boxes.items()):
            return False
        clear = [seen.box for seen in detections if seen.score >= self._min_score and seen.label not in _FURNITURE]
        return _all_meet(clear, boxes.values()) and _all_meet(boxes.values(), clear)


def _cells_of(pixels: Pixels) -> _Cells:
    """The mean luma of each cell; rows x columns."""
    luma = pixels.gray()
    side = max(1, round(luma.shape[1] / _COLUMNS))
    rows, columns = luma.shape[0] // side, luma.shape[1] // side
    # Whole multiples only: OpenCV averages those many times faster.
    cut = luma[: rows * side, : columns * side]
    return np.asarray(cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)


def _is_same(before: _Cells, now: _Cells) -> bool:
    """Whether no cell changed more than the light of the whole picture did."""
    if before.shape != now.shape:
        return False
    change = cv2.subtract(now, before, dtype=cv2.CV_16S)
    return bool(np.abs(change - np.median(change)).max() < _CHANGE)


def _all_meet(boxes: Iterable[Box], others: Collection[Box]) -> bool:
    """Whether each box is one of the others too."""
    return all(any(_overlap(box, other) >= _FOLLOWED for other in others) for box in boxes)


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (one.width * one.height + other.width * other.height - shared)
