"""Parts of a video file, copied as they are encoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from analytics.decode.frame import DecodedFrame
from analytics.filevideo import FileVideo, open_video, video_of
from core.errors import CodecError, UsageError
from core.types import UtcSeconds

MATCH_S = 0.002
"""Matroska rounds times to milliseconds."""
_Packet: TypeAlias = "av.Packet[VideoStream]"


class Footage:
    """A file of which parts are copied. Times are file time: 0 is the file's first picture."""

    def __init__(self, video: Path, origin_s: float) -> None:
        """``origin_s``: the container's own time of the first picture."""
        self._video = video
        self._origin_s = origin_s

    def copy(self, begin: UtcSeconds, end: UtcSeconds, target: Path) -> UtcSeconds:
        """Copies from the last key picture before ``begin`` to ``end``, without sound; the time of its first picture.

        Raises:
            CodecError: the file cannot be read again, or not be copied.
            UsageError: it has no time stamps.
        """
        try:
            with closing(open_video(self._video)) as source:
                stream = video_of(source, self._video)
                return self._copied(source, stream, (begin, end), target)
        except (av.error.FFmpegError, ValueError) as error:
            raise CodecError(
                f"a part of {self._video} cannot be copied: {error}",
                remedy="Copy its video into a Matroska file first, and analyse that.",
            ) from error

    def picture(self, moment: UtcSeconds) -> DecodedFrame:
        """The picture at a moment, or the first one after it, or the last one.

        Raises:
            CodecError: as ``copy``.
        """
        with TemporaryDirectory() as folder:
            clip = Path(folder) / "part.mkv"
            starts_at = self.copy(moment, moment, clip)
            with FileVideo(clip) as video:
                frame: DecodedFrame | None = None
                for frame in video.frames():
                    if frame.captured_at + starts_at >= moment - MATCH_S:
                        break
                assert frame is not None  # frames raises where there is none
                frame.rgb()  # converted while the file is there
                return frame

    def _copied(
        self, source: InputContainer, stream: VideoStream, part: tuple[UtcSeconds, UtcSeconds], target: Path
    ) -> UtcSeconds:
        begin, end = (moment + self._origin_s for moment in part)
        starts_at: float | None = None
        with av.open(str(target), "w", format="matroska", options={"fflags": "+bitexact"}) as output:
            copy = output.add_stream_from_template(stream)
            for packet in _part(self._from(source, stream, begin), begin + MATCH_S, end + MATCH_S):
                shown = _seconds(packet)
                starts_at = shown if starts_at is None else starts_at
                if shown < starts_at:
                    continue  # pictures that lead the first key picture need what came before it
                packet.stream = copy
                output.mux(packet)
        if starts_at is None:
            raise CodecError(f"{self._video} has no key picture up to {part[0]:.2f} s", remedy="Convert it.")
        return starts_at - self._origin_s

    def _from(self, source: InputContainer, stream: VideoStream, begin: float) -> Iterator[_Packet]:
        """Packets from somewhere before ``begin``; from the file's beginning where its index is of no use."""
        assert stream.time_base is not None
        with suppress(av.error.FFmpegError):
            source.seek(round(begin / stream.time_base), stream=stream)
            first = next(source.demux(stream))
            if first.size and first.is_keyframe and _seconds(first) <= begin + MATCH_S:
                yield first
                yield from source.demux(stream)
                return
        with closing(open_video(self._video)) as again:
            yield from again.demux(video_of(again, self._video))


def _part(packets: Iterator[_Packet], begin: float, end: float) -> Iterator[_Packet]:
    """From the last key picture at or before ``begin`` to the last picture before ``end``."""
    waiting: list[_Packet] = []
    is_reached = False
    for packet in packets:
        if not packet.size:
            continue
        shown, decoded = _seconds(packet), _decoded(packet)
        if packet.is_keyframe and shown <= begin:
            waiting.clear()
        is_reached = is_reached or decoded > begin
        waiting.append(packet)
        if is_reached:
            yield from waiting
            waiting.clear()
        if decoded > end:
            return
    yield from waiting


def _seconds(packet: _Packet) -> float:
    if packet.pts is None and packet.dts is not None and not packet.stream.codec_context.has_b_frames:
        packet.pts = packet.dts
    if packet.pts is None or packet.time_base is None:
        raise UsageError(
            "the video file has no time stamps of its own: parts of it cannot be kept",
            remedy="Copy its video into a Matroska or MP4 file first, and analyse that.",
        )
    return float(packet.pts * packet.time_base)


def _decoded(packet: _Packet) -> float:
    if packet.dts is None or packet.time_base is None:
        return _seconds(packet)
    return float(packet.dts * packet.time_base)
