"""The video of one channel, as the worker that analyses the camera hands it on: the packets as they came.

Nothing is decoded or encoded. Packets come only while somebody watches; what DESCRIBE tells is known before. When the
worker or the bridge is lost, viewers wait, and go on at a key frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from connectors.onvif.device.capture_order import STEP_BACK_S
from connectors.protocols.live import LiveListener, LivePacket
from connectors.protocols.rtsp.feeds import VideoFeed, VideoFormat
from core.types import UtcSeconds

MAX_GOP_BYTES: Final = 8 * 1024 * 1024
MAX_GOP_PICTURES: Final = 512
"""A longer group of pictures is not kept for those who join: they wait for the next key frame."""

_LAST_TURN: Final = 255


class _Encoded(Protocol):
    @property
    def data(self) -> bytes: ...

    @property
    def is_key(self) -> bool: ...


P = TypeVar("P", bound=_Encoded)


class GroupOfPictures(Generic[P]):
    """The packets since the last key frame, that one included; none while that is not known or too long to keep."""

    def __init__(self) -> None:
        self._packets: list[P] = []
        self._bytes = 0

    def add(self, packet: P) -> None:
        """Takes the next packet in decode order."""
        if packet.is_key:
            self.clear()
        elif not self._packets:
            return
        self._packets.append(packet)
        self._bytes += len(packet.data)
        if len(self._packets) > MAX_GOP_PICTURES or self._bytes > MAX_GOP_BYTES:
            self.clear()

    def clear(self) -> None:
        """Forgets everything until the next key frame."""
        self._packets.clear()
        self._bytes = 0

    def packets(self) -> tuple[P, ...]:
        """In decode order."""
        return tuple(self._packets)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedPacket:
    """One picture from a worker. ``turn``: for which request (``RelayedVideo.turn``) it was sent."""

    data: bytes
    captured_at: UtcSeconds
    is_key: bool
    turn: int


class WorkerLink:
    """One worker's connection, as far as it is told what is wanted. ``changed`` is set when that changed."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.changed.set()


@dataclass(slots=True)
class VideoStatistics:
    """Counters of one channel since the start."""

    pictures: int = 0
    pictures_unwanted: int = 0
    """Came when nobody watched any more, without a key frame before them, or once more after an interruption."""
    workers: int = 0


class RelayedVideo(VideoFeed):
    """The feed of one channel. Lives on one event loop."""

    def __init__(self) -> None:
        self.statistics = VideoStatistics()
        self._format: VideoFormat | None = None
        self._gop: GroupOfPictures[LivePacket] = GroupOfPictures()
        self._listeners: set[LiveListener] = set()
        self._worker: WorkerLink | None = None
        self._turn = 0
        self._sequence = 0
        self._newest: UtcSeconds | None = None
        self._gop_captured_at: UtcSeconds | None = None

    @property
    def format(self) -> VideoFormat | None:
        return self._format

    @property
    def turn(self) -> int:
        """0 while nobody watches; else a number, 1..255, that changes each time somebody begins to."""
        return self._turn if self._listeners else 0

    def gop(self) -> Sequence[LivePacket]:
        return self._gop.packets()

    @asynccontextmanager
    async def listen(self, limit: int = 256) -> AsyncIterator[LiveListener]:
        listener = LiveListener(limit)
        if not self._listeners:
            self._turn = self._turn % _LAST_TURN + 1
            self._newest = None
        self._listeners.add(listener)
        self._tell_worker()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self._stop_showing()

    def attach(self) -> WorkerLink:
        """A worker connected; one that was there before is not heard any more."""
        self.statistics.workers += 1
        self._interrupt()
        self._worker = WorkerLink()
        return self._worker

    def detach(self, worker: WorkerLink) -> None:
        """A worker's connection ended; nothing happens where it was replaced already."""
        if self._worker is worker:
            self._worker = None
            self._interrupt()

    def described(self, worker: WorkerLink, video: VideoFormat) -> None:
        """What the video is like now. Another codec ends every listener: it was promised the former."""
        if worker is not self._worker:
            return
        before, self._format = self._format, video
        if before is not None and before.codec != video.codec:
            self.end()

    def received(self, worker: WorkerLink, packet: RelayedPacket) -> None:
        """The next picture in decode order."""
        if worker is self._worker and packet.turn == self.turn:
            if packet.is_key:
                self._begin_group(packet.captured_at)
            if self._gop_captured_at is not None:
                self._send(packet, self._gop_captured_at)
                return
        self.statistics.pictures_unwanted += 1

    def end(self) -> None:
        """Ends every listener; whoever listens afterwards gets what follows."""
        for listener in self._listeners:
            listener.end()
        self._listeners.clear()
        self._stop_showing()

    def _begin_group(self, captured_at: UtcSeconds) -> None:
        """A key frame opens a group of pictures, unless it is older than what was shown already."""
        back_s = 0.0 if self._newest is None else self._newest - captured_at
        if back_s > STEP_BACK_S:
            self.end()  # the recorder's clock was set back, which no stream's time may be
        self._gop_captured_at = None if back_s > 0 else captured_at

    def _send(self, packet: RelayedPacket, gop_captured_at: UtcSeconds) -> None:
        self._newest = max(packet.captured_at, self._newest or packet.captured_at)
        self._sequence += 1
        self.statistics.pictures += 1
        live = LivePacket(
            data=packet.data,
            captured_at=packet.captured_at,
            gop_captured_at=gop_captured_at,
            is_key=packet.is_key,
            sequence=self._sequence,
        )
        self._gop.add(live)
        for listener in self._listeners:
            listener.offer(live)

    def _stop_showing(self) -> None:
        self._newest = None
        self._interrupt()
        self._tell_worker()

    def _interrupt(self) -> None:
        """What follows does not continue what was shown: nothing is until the next key frame."""
        self._gop.clear()
        self._gop_captured_at = None

    def _tell_worker(self) -> None:
        if self._worker is not None:
            self._worker.changed.set()
