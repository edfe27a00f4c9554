"""A decoded picture that is converted only when somebody looks at it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from core.types import Picture, UtcSeconds

_LUMA_FIRST = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "nv21", "gray"})
"""Formats whose first plane is the luma, one byte per pixel."""


class _PerThread(threading.local):
    """A reformatter keeps scaling tables and belongs to one thread."""

    def __init__(self) -> None:
        self.reformatter = VideoReformatter()


_per_thread = _PerThread()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodedFrame:
    """One decoded picture with its capture time; ``core.types.Pixels`` for one thread at a time.

    Its size is the one it is shown in: a stream whose pixels are no squares (4CIF of a wide camera) is seen as a person
    sees it, for people squeezed to two thirds of their width are no shape that detectors know. What was converted once
    is kept for the frame's life: treat the arrays as read-only.
    """

    picture: av.VideoFrame
    captured_at: UtcSeconds
    pixel_aspect: float = 1.0
    """Width of a pixel over its height."""
    keys: int = 0
    """Key frames that were decoded until it came out; 0 where nobody counts them."""
    _converted: dict[tuple[str, int, int], NDArray[np.uint8]] = field(default_factory=dict, init=False, repr=False)

    @property
    def width(self) -> int:
        """Width in square pixels."""
        return round(self.picture.width * max(1.0, self.pixel_aspect))

    @property
    def height(self) -> int:
        """Height in square pixels."""
        return round(self.picture.height / min(1.0, self.pixel_aspect))

    def rgb(self, width: int | None = None, height: int | None = None) -> Picture:
        """The picture as height x width x 3 uint8 RGB, scaled when a size is given."""
        return self._as("rgb24", width or self.width, height or self.height)

    def gray(self, width: int | None = None, height: int | None = None) -> NDArray[np.uint8]:
        """The luma as height x width uint8, scaled when a size is given. In full size usually a view, not a copy."""
        return self._as("gray", width or self.width, height or self.height)

    def _as(self, kind: str, width: int, height: int) -> NDArray[np.uint8]:
        key = (kind, width, height)
        if key not in self._converted:
            self._converted[key] = self._convert(kind, width, height)
        return self._converted[key]

    def _convert(self, kind: str, width: int, height: int) -> NDArray[np.uint8]:
        if kind == "rgb24":
            array: NDArray[np.uint8] = (
                _scaled(self.picture, width, height, kind).to_ndarray().astype(np.uint8, copy=False)
            )
            return array
        if self.picture.format.name not in _LUMA_FIRST:
            return _luma(_scaled(self.picture, width, height, "gray"))
        return _luma(_scaled(self.picture, width, height, self.picture.format.name))


def _scaled(picture: av.VideoFrame, width: int, height: int, kind: str) -> av.VideoFrame:
    return _per_thread.reformatter.reformat(
        picture, width=width, height=height, format=kind, interpolation=Interpolation.FAST_BILINEAR, threads=1
    )


def _luma(picture: av.VideoFrame) -> NDArray[np.uint8]:
    plane = picture.planes[0]
    padded = np.frombuffer(memoryview(plane), np.uint8)
    return padded.reshape(plane.height, plane.line_size)[:, : plane.width]


_WIDEST = 4.0
"""More than any camera's pixels are stretched: a ratio beyond is a defect of the stream."""


def pixel_aspect_of(ratio: Fraction | None) -> float:
    """A stream's sample aspect ratio as a number; 1 where it does not say, or says what cannot be."""
    value = float(ratio or 1)
    return value if 1 / _WIDEST <= value <= _WIDEST else 1.0
