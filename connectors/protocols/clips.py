"""A video file as packets that a simulated camera can send: H.264 or H.265 in Annex B, short GOPs, no B-frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeAlias

import av
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from core.errors import CodecError

ClipCodec: TypeAlias = Literal["h264", "hevc", "mjpeg"]
"""``mjpeg`` never comes from ``load_clip``: only a simulator whose protocol carries it makes such clips itself."""

MAX_GOP_S = 2.0
"""A clip whose key frames are farther apart is transcoded: who joins a live stream must not wait longer."""

_DEFAULT_FPS = 25.0
_TICKS_PER_S = 90_000
_SAME_MOMENT_S = 1e-6
_START_CODE = b"\x00\x00\x01"
_SENDABLE: dict[str, ClipCodec] = {"h264": "h264", "hevc": "hevc"}
_SPS_TYPES: dict[ClipCodec, frozenset[int]] = {"h264": frozenset({7}), "hevc": frozenset({33})}
_PARAMETER_SET_TYPES: dict[ClipCodec, frozenset[int]] = {"h264": frozenset({7, 8}), "hevc": frozenset({32, 33, 34})}
_FILTERS: dict[ClipCodec, str] = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipPacket:
    """One encoded picture: Annex B, parameter sets in front of key frames; times in seconds from the clip's start."""

    data: bytes
    offset_s: float
    is_key: bool
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A whole video, its packets in decode order (which is presentation order: there are no B-frames)."""

    codec: ClipCodec
    width: int
    height: int
    fps: float
    duration_s: float
    packets: tuple[ClipPacket, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipShape:
    """What a clip is made to be: H.264 of this size in pixels (even), at so many pictures per second."""

    width: int
    height: int
    fps: float


def load_clip(path: Path, shape: ClipShape | None = None) -> Clip:
    """Reads a video file (MP4, MKV, AVI …); transcodes it to H.264 when it cannot be sent as it is.

    Sent as it is: H.264/H.265 without B-frames whose key frames are at most ``MAX_GOP_S`` apart, where no ``shape`` is
    given. A shape repeats or leaves out pictures and stretches them; the clip lasts as long as before.
    Raises ``CodecError`` when the file cannot be read or holds no video.
    """
    try:
        return (None if shape else _without_transcoding(path)) or _transcoded(path, shape)
    except (av.error.FFmpegError, OSError) as error:
        raise CodecError(
            f"the video {path} cannot be read: {error}", remedy="Give a file that a video player opens."
        ) from error


def encoder_options(fps: float) -> dict[str, str]:
    """Options of libx264 for a GOP of one second without B-frames or look-ahead."""
    gop = max(1, round(fps))
    return {
        "preset": "veryfast",
        "tune": "zerolatency",
        "crf": "23",
        "x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0:sliced-threads=0",
    }


def nal_units(data: bytes) -> Iterator[bytes]:
    """The NAL units of an Annex B byte stream, without their start codes."""
    position = data.find(_START_CODE)
    while position >= 0:
        start = position + len(_START_CODE)
        position = data.find(_START_CODE, start)
        unit = data[start:] if position < 0 else data[start:position]
        unit = unit.rstrip(b"\x00")
        if unit:
            yield unit


def nal_type(unit: bytes, codec: ClipCodec) -> int:
    """``nal_unit_type`` of a NAL unit (ITU-T H.264 §7.3.1, H.265 §7.3.1.2)."""
    return unit[0] & 0x1F if codec == "h264" else (unit[0] >> 1) & 0x3F


def parameter_sets(data: bytes, codec: ClipCodec) -> tuple[bytes, ...]:
    """The (VPS,) SPS and PPS of an Annex B picture, in their order; empty when it carries none."""
    wanted = _PARAMETER_SET_TYPES[codec]
    return tuple(unit for unit in nal_units(data) if nal_type(unit, codec) in wanted)


def _without_transcoding(path: Path) -> Clip | None:
    with av.open(str(path)) as container:
        stream = _video_stream(container, path)
        codec = _SENDABLE.get(stream.codec_context.name)
        if codec is None:
            return None
        packets = _with_durations(_annex_b_packets(container, stream, codec), _fps(stream))
        if not packets or not _is_sendable(packets, codec):
            return None
        return _clip(codec, stream.codec_context, _fps(stream), packets)


def _annex_b_packets(container: InputContainer, stream: VideoStream, codec: ClipCodec) -> list[ClipPacket]:
    to_annex_b = BitStreamFilterContext(_FILTERS[codec], stream)
    packets: list[ClipPacket] = []
    sets = b""
    for packet in container.demux(stream):
        for part in to_annex_b.filter(packet if packet.size else None):
            if part.pts is None or (not packets and not part.is_keyframe):
                continue
            data = bytes(part)
            if part.is_keyframe:
                own = parameter_sets(data, codec)
                sets = b"".join(b"\x00" + _START_CODE + unit for unit in own) or sets
                data = data if own else sets + data
            packets.append(_packet(data, float(part.pts * part.time_base), part.is_keyframe))
    return packets


def _is_sendable(packets: list[ClipPacket], codec: ClipCodec) -> bool:
    rising = all(first.offset_s < second.offset_s for first, second in pairwise(packets))
    keys = [packet.offset_s for packet in packets if packet.is_key]
    end = packets[-1].offset_s + packets[-1].duration_s
    short = all(second - first <= MAX_GOP_S for first, second in pairwise([*keys, end]))
    first_types = {nal_type(unit, codec) for unit in nal_units(packets[0].data)}
    return rising and short and bool(first_types & _SPS_TYPES[codec])


def _transcoded(path: Path, shape: ClipShape | None) -> Clip:
    with av.open(str(path)) as container:
        stream = _video_stream(container, path)
        stream.thread_type = "AUTO"
        fps = shape.fps if shape else _fps(stream)
        context: VideoCodecContext | None = None
        packets: list[ClipPacket] = []
        timed = _timed_frames(container, stream, _fps(stream))
        for frame, time_s in _at_rate(timed, fps, 1.0 / _fps(stream)) if shape else timed:
            width, height = (shape.width, shape.height) if shape else (frame.width, frame.height)
            context = context or _encoder(width, height, fps)
            picture = frame.reformat(width=context.width, height=context.height, format="yuv420p")
            picture.pts = round(time_s * _TICKS_PER_S)
            picture.time_base = Fraction(1, _TICKS_PER_S)
            picture.pict_type = 0
            packets += _encoded(context, picture)
        if context is None:
            raise CodecError(f"the video {path} holds no picture that can be decoded", remedy="Give another file.")
        packets += _encoded(context, None)
        return _clip("h264", context, fps, _with_durations(packets, fps))


def _timed_frames(container: InputContainer, stream: VideoStream, fps: float) -> Iterator[tuple[VideoFrame, float]]:
    last = -1.0 / fps
    for frame in container.decode(stream):
        last = frame.time if frame.pts is not None and frame.time > last else last + 1.0 / fps
        yield frame, last


def _at_rate(
    frames: Iterable[tuple[VideoFrame, float]], fps: float, last_s: float
) -> Iterator[tuple[VideoFrame, float]]:
    """The newest picture at each of the evenly spaced times; the last one is shown for ``last_s``."""
    count, shown, shown_at = 0, None, 0.0
    for frame, time_s in frames:
        while shown is not None and count / fps < time_s:
            yield shown, count / fps
            count += 1
        shown, shown_at = frame, time_s
    while shown is not None and count / fps < shown_at + last_s - _SAME_MOMENT_S:
        yield shown, count / fps
        count += 1


def _encoder(width: int, height: int, fps: float) -> VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height = width // 2 * 2, height // 2 * 2
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, _TICKS_PER_S)
    context.framerate = Fraction(fps).limit_denominator(1001)
    context.options = encoder_options(fps)
    return context


def _encoded(context: VideoCodecContext, picture: VideoFrame | None) -> list[ClipPacket]:
    return [
        _packet(bytes(packet), (packet.pts or 0) / _TICKS_PER_S, packet.is_keyframe)
        for packet in context.encode(picture)
    ]


def _packet(data: bytes, offset_s: float, is_key: bool) -> ClipPacket:
    return ClipPacket(data=data, offset_s=offset_s, is_key=is_key, duration_s=0.0)


def _with_durations(packets: list[ClipPacket], fps: float) -> list[ClipPacket]:
    """Shifted to start at 0, each lasting until the next."""
    origin = min((packet.offset_s for packet in packets), default=0.0)
    ends = [*(packet.offset_s for packet in packets[1:]), packets[-1].offset_s + 1.0 / fps] if packets else []
    return [
        dataclasses.replace(packet, offset_s=packet.offset_s - origin, duration_s=max(0.0, end - packet.offset_s))
        for packet, end in zip(packets, ends, strict=True)
    ]


def _clip(codec: ClipCodec, context: VideoCodecContext, fps: float, packets: list[ClipPacket]) -> Clip:
    return Clip(
        codec=codec,
        width=context.width,
        height=context.height,
        fps=fps,
        duration_s=packets[-1].offset_s + packets[-1].duration_s,
        packets=tuple(packets),
    )


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    if not container.streams.video:
        raise CodecError(f"{path} holds no video", remedy="Give a file with a video track.")
    return container.streams.video[0]


def _fps(stream: VideoStream) -> float:
    rate = stream.average_rate or stream.guessed_rate
    return float(rate) if rate else _DEFAULT_FPS
