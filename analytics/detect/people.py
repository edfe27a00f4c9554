"""Takes people apart who make one moving region: beside or behind one another."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.detect.blobs import ExpectedHeight, Shape

_WIDTH: Final = 0.42
"""Width of a walking person, in heights."""
_TOO_HIGH: Final = 1.35
_TOO_WIDE: Final = 1.35
_LEAST_HEIGHT: Final = 0.6
_HEAD: Final = 0.6
"""Heads are above this share of the group's height."""
_APART: Final = 0.55
"""Heads are further apart than this share of a person's width."""
_DIP: Final = 0.08
"""Between two heads the outline dips by this share of a person's height."""
_SMOOTH: Final = 0.3


class Part(NamedTuple):
    """A box in pixels of the analysed picture, right and bottom excluded."""

    left: int
    top: int
    right: int
    bottom: int


class Person(NamedTuple):
    """What a person's size is, in pixels, and where feet are for a head at a row."""

    expected: ExpectedHeight
    foot_below: ExpectedHeight


def separate(shape: Shape, person: Person) -> list[Part]:
    """One part for each person in a shape; the shape itself where it cannot be, or need not be, taken apart."""
    blob = shape.blob
    parts = _behind(shape, person) or [Part(blob.left, blob.top, blob.right, blob.bottom)]
    return [piece for part in parts for piece in _beside(part, shape, person)]


def _behind(shape: Shape, person: Person) -> list[Part]:
    """The one in front and the one behind, when a region is too high for one person."""
    blob = shape.blob
    height, foot = person.expected(blob.bottom), person.foot_below(blob.top)
    if height is None or foot is None or blob.height <= _TOO_HIGH * height or foot >= blob.bottom - 0.2 * height:
        return []
    head, feet = round(blob.bottom - height), round(foot)
    rear = _columns(shape.mask[: max(2, head - blob.top)])
    front = _columns(shape.mask[head - blob.top + round(0.3 * height) :])
    if rear is None or front is None or feet <= blob.top:
        return []
    return [
        Part(blob.left + front[0], head, blob.left + front[1], blob.bottom),
        Part(blob.left + rear[0], blob.top, blob.left + rear[1], feet),
    ]


def _beside(part: Part, shape: Shape, person: Person) -> list[Part]:
    """Those side by side, each under a head of its own."""
    height = person.expected(part.bottom)
    if height is None or part.right - part.left < _TOO_WIDE * _WIDTH * height:
        return [part]
    if part.bottom - part.top < _LEAST_HEIGHT * height:
        return [part]
    blob = shape.blob
    mask = shape.mask[part.top - blob.top : part.bottom - blob.top, part.left - blob.left : part.right - blob.left]
    heads = _heads(mask, height)
    cuts = [
        0,
        *(left + int(mask[:, left:right].sum(axis=0).argmin()) for left, right in pairwise(heads)),
        mask.shape[1],
    ]
    pieces = [_trimmed(mask, part, left, right) for left, right in pairwise(cuts)]
    return [piece for piece in pieces if piece is not None and piece.bottom - piece.top >= 0.5 * height] or [part]


def _heads(mask: NDArray[np.bool_], height: float) -> list[int]:
    """Columns of the heads, from left to right: peaks of the upper outline with a dip between them."""
    rises = np.where(mask.any(axis=0), mask.shape[0] - mask.argmax(axis=0), 0).astype(np.float32)
    width = _WIDTH * height
    rises = cv2.blur(rises[None], (max(1, round(_SMOOTH * width)), 1))[0]
    heads: list[int] = []
    for column in np.argsort(-rises).tolist():
        if rises[column] < _HEAD * mask.shape[0]:
            break
        if all(_are_two(rises, column, head, _APART * width, _DIP * height) for head in heads):
            heads.append(column)
    return sorted(heads)


def _are_two(rises: NDArray[np.float32], one: int, other: int, apart: float, dip: float) -> bool:
    between = rises[min(one, other) : max(one, other) + 1]
    return bool(abs(one - other) >= apart and between.min() <= min(rises[one], rises[other]) - dip)


def _trimmed(mask: NDArray[np.bool_], part: Part, left: int, right: int) -> Part | None:
    """The box of what is between two columns of a part."""
    piece = mask[:, left:right]
    columns, rows = _columns(piece), _columns(piece.T)
    if columns is None or rows is None:
        return None
    start = part.left + left
    return Part(start + columns[0], part.top + rows[0], start + columns[1], part.top + rows[1])


def _columns(mask: NDArray[np.bool_]) -> tuple[int, int] | None:
    """First column in use, and one past the last; None when none is."""
    used = np.flatnonzero(mask.any(axis=0))
    return (int(used[0]), int(used[-1]) + 1) if len(used) else None
