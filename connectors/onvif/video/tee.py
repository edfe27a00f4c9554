"""A camera's video that the device's viewers see too: packets pass to the analyser, and to the device when wanted.

Everything happens in the thread that reads the packets, and nothing of it waits: the analysis never depends on the
device. What is wanted is therefore noticed, and what did not fit into the socket goes on, at the next packet.
"""

from __future__ import annotations

import io
import socket
import statistics
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Final, cast

import av
import structlog

from connectors.onvif.device.relay import RELAYED_CODECS, format_record, hello, picture_record
from connectors.onvif.device.relayed_video import GroupOfPictures, RelayedPacket
from connectors.protocols.clips import ClipCodec, parameter_sets
from connectors.protocols.rtsp.feeds import VideoFormat
from core.contracts import Clock, VideoSource
from core.logs import OnceGate, describe
from core.types import Packet

MAX_BACKLOG_BYTES: Final = 8 * 1024 * 1024
"""What the device may be behind; beyond, pictures are left out up to the next key frame."""

REDIAL_S: Final = 1.0
DIAL_S: Final = 0.5
"""On this machine a connection is made at once, or refused at once."""

_ANSWER_BYTES: Final = 4096
_START_CODES: Final = (b"\x00\x00\x01", b"\x00\x00\x00\x01")
_SAME_FPS: Final = 0.05
"""Share by which a measured rate may differ without being told anew."""

_RATE_PICTURES: Final = 256
_RATE_INTERVALS: Final = 4
"""With fewer, or in more pictures than those, a rate is not looked for."""

_log = structlog.get_logger(component="onvif")


class TeeSource(VideoSource):
    """``source``, from which the device takes what its viewers want.

    ``front`` is what ``Relay.listening`` yielded in the supervisor; without it, the packets just pass.
    """

    def __init__(self, source: VideoSource, front: Mapping[str, str], camera_id: str, clock: Clock) -> None:
        self._source = source
        self._front = front
        self._camera_id = camera_id
        self._clock = clock

    def packets(self) -> Iterator[Packet]:
        if "relay" not in self._front:
            yield from self._source.packets()
            return
        forwarder = Forwarder(self._front, self._camera_id, self._clock)
        try:
            for packet in self._source.packets():
                forwarder.take(packet)
                yield packet
        finally:
            forwarder.close()

    def close(self) -> None:
        self._source.close()


class Forwarder:
    """Sends one camera's packets to the device while they are wanted. Confined to one thread; never waits."""

    def __init__(self, front: Mapping[str, str], camera_id: str, clock: Clock) -> None:
        self._link = _Link(front, camera_id, clock)
        self._camera_id = camera_id
        self._gate = OnceGate(_log)
        self._describer = _Describer()
        self._gop: GroupOfPictures[Packet] = GroupOfPictures()
        self._turn = 0
        self._skips_to_key = False

    def take(self, packet: Packet) -> None:
        """The next packet in decode order."""
        if packet.codec not in RELAYED_CODECS:
            self._gate.lost("codec", "this video cannot be sent on by RTP", camera=self._camera_id, codec=packet.codec)
            return
        packet = _self_contained(packet)
        has_news = self._describer.look(packet)
        if not self._link.is_up():
            self._turn = 0
            has_news |= self._link.dial()
        if has_news and self._describer.format is not None:
            self._link.put(format_record(self._describer.format))
        self._gop.add(packet)
        turn = self._link.turn()
        pictures = (packet,) if turn == self._turn else self._gop.packets()
        self._turn = turn
        if turn:
            for picture in pictures:
                self._forward(picture)
        self._link.flush()

    def close(self) -> None:
        """Ends the connection."""
        self._link.close()

    def _forward(self, packet: Packet) -> None:
        self._skips_to_key = (self._skips_to_key and not packet.is_key) or self._link.backlog > MAX_BACKLOG_BYTES
        if not self._skips_to_key:
            picture = RelayedPacket(
                data=packet.data, captured_at=packet.captured_at, is_key=packet.is_key, turn=self._turn
            )
            self._link.put(picture_record(picture))


class _Link:
    """The connection to the device's relay; a lost one is dialled again, at most every ``REDIAL_S``."""

    def __init__(self, front: Mapping[str, str], camera_id: str, clock: Clock) -> None:
        host, _, port = front["relay"].rpartition(":")
        self._address = host, int(port)
        self._hello = hello(front["secret"], camera_id)
        self._camera_id = camera_id
        self._clock = clock
        self._gate = OnceGate(_log)
        self._socket: socket.socket | None = None
        self._dialled_at = float("-inf")
        self._turn = 0
        self._unsent: deque[memoryview] = deque()
        self.backlog = 0
        """Bytes that the socket did not take yet."""

    def is_up(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._socket is not None

    def dial(self) -> bool:
        """Connects when it is time to; whether there is a new connection."""
        now = self._clock.monotonic()
        if now - self._dialled_at < REDIAL_S:
            return False
        self._dialled_at = now
        try:
            self._socket = socket.create_connection(self._address, DIAL_S)
        except OSError as error:
            self._lost(error)
            return False
        self._socket.setblocking(False)
        self.put(self._hello)
        return True

    def turn(self) -> int:
        """For which turn pictures are wanted; 0 for none."""
        if self._socket is None:
            return 0
        try:
            answer = self._socket.recv(_ANSWER_BYTES)
        except BlockingIOError:
            return self._turn
        except OSError as error:
            self._lost(error)
            return 0
        if answer:
            self._turn = answer[-1]
            self._gate.recovered("link", "the ONVIF device answers again", camera=self._camera_id)
        else:
            self._lost(ConnectionResetError("it closed the connection"))
        return self._turn

    def put(self, record: bytes) -> None:
        """Queues a record; without a connection it is dropped."""
        if self._socket is not None:
            self._unsent.append(memoryview(record))
            self.backlog += len(record)

    def flush(self) -> None:
        """Sends what the socket takes now."""
        try:
            with suppress(BlockingIOError):
                while self._unsent and self._socket is not None:
                    sent = self._socket.send(self._unsent[0])
                    self.backlog -= sent
                    self._unsent[0] = self._unsent[0][sent:]
                    if not self._unsent[0]:
                        self._unsent.popleft()
        except OSError as error:
            self._lost(error)

    def close(self) -> None:
        """Lets go of the connection. May be called twice."""
        self._unsent.clear()
        self.backlog = self._turn = 0
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _lost(self, error: OSError) -> None:
        self.close()
        self._gate.lost(
            "link", "the ONVIF device of this machine is gone", camera=self._camera_id, cause=describe(error)
        )


class _Describer:
    """Finds out what the video is like; ``format`` is None before the first key frame with parameter sets."""

    def __init__(self) -> None:
        self.format: VideoFormat | None = None
        self._times: list[float] = []
        self._fps: float | None = None

    def look(self, packet: Packet) -> bool:
        """Looks at the next packet; whether ``format`` has changed."""
        if not packet.is_key:
            if len(self._times) < _RATE_PICTURES:
                self._times.append(packet.captured_at)
            return False
        self._measure()
        self._times = [packet.captured_at]
        codec = cast("ClipCodec", packet.codec)
        sets = parameter_sets(packet.data, codec)
        before = self.format
        if not sets or (before and (before.codec, before.parameter_sets, before.fps) == (codec, sets, self._fps)):
            return False
        if before and (before.codec, before.parameter_sets) == (codec, sets):
            size = before.width, before.height
        else:
            size = _picture_size(packet.data, codec)
        self.format = VideoFormat(codec=codec, width=size[0], height=size[1], fps=self._fps, parameter_sets=sets)
        return True

    def _measure(self) -> None:
        """Pictures per second of the group of pictures that ended, by its median interval."""
        intervals = [later - earlier for earlier, later in pairwise(sorted(self._times))]
        if len(intervals) < _RATE_INTERVALS or (usual_s := statistics.median(intervals)) <= 0:
            return
        fps = round(1.0 / usual_s, 2)
        if self._fps is None or abs(fps - self._fps) > self._fps * _SAME_FPS:
            self._fps = fps


def _self_contained(packet: Packet) -> Packet:
    """With the parameter sets in front of a key frame, where they came apart from it."""
    if not packet.is_key or not packet.extradata.startswith(_START_CODES):
        return packet
    if parameter_sets(packet.data, cast("ClipCodec", packet.codec)):
        return packet
    return replace(packet, data=packet.extradata + packet.data)


def _picture_size(data: bytes, codec: ClipCodec) -> tuple[int, int]:
    """Width and height in pixels; 0 when the decoder cannot tell."""
    try:
        with av.open(io.BytesIO(data), format=codec) as container:
            context = container.streams.video[0].codec_context
            return context.width, context.height
    except (av.error.FFmpegError, IndexError):
        return 0, 0
