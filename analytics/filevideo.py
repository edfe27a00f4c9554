"""The pictures of a video file, in file time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from analytics.decode.frame import DecodedFrame, pixel_aspect_of
from core.errors import CodecError, UsageError

_LOCAL_ONLY = {"protocol_whitelist": "file,crypto,data"}
"""A play list or session description must not make a file reach for the network."""

_TEXT = "tty"
"""FFmpeg takes any text file for the recording of a terminal."""

_USUAL_RATE = 25
"""Pictures per second where a file does not say."""


class FileVideo:
    """A file of any container and codec that FFmpeg reads. Time 0 is the presentation time of its first picture."""

    def __init__(self, path: Path) -> None:
        """Opens it.

        Raises:
            UsageError: there is no such file.
            CodecError: it is no video, or of a codec that cannot be decoded.
        """
        self._path = path
        self._container = open_video(path)
        try:
            self._stream = video_of(self._container, path)
        except CodecError:
            self._container.close()
            raise
        self._last: float | None = None
        self.corrupt = 0
        """Damaged packets and pictures that were left out."""
        self.origin_s = 0.0
        """The container's own time of the first picture, once it was read."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    @property
    def duration_s(self) -> float | None:
        """How long the container says it is; where it does not say, the time of the last picture read so far."""
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        return self._last if self._container.duration is None else self._container.duration / av.time_base

    def frames(self) -> Iterator[DecodedFrame]:
        """Every picture in presentation order; ``captured_at`` is file time in seconds.

        Raises:
            CodecError: not one picture can be decoded.
        """
        first: float | None = None
        now = 0.0
        for picture in self._pictures():
            if picture.is_corrupt:
                self.corrupt += 1
                continue
            now = self._time_of(picture, now)
            if first is None:
                first = self.origin_s = now
            self._last = max(self._last or 0.0, now - first)
            yield DecodedFrame(picture=picture, captured_at=now - first, pixel_aspect=self._pixel_aspect())
        if first is None:
            raise CodecError(
                f"{self._path} holds no picture that can be decoded", remedy="Check that the file is whole."
            )

    def _pixel_aspect(self) -> float:
        """The container's word before the codec's, as players have it."""
        return pixel_aspect_of(self._stream.sample_aspect_ratio or self._stream.codec_context.sample_aspect_ratio)

    def _time_of(self, picture: av.VideoFrame, previous: float) -> float:
        """Its presentation time; where the file has none (raw streams), one picture after the previous."""
        if picture.pts is not None:
            return picture.time
        return previous + float(1 / (self._stream.guessed_rate or _USUAL_RATE))

    def _pictures(self) -> Iterator[av.VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                pictures = packet.decode()
            except av.error.FFmpegError:
                self.corrupt += 1
                continue
            yield from pictures


def open_video(path: Path) -> InputContainer:
    """Opens a file, and nothing that is not one.

    Raises:
        UsageError, CodecError: there is no such file, or it is no video.
    """
    if not path.is_file():
        raise UsageError(f"there is no video file {path}", remedy="Check the path.")
    try:
        return av.open(f"file:{path}", options=_LOCAL_ONLY)
    except (av.error.FFmpegError, OSError) as error:
        raise CodecError(
            f"{path} is not a video file that can be read: {error.strerror}", remedy="Give a video file."
        ) from error


def video_of(container: InputContainer, path: Path) -> VideoStream:
    """The file's first video stream.

    Raises:
        CodecError: it has none that can be decoded.
    """
    if not container.streams.video or container.format.name == _TEXT:
        raise CodecError(f"{path} holds no video", remedy="Give a video file.")
    stream = container.streams.video[0]
    if getattr(stream, "codec_context", None) is None:
        raise CodecError(
            f"the video in {path} is of a codec that cannot be decoded", remedy="Convert it, for example to H.264."
        )
    stream.thread_type = "AUTO"
    return stream
