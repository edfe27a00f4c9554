"""A clip as the camera would send it after something befell it: black, standing still, of another codec or another size."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from connectors.protocols.backdoor import FaultBoard
from connectors.protocols.clips import Clip, ClipCodec, ClipPacket
from core.errors import CodecError

_TICKS_PER_S = 90_000
_BLACK, _GREY = 16, 128
_ENCODERS: Final[dict[ClipCodec, str]] = {"h264": "libx264", "hevc": "libx265"}
_SMALLEST = 64
"""Pixels; smaller pictures no encoder takes."""


class Picture(StrEnum):
    """What a camera's picture is at the moment."""

    OK = "ok"
    BLACK = "black"
    """The lens is covered: black pictures."""
    STILL = "still"
    """The encoder repeats one picture for ever; the stream goes on."""
    CODEC_CHANGE = "codec-change"
    """H.265 instead of H.264, or the other way round."""
    RESOLUTION_CHANGE = "resolution-change"
    """Half as wide and high."""
    CORRUPT = "corrupt"
    """The stream is damaged on its way."""


def ordered_picture(faults: FaultBoard) -> Picture:
    """What the fault plan ``video`` makes of every camera's picture now."""
    outcome = faults.current("video")
    return Picture(outcome) if outcome in set(Picture) else Picture.OK


@dataclass(slots=True)
class Variants:
    """The clip and what is made of its first second when somebody asks; one event loop only."""

    clip: Clip
    _made: dict[Picture, Clip] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def of(self, picture: Picture) -> Clip:
        """The clip to play for that picture."""
        if picture in {Picture.OK, Picture.CORRUPT}:
            return self.clip
        async with self._lock:
            if picture not in self._made:
                self._made[picture] = await asyncio.to_thread(_variant, self.clip, picture)
            return self._made[picture]


def smaller(clip: Clip) -> Clip:
    """The whole clip as H.264 of half the width and height, for a second profile."""
    return _encoded(_decoded(clip), clip, "h264", _half(clip))


def newest_picture(packets: Iterable[bytes], codec: ClipCodec) -> VideoFrame:
    """The last picture of these packets, the first of which is a key frame. Raises ``CodecError`` when there is none."""
    decoder = _decoder(codec)
    newest: VideoFrame | None = None
    try:
        for data in packets:
            newest = _last(decoder.decode(av.Packet(data)), newest)
        newest = _last(decoder.decode(None), newest)
    except av.error.FFmpegError as error:
        raise CodecError(f"the stream cannot be decoded: {error}") from error
    if newest is None:
        raise CodecError("the stream holds no picture")
    return newest


def _last(frames: list[VideoFrame], before: VideoFrame | None) -> VideoFrame | None:
    return frames[-1] if frames else before


def _variant(clip: Clip, picture: Picture) -> Clip:
    first = replace(clip, packets=tuple(_first_second(clip)))
    size = _half(clip) if picture is Picture.RESOLUTION_CHANGE else (clip.width, clip.height)
    codec: ClipCodec = clip.codec
    if picture is Picture.CODEC_CHANGE:
        codec = "h264" if clip.codec == "hevc" else "hevc"
    frames = list(_decoded(first))
    if picture is Picture.BLACK:
        frames = [_black(*size)] * len(frames)
    made = _encoded(frames, first, codec, size)
    return _repeated(made) if picture is Picture.STILL else made


def _repeated(clip: Clip) -> Clip:
    """The first picture again and again, to the last bit: coded anew, one key picture would differ from the next."""
    key = clip.packets[0]
    return replace(clip, packets=tuple(replace(packet, data=key.data, is_key=True) for packet in clip.packets))


def _first_second(clip: Clip) -> Iterator[ClipPacket]:
    """Whole GOPs of about a second."""
    for packet in clip.packets:
        if packet.is_key and packet.offset_s >= 1.0:
            return
        yield packet


def _half(clip: Clip) -> tuple[int, int]:
    return tuple(max(_SMALLEST, side // 4 * 2) for side in (clip.width, clip.height))  # type: ignore[return-value]


def _black(width: int, height: int) -> VideoFrame:
    planes = np.full((height * 3 // 2, width), _GREY, np.uint8)
    planes[:height] = _BLACK
    return VideoFrame.from_ndarray(planes, format="yuv420p")


def _decoder(codec: ClipCodec) -> VideoCodecContext:
    decoder = av.CodecContext.create(codec, "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    return decoder


def _decoded(clip: Clip) -> Iterator[VideoFrame]:
    decoder = _decoder(clip.codec)
    for packet in clip.packets:
        yield from decoder.decode(av.Packet(packet.data))
    yield from decoder.decode(None)


def _encoded(frames: Iterable[VideoFrame], like: Clip, codec: ClipCodec, size: tuple[int, int]) -> Clip:
    """Encodes frames with the timing of ``like``'s packets, of which there are as many."""
    encoder = _encoder(codec, size, like.fps)
    packets: list[ClipPacket] = []
    times = [packet.offset_s for packet in like.packets]
    for frame, offset_s in zip(frames, times, strict=False):
        picture = frame.reformat(*size, format="yuv420p")
        picture.pts, picture.time_base, picture.pict_type = round(offset_s * _TICKS_PER_S), encoder.time_base, 0
        packets += _packets(encoder, picture)
    packets += _packets(encoder, None)
    timed = tuple(
        replace(packet, duration_s=original.duration_s) for packet, original in zip(packets, like.packets, strict=False)
    )
    end_s = timed[-1].offset_s + timed[-1].duration_s
    return Clip(codec=codec, width=size[0], height=size[1], fps=like.fps, duration_s=end_s, packets=timed)


def _encoder(codec: ClipCodec, size: tuple[int, int], fps: float) -> VideoCodecContext:
    encoder = av.CodecContext.create(_ENCODERS[codec], "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, _TICKS_PER_S)
    encoder.framerate = Fraction(fps).limit_denominator(1001)
    gop = max(1, round(fps))
    common = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0"
    own = {"x264-params": f"{common}:sliced-threads=0"} if codec == "h264" else {"x265-params": f"{common}:log-level=0"}
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", **own}
    return encoder


def _packets(encoder: VideoCodecContext, picture: VideoFrame | None) -> list[ClipPacket]:
    return [
        ClipPacket(
            data=bytes(packet), offset_s=(packet.pts or 0) / _TICKS_PER_S, is_key=packet.is_keyframe, duration_s=0.0
        )
        for packet in encoder.encode(picture)
    ]
