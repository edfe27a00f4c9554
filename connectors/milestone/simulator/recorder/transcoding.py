"""JPEGs made of a camera's pictures, as a recorder does when asked for JPEG (notes §3.2, §1.6)."""

from __future__ import annotations

from collections.abc import Iterable

import av
import cv2
import numpy as np
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from connectors.protocols.clips import ClipCodec

_QUALITY = 90


def last_picture(
    codec: ClipCodec,
    pictures: Iterable[bytes],
    *,
    limit: tuple[int, int] | None = None,
    size: tuple[int, int] = (0, 0),
) -> bytes:
    """The last of these pictures, which begin with a key frame, as a JPEG. Raises ``av.error.FFmpegError``.

    ``limit`` is the largest width and height, in which the picture keeps its proportions; ``size`` is the exact one, 0
    for the picture's own.
    """
    transcoder = Transcoder(codec)
    last: NDArray[np.uint8] | None = None
    for picture in pictures:
        last = transcoder.decoded(picture)
    assert last is not None  # a GOP has pictures, and without B-frames each is decoded at once
    return encoded(_fitting(last, limit) if limit else _resized(last, size), _QUALITY)


class Transcoder:
    """Decodes the pictures of one connection."""

    def __init__(self, codec: ClipCodec) -> None:
        self._codec = codec
        self._context = self._fresh()

    def decoded(self, picture: bytes) -> NDArray[np.uint8]:
        """The picture as BGR. Raises ``av.error.FFmpegError`` where it does not follow on from the ones before."""
        frames = self._context.decode(av.Packet(picture))
        if not frames:
            raise av.error.InvalidDataError(0, "the picture cannot be decoded alone")
        return np.asarray(frames[-1].to_ndarray(format="bgr24"), dtype=np.uint8)

    def restart(self) -> None:
        """Forgets the pictures before: a key frame follows."""
        self._context = self._fresh()

    def _fresh(self) -> VideoCodecContext:
        context = av.CodecContext.create(self._codec, "r")
        assert isinstance(context, VideoCodecContext)
        context.thread_count = 1
        context.flags |= Flags.low_delay
        return context


def encoded(picture: NDArray[np.uint8], quality: int) -> bytes:
    """A BGR picture as JPEG; ``quality`` is 1 to 100, more counts as 100."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, min(quality, 100)])
    return data.tobytes()


def _fitting(picture: NDArray[np.uint8], limit: tuple[int, int]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    scale = min(limit[0] / width, limit[1] / height, 1.0)
    return _resized(picture, (max(1, round(width * scale)), max(1, round(height * scale))))


def _resized(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    wanted = size[0] or width, size[1] or height
    return picture if wanted == (width, height) else np.asarray(cv2.resize(picture, wanted), dtype=np.uint8)
