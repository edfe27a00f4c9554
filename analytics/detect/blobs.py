"""Moving regions of one picture, and which of them belong together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.detect.background import Difference

ExpectedHeight = Callable[[int], float | None]
"""Pixels of a person whose feet are at a row; None where unknown."""

_LEAST_PIXELS: Final = 12
_LEAST_ROWS: Final = 5
_MOST_PIECES: Final = 80
_LEAST_HEIGHT: Final = 0.04
"""Of the picture, where the size of a person is unknown."""
_LEAST_FILL: Final = 0.15
_LEAST_OF_PERSON: Final = 0.4
_LEAST_AREA_OF_PERSON: Final = 0.04
_LEAST_EDGES: Final = 6.0
_LOST_EDGES: Final = 1.2
_SQUARE_3: Final = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A moving region; pixels of the analysed picture, right and bottom excluded."""

    left: int
    top: int
    right: int
    bottom: int
    area: int
    labels: tuple[int, ...]
    """Which connected components it is made of."""

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index the picture."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def wide_slices(self) -> tuple[slice, slice]:
        """The same with one pixel more on every side, where the picture has it."""
        return slice(max(self.top - 1, 0), self.bottom + 1), slice(max(self.left - 1, 0), self.right + 1)

    def with_(self, other: Blob) -> Blob:
        """Both as one."""
        return Blob(
            left=min(self.left, other.left),
            top=min(self.top, other.top),
            right=max(self.right, other.right),
            bottom=max(self.bottom, other.bottom),
            area=self.area + other.area,
            labels=self.labels + other.labels,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A blob that is a real object: its mask within its box, and how clear its outline is."""

    blob: Blob
    mask: NDArray[np.bool_]
    edges: float
    """Mean strength of the new edges on its outline, 0..255."""


def find_shapes(difference: Difference, expected: ExpectedHeight) -> list[Shape]:
    """The objects in a picture: fragments joined; specks, patches of light and left-behind holes taken out."""
    count, components, statistics, _ = cv2.connectedComponentsWithStats(difference.moving, connectivity=8)
    labels = np.asarray(components, np.int32)
    pieces = [_piece(statistics[index], index) for index in range(1, count)]
    pieces = [piece for piece in pieces if piece.area >= _LEAST_PIXELS and piece.height >= _LEAST_ROWS]
    pieces = sorted(pieces, key=lambda piece: -piece.area)[:_MOST_PIECES]
    rows = difference.moving.shape[0]
    blobs = [blob for blob in _joined(pieces, expected) if _is_large(blob, rows, expected(blob.bottom))]
    shapes = [_shape(blob, labels, difference.edges) for blob in blobs]
    return [shape for shape in shapes if shape is not None]


def _piece(row: NDArray[np.int32], index: int) -> Blob:
    left, top, width, height, area = (int(value) for value in row)
    return Blob(left=left, top=top, right=left + width, bottom=top + height, area=area, labels=(index,))


def _is_large(blob: Blob, rows: int, person: float | None) -> bool:
    if person is None:
        return blob.height >= _LEAST_HEIGHT * rows and blob.area >= _LEAST_FILL * blob.width * blob.height
    return blob.height > _LEAST_OF_PERSON * person and blob.area > _LEAST_AREA_OF_PERSON * person**2


def _joined(pieces: list[Blob], expected: ExpectedHeight) -> list[Blob]:
    """Joins pieces, the largest first, until none belong together."""
    waiting, done = pieces, list[Blob]()
    while waiting:
        blob, rest = waiting[0], waiting[1:]
        partner = next((other for other in rest if _belong_together(blob, other, expected)), None)
        if partner is None:
            done.append(blob)
            waiting = rest
        else:
            waiting = [blob.with_(partner), *(other for other in rest if other is not partner)]
    return done


def _belong_together(one: Blob, other: Blob, expected: ExpectedHeight) -> bool:
    both = one.with_(other)
    if one.area + other.area < 0.3 * both.width * both.height:
        return False
    if _is_limb(one, other):
        return True
    beside = min(one.right, other.right) - max(one.left, other.left)
    if beside < 0.5 * min(one.width, other.width):
        return False
    gap = max(one.top, other.top) - min(one.bottom, other.bottom)
    person = expected(both.bottom)
    if person is None:
        return gap <= 0.2 * both.height and both.width <= 0.8 * both.height
    return gap <= 0.35 * person and both.height <= 1.2 * person


def _is_limb(body: Blob, piece: Blob) -> bool:
    """Whether a small piece at the side of a body, well above its feet, is an arm or what it carries."""
    apart = max(body.left, piece.left) - min(body.right, piece.right)
    return (
        piece.height < 0.4 * body.height
        and apart <= 0.15 * body.width
        and piece.top >= body.top
        and piece.bottom <= body.bottom - 0.25 * body.height
    )


def _shape(blob: Blob, labels: NDArray[np.int32], edges: NDArray[np.int16]) -> Shape | None:
    """None for what has no outline of its own (a patch of light), or only that of something gone (a hole)."""
    around = np.isin(labels[blob.wide_slices], blob.labels).astype(np.uint8)
    outline = edges[blob.wide_slices][cv2.morphologyEx(around, cv2.MORPH_GRADIENT, _SQUARE_3) > 0]
    new, lost = np.maximum(outline, 0).mean(), np.maximum(-outline, 0).mean()
    if new < _LEAST_EDGES or lost > _LOST_EDGES * new:
        return None
    return Shape(blob=blob, mask=np.isin(labels[blob.slices], blob.labels), edges=float(new))
