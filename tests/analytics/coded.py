"""Small real streams: numbered pictures, encoded as a camera would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import cache

import av
import numpy as np
from numpy.typing import NDArray

from analytics.decode.frame import DecodedFrame
from core.types import Packet, Picture

FPS = 25
START = 1_700_000_000.0
WIDTH, HEIGHT = 320, 240
_BITS = 8
_CELL = 16
_DECODERS = {"libx264": "h264", "libx265": "hevc", "mjpeg": "mjpeg"}

Paint = Callable[[Picture, int], None]


def blank(_picture: Picture, _number: int) -> None:
    """Paints nothing."""


def numbered(number: int, paint: Paint = blank, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Picture:
    """A grey picture that carries its number as black and white cells along the top."""
    picture = np.full((size[1], size[0], 3), 60, np.uint8)
    paint(picture, number)
    for bit in range(_BITS):
        picture[:_CELL, bit * _CELL : (bit + 1) * _CELL] = 235 if number >> bit & 1 else 16
    return picture


def number_of(gray: NDArray[np.uint8]) -> int:
    """The number that a decoded picture carries."""
    cells = (gray[_CELL // 2, bit * _CELL + _CELL // 2] for bit in range(_BITS))
    return sum(1 << bit for bit, cell in enumerate(cells) if cell > 125)


def numbers_of(frames: Iterable[DecodedFrame]) -> list[int]:
    return [number_of(frame.gray()) for frame in frames]


def captured_at(number: int) -> float:
    """Capture time of the picture of that number."""
    return START + number / FPS


def coded(
    encoder: str = "libx264",
    count: int = 50,
    *,
    gop: int = 10,
    options: Mapping[str, str] | None = None,
    paint: Paint = blank,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> list[Packet]:
    """Packets of so many numbered pictures, in decode order, with the capture time of each."""
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height = size
    context.pix_fmt = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
    context.time_base, context.framerate, context.gop_size = Fraction(1, FPS), Fraction(FPS), gop
    context.options = (
        {"x265-params": "log-level=none", **(options or {})} if encoder == "libx265" else dict(options or {})
    )
    packets: list[Packet] = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(numbered(number, paint, size), format="rgb24")
        frame.pts = number
        packets += [_packet(packet, encoder) for packet in context.encode(frame)]
    return packets + [_packet(packet, encoder) for packet in context.encode(None)]


@cache
def h264() -> tuple[Packet, ...]:
    """50 pictures of H.264 without B-frames, a key frame every 10."""
    return tuple(coded(options={"bf": "0"}))


def _packet(packet: av.Packet[av.VideoStream], encoder: str) -> Packet:
    assert packet.pts is not None
    return Packet(
        codec=_DECODERS[encoder],
        data=bytes(packet),
        captured_at=captured_at(packet.pts),
        is_key=packet.is_keyframe,
        received_at=0.0,
    )
