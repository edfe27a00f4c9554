"""What the camera of ``vigie bench onvif`` shows: a square that moves by one step per picture, and the picture's number.

So a viewer can tell, from the decoded picture alone, where the square is and which picture it is.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from connectors.protocols.clips import encoder_options
from core.types import Box

WIDTH: Final = 640
HEIGHT: Final = 360
STEP_PX: Final = 4
"""The square's way from one picture to the next."""

PICTURES: Final = 150
"""Length of the loop."""

_SIDE_PX: Final = 40
_TOP_PX: Final = 120
_BITS: Final = 8
_BLOCK_PX: Final = 16
_CODE_TOP_PX: Final = 320
_DARK, _BRIGHT, _BETWEEN = 40, 220, 128

Gray = NDArray[np.uint8]


def write_bench_scene(path: Path, fps: float) -> None:
    """Writes one loop as H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(fps).limit_denominator(1001), options=encoder_options(fps)
        )
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuv420p"
        for number in range(PICTURES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="gray")))
        container.mux(stream.encode(None))


def picture(number: int) -> Gray:
    """Picture ``number`` of the loop, height x width."""
    canvas = np.full((HEIGHT, WIDTH), _DARK, np.uint8)
    left = number * STEP_PX
    canvas[_TOP_PX : _TOP_PX + _SIDE_PX, left : left + _SIDE_PX] = _BRIGHT
    for bit in range(_BITS):
        if number >> bit & 1:
            canvas[_CODE_TOP_PX : _CODE_TOP_PX + _BLOCK_PX, bit * _BLOCK_PX : (bit + 1) * _BLOCK_PX] = _BRIGHT
    return canvas


def square(number: int) -> Box:
    """Where the square is in picture ``number``."""
    left = number * STEP_PX
    return Box(
        left=left / WIDTH, top=_TOP_PX / HEIGHT, right=(left + _SIDE_PX) / WIDTH, bottom=(_TOP_PX + _SIDE_PX) / HEIGHT
    )


def read_number(gray: Gray) -> int:
    """The number that a decoded picture carries."""
    middle = _BLOCK_PX // 2
    samples = gray[_CODE_TOP_PX + middle, middle : _BITS * _BLOCK_PX : _BLOCK_PX]
    return sum(1 << bit for bit, sample in enumerate(samples) if sample > _BETWEEN)


def read_left(gray: Gray) -> float:
    """The square's left edge in a decoded picture, normalised."""
    row = gray[_TOP_PX + _SIDE_PX // 2]
    return float(np.flatnonzero(row > _BETWEEN).mean() + 0.5 - _SIDE_PX / 2) / WIDTH
