"""How much of a zone is in turmoil: dense optical flow that keeps changing, as where people push, strike and stumble.

Whatever walks, drives or is panned keeps its velocity from one picture to the next; a crowd that rushes does not. What
all parts of the picture do alike is done by the camera and left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.rules.geometry import contains
from core.types import Box, Pixels, Polygon, UtcSeconds

_LONGEST: Final = 160
"""Longest side of the picture whose flow is computed: 0.6 ms of one core, and limbs are still told apart."""
_CELL: Final = 8
_SHARPEST: Final = 0.05
"""Change of velocity from picture to picture, in longest sides a second, that counts at least: twice the flow's noise
(half a pixel, at 8 pictures a second) …"""
_OF_A_BODY: Final = 0.1
"""… and in body lengths a second: what limbs and pushed bodies do; the rhythm of walking stays below."""
_TEXTURED: Final = 12.0
"""Mean strength of the edges (Sobel) of a cell from which its flow can be believed."""
_PANNED: Final = 0.25
"""A camera that is turned faster, in longest sides a second, shows nothing that can be judged."""
_RELIT: Final = 12.0
"""Change of the mean grey from which the light was switched."""
_LONGEST_STEP_S: Final = 0.4
_ONE_SHIFT: Final = 0.3
"""Response of the phase correlation from which most of the picture went one way."""
_SHAKEN: Final = 4.0
"""Pixels of a shake at most; more is a camera that is turned."""

Flow = NDArray[np.float32]


class Turmoil:
    """Compares each picture of one camera with the one before."""

    def __init__(self, zone: Polygon) -> None:
        self._zone = zone
        self._engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._grey: NDArray[np.uint8] | None = None
        self._at: UtcSeconds = -math.inf
        self._velocity: Flow | None = None
        self._inside: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)

    def update(self, pixels: Pixels, now: UtcSeconds, body: float, vehicles: Sequence[Box]) -> float | None:
        """Takes the next picture; the share of the zone in turmoil, None where it cannot be told.

        Args:
            pixels: the picture.
            now: its capture time.
            body: how long a person is, in longest sides of the picture.
            vehicles: boxes in which nothing counts.
        """
        grey = _small(pixels)
        before, elapsed = self._grey, now - self._at
        self._grey, self._at = grey, now
        if before is None or before.shape != grey.shape or not 0.0 < elapsed <= _LONGEST_STEP_S:
            self._velocity = None
            return None
        if abs(float(grey.mean()) - float(before.mean())) > _RELIT:
            self._velocity = None
            return None
        velocity = self._cells(before, grey) / np.float32(elapsed * _LONGEST)
        return self._judge(velocity, _textured(grey), body, vehicles)

    def _cells(self, before: NDArray[np.uint8], grey: NDArray[np.uint8]) -> Flow:
        """Mean flow of each cell, in pixels.

        What shakes as a whole is shifted back first: flow of less than a pixel is not the same everywhere, though the
        movement is.
        """
        shift = _shift_of_all(before, grey)
        flow = self._engine.calc(before, _shifted_back(grey, shift), np.zeros((*grey.shape, 2), np.float32))
        return np.asarray(_mean_of_cells(np.asarray(flow, np.float32)) + shift, np.float32)

    def _judge(self, velocity: Flow, textured: NDArray[np.bool_], body: float, vehicles: Sequence[Box]) -> float | None:
        before, self._velocity = self._velocity, velocity
        if not textured.any():
            return 0.0
        if float(np.linalg.norm(np.median(velocity[textured], axis=0))) > _PANNED:
            self._velocity = None
            return None
        if before is None:
            return None
        change = velocity - before
        change = np.linalg.norm(change - np.median(change[textured], axis=0), axis=2)
        if self._inside.shape != change.shape:
            self._inside = _cells_inside(self._zone, change.shape)
        counted = self._inside.copy()
        for box in vehicles:
            counted[_rows_and_columns(box, change.shape)] = False
        agitated = (change > max(_SHARPEST, _OF_A_BODY * body)) & textured & counted
        return float(agitated.sum() / max(1, self._inside.sum()))


def _small(pixels: Pixels) -> NDArray[np.uint8]:
    scale = _LONGEST / max(pixels.width, pixels.height)
    return pixels.gray(max(_CELL, round(pixels.width * scale)), max(_CELL, round(pixels.height * scale))).copy()


def _shift_of_all(before: NDArray[np.uint8], grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How far the whole picture went to the right and down, in pixels; nothing where no one shift is seen."""
    height, width = grey.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    found, response = cv2.phaseCorrelate(before.astype(np.float32), grey.astype(np.float32), window)
    is_shaken = response >= _ONE_SHIFT and max(map(abs, found)) <= _SHAKEN
    return np.array(found if is_shaken else (0.0, 0.0), np.float32)


def _shifted_back(grey: NDArray[np.uint8], shift: NDArray[np.float32]) -> NDArray[np.uint8]:
    if not shift.any():
        return grey
    back = np.array([[1.0, 0.0, -shift[0]], [0.0, 1.0, -shift[1]]], np.float32)
    height, width = grey.shape
    return np.asarray(cv2.warpAffine(grey, back, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _mean_of_cells(values: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = values.shape[:2]
    size = (max(1, width // _CELL), max(1, height // _CELL))
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)


def _textured(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    strength = _mean_of_cells(np.asarray(cv2.magnitude(across, down), np.float32))
    return np.asarray(strength > _TEXTURED, np.bool_)


def _cells_inside(zone: Polygon, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    rows, columns = shape[:2]
    centres = [
        [contains(zone, ((column + 0.5) / columns, (row + 0.5) / rows)) for column in range(columns)]
        for row in range(rows)
    ]
    return np.array(centres, np.bool_)


def _rows_and_columns(box: Box, shape: tuple[int, ...]) -> tuple[slice, slice]:
    rows, columns = shape[:2]
    return (
        slice(math.floor(box.top * rows), math.ceil(box.bottom * rows)),
        slice(math.floor(box.left * columns), math.ceil(box.right * columns)),
    )
