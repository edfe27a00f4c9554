"""A recording as a video source: ``PLAY`` with ``Range: clock=`` (RFC 2326 §3.7, §12.29)."""

from __future__ import annotations

import contextlib
import math
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from connectors.protocols.playback.connection import RtspConnection
from connectors.protocols.playback.depacketizer import Depacketizer, EncodedPicture, RtpPacket
from connectors.protocols.playback.description import VideoTrack, video_track
from connectors.protocols.rtsp.clock_range import parse_clock_range
from connectors.protocols.rtsp.message import Response, parse_parameters
from connectors.protocols.rtsp_source import RtspTarget
from core.contracts import Clock, VideoSource
from core.errors import ProtocolViolation, VmsError, VmsUnavailable
from core.types import Packet, UtcSeconds

_CHANNELS: Final = "0-1"
_RTP, _RTCP = 0, 1
_GOODBYE: Final = 203
_INVALID_RANGE: Final = 457
_WRAP: Final = 1 << 32
_KEEP_ALIVE_SHARE: Final = 3
_DEFAULT_SESSION_S: Final = 60.0
_LEAD_S: Final = 60.0
"""So much before the moment asked for the first picture may be: the key frame that the others build upon."""
_NEAR_END_S: Final = 1.0
"""A server that falls silent or leaves so near to the end has sent all that was recorded: not every one says goodbye."""
_RTP_TIME: Final = re.compile(r"rtptime=(\d+)")
_log = structlog.get_logger(component="playback")


@dataclass(slots=True)
class _Timeline:
    """RTP time to UTC: ``PLAY`` is answered with where the recording begins, and what that is in RTP time."""

    begin: UtcSeconds
    clock_rate: int
    plausible: tuple[UtcSeconds, UtcSeconds]
    """The first picture is within, or else counts as ``begin``: some servers tell an RTP time that means nothing."""
    last: int | None = None
    elapsed: int = 0
    is_anchored: bool = False

    def place(self, timestamp: int) -> UtcSeconds:
        """Capture time of the picture with this RTP time; it may wrap, and go back by a little."""
        if self.last is not None:
            step = (timestamp - self.last) % _WRAP
            self.elapsed += step - _WRAP if step >= _WRAP // 2 else step
        self.last = timestamp
        if not self.is_anchored and not self.plausible[0] <= self._now() <= self.plausible[1]:
            self.elapsed = 0
        self.is_anchored = True
        return self._now()

    def _now(self) -> UtcSeconds:
        return self.begin + self.elapsed / self.clock_rate


class PlaybackSource(VideoSource):
    """What a server recorded from ``begin`` to ``end``, at the pace at which it sends.

    ``packets`` begins at a key frame, maybe in front of the interval, and ends after it, or when the server says goodbye;
    an interval that the server calls invalid (457) holds no recording. RTP travels inside the connection. Whole seconds
    are asked for, as every example has them.
    """

    def __init__(self, target: RtspTarget, clock: Clock, *, begin: UtcSeconds, end: UtcSeconds) -> None:
        self._target = target
        self._clock = clock
        self._begin = begin
        self._end = end
        self._connection = RtspConnection(target, clock)
        self._closed = threading.Event()
        self._session = ""
        self._keep_alive_s = _DEFAULT_SESSION_S / _KEEP_ALIVE_SHARE

    def packets(self) -> Iterator[Packet]:
        if self._closed.is_set():
            return
        try:
            self._connection.open()
            yield from self._play()
        except VmsError:
            if not self._closed.is_set():
                raise
        finally:
            self._connection.close()

    def close(self) -> None:
        self._closed.set()
        self._connection.abort()

    def _play(self) -> Iterator[Packet]:
        url = self._target.url
        described = self._connection.ask("DESCRIBE", url, Accept="application/sdp")
        base = described.header("content-base") or described.header("content-location") or url
        track = video_track(described.body.decode("utf-8", "replace"), base, self._connection.place)
        self._set_up(track)
        try:
            yield from self._played(track)
        finally:
            with contextlib.suppress(VmsError):  # it hung up, or was closed
                self._connection.tell("TEARDOWN", track.presentation_url, Session=self._session)

    def _set_up(self, track: VideoTrack) -> None:
        transport = f"RTP/AVP/TCP;unicast;interleaved={_CHANNELS}"
        answer = self._connection.ask("SETUP", track.url, Transport=transport)
        parameters = parse_parameters(answer.header("transport"))
        if parameters.get("interleaved", _CHANNELS) != _CHANNELS:
            raise ProtocolViolation(f"{self._connection.place}: the server chose other channels than were asked for")
        self._session, _, given = answer.header("session").partition(";")
        if not self._session:
            raise ProtocolViolation(f"{self._connection.place}: the server opened no session")
        seconds = parse_parameters(given).get("timeout", "")
        self._keep_alive_s = (float(seconds) if seconds.isdecimal() else _DEFAULT_SESSION_S) / _KEEP_ALIVE_SHARE

    def _played(self, track: VideoTrack) -> Iterator[Packet]:
        span = f"clock={_whole_second(math.floor(self._begin))}-{_whole_second(math.ceil(self._end))}"
        started = self._connection.ask("PLAY", track.presentation_url, Session=self._session, Range=span)
        if started.status == _INVALID_RANGE:
            return
        timeline = self._timeline(track, started)
        reached = -math.inf
        try:
            for packet in self._recorded(track, timeline):
                reached = max(reached, packet.captured_at)
                yield packet
        except VmsUnavailable:
            if reached < self._end - _NEAR_END_S:
                raise

    def _timeline(self, track: VideoTrack, started: Response) -> _Timeline:
        told = parse_clock_range(started.header("range"))
        if told is None:
            _log.warning("the server does not tell where the recording begins", stream=self._connection.place)
        ticks = _RTP_TIME.search(started.header("rtp-info"))
        return _Timeline(
            begin=told[0] if told else self._begin,
            clock_rate=track.clock_rate,
            plausible=(self._begin - _LEAD_S, self._end),
            last=int(ticks[1]) % _WRAP if ticks else None,
        )

    def _recorded(self, track: VideoTrack, timeline: _Timeline) -> Iterator[Packet]:
        is_decodable = False
        for picture in self._pictures(track):
            captured_at = timeline.place(picture.timestamp)
            if captured_at > self._end:
                return
            is_decodable = is_decodable or picture.is_key
            if is_decodable:
                yield Packet(
                    codec=track.codec,
                    data=picture.data,
                    captured_at=captured_at,
                    is_key=picture.is_key,
                    received_at=self._clock.monotonic(),
                )

    def _pictures(self, track: VideoTrack) -> Iterator[EncodedPicture]:
        depacketizer = Depacketizer(codec=track.codec, parameter_sets=track.parameter_sets)
        kept_at = self._clock.monotonic()
        for frame in self._connection.frames():
            if frame.channel == _RTCP and _says_goodbye(frame.data):
                return
            if frame.channel == _RTP:
                yield from self._completed(depacketizer, frame.data, track.payload_type)
            if self._clock.monotonic() - kept_at > self._keep_alive_s:
                kept_at = self._clock.monotonic()
                self._connection.tell("GET_PARAMETER", track.presentation_url, Session=self._session)

    def _completed(self, depacketizer: Depacketizer, data: bytes, payload_type: int) -> Iterator[EncodedPicture]:
        try:
            packet = RtpPacket.parse(data)
            if packet.payload_type == payload_type:
                yield from depacketizer.feed(packet)
        except ProtocolViolation as error:
            raise ProtocolViolation(f"{self._connection.place}: {error}") from error


def _whole_second(moment: int) -> str:
    """As RFC 2326 §3.7 writes it: ``20261120T101500Z``."""
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y%m%dT%H%M%SZ")


def _says_goodbye(compound: bytes) -> bool:
    """Whether a compound RTCP packet (RFC 3550 §6.1) holds a BYE."""
    position = 0
    while position + 4 <= len(compound):
        if compound[position + 1] == _GOODBYE:
            return True
        position += 4 * (1 + int.from_bytes(compound[position + 2 : position + 4], "big"))
    return False
