"""What some seconds of one camera's stream show."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import av
from av.video.codeccontext import VideoCodecContext

from analytics.decode.decoder import Decoder
from analytics.decode.frame import DecodedFrame
from analytics.decode.hardware import open_software
from analytics.probe.picture import PictureQuality, quality_of
from core.contracts import Clock, VideoSource
from core.errors import VmsError
from core.types import Packet

_QUALITY_EVERY_S = 1.0
_BIDIRECTIONAL = "B"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One packet, without its picture."""

    captured_at: float
    received_at: float
    local_utc: float
    size: int
    is_key: bool


@dataclass(slots=True, kw_only=True)
class StreamSample:
    """What was seen of a stream. Sizes in pixels, times in seconds."""

    codec: str = ""
    profile: str = ""
    width: int = 0
    height: int = 0
    """As coded."""
    shown_width: int = 0
    shown_height: int = 0
    """In square pixels."""
    nominal_fps: float | None = None
    """What the stream says of itself."""
    has_b_frames: bool = False
    is_interlaced: bool = False
    first_picture_s: float | None = None
    decode_s: float = 0.0
    """Processor time of one thread."""
    pictures: int = 0
    damaged: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    qualities: list[PictureQuality] = field(default_factory=list)
    failure: VmsError | None = None


def sample(source: VideoSource, clock: Clock, seconds: float) -> StreamSample:
    """Reads the source for so long after its first packet, and closes it. One that breaks off is told as ``failure``.

    Raises:
        VmsError: it gives no video.
        CodecError: there is no decoder of its codec.
    """
    taken = _Taking(clock)
    began_at = clock.monotonic()
    until: float | None = None
    try:
        for packet in source.packets():
            taken.take(packet, clock.monotonic() - began_at)
            until = until or clock.monotonic() + seconds
            if clock.monotonic() >= until:
                break
    except VmsError as error:
        if until is None:
            raise
        taken.sample.failure = error
    finally:
        source.close()
    return taken.sample


class _Taking:
    """Fills a sample, packet by packet."""

    def __init__(self, clock: Clock) -> None:
        self.sample = StreamSample()
        self._clock = clock
        self._decoder = Decoder(self._opened)
        self._context: VideoCodecContext | None = None
        self._looked_at = float("-inf")

    def take(self, packet: Packet, after_s: float) -> None:
        sample = self.sample
        sample.codec = packet.codec
        sample.arrivals.append(
            Arrival(
                captured_at=packet.captured_at,
                received_at=packet.received_at,
                local_utc=self._clock.utc() - (self._clock.monotonic() - packet.received_at),
                size=len(packet.data),
                is_key=packet.is_key,
            )
        )
        started = time.thread_time()
        frames = self._decoder.decode(packet)
        sample.decode_s += time.thread_time() - started
        sample.damaged = self._decoder.corrupt
        for frame in frames:
            if sample.first_picture_s is None:
                sample.first_picture_s = after_s
            self._look(frame)

    def _look(self, frame: DecodedFrame) -> None:
        sample, picture = self.sample, frame.picture
        sample.pictures += 1
        sample.width, sample.height = picture.width, picture.height
        sample.shown_width, sample.shown_height = frame.width, frame.height
        sample.has_b_frames |= av.video.frame.PictureType(picture.pict_type).name == _BIDIRECTIONAL
        sample.is_interlaced |= picture.interlaced_frame
        if self._context is not None:
            sample.profile = self._context.profile or ""
            rate = self._context.framerate
            sample.nominal_fps = float(rate) if rate else None
        if frame.captured_at - self._looked_at >= _QUALITY_EVERY_S:
            self._looked_at = frame.captured_at
            sample.qualities.append(quality_of(frame))

    def _opened(self, codec: str, extradata: bytes) -> VideoCodecContext:
        self._context = open_software(codec, extradata)
        return self._context
