"""One camera in the VPS front: between the recorder's driver and the worker that analyses it, every queue bounded.

Lives on the front's event loop; only ``show`` and reading ``statistics`` are for other threads too.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from config.model import CameraSettings
from connectors.milestone.video.genericbytedata import parse
from connectors.milestone.vps.protocol import Configuration, Media, Metadata, decode, encode
from connectors.milestone.vps.statistics import VpsStatistics
from core.contracts import Clock
from core.errors import ProtocolViolation, VmsError, VmsUnavailable
from core.logs import OnceGate
from core.redaction import redact

MAX_GOP_BYTES: Final = 8 * 1024 * 1024
MAX_GOP_BLOCKS: Final = 300
"""A longer group of pictures is not kept for workers that connect: they wait for the next key frame."""

MAX_QUEUED_BYTES: Final = 16 * 1024 * 1024
MAX_QUEUED_BLOCKS: Final = 512
"""What a slow worker may be behind."""

MAX_OUTBOX: Final = 64
"""Metadata that waits for a slow driver: some seconds; beyond, the oldest is dropped."""

_MAX_ARRIVALS: Final = 1024
_MS: Final = 1000.0

_log = structlog.get_logger(component="vps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of GenericByteData that holds pictures. One that cannot be read is relayed, for its reader to say why."""

    data: bytes
    frames: int
    is_key: bool
    is_readable: bool = True


class GroupOfPictures:
    """The blocks since the last key frame, that one included; empty while that is not known or too long to keep."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._bytes = 0

    def add(self, block: Block) -> None:
        """Takes the next block in decode order."""
        if block.is_key:
            self.clear()
        elif not self._blocks:
            return
        self._blocks.append(block)
        self._bytes += len(block.data)
        if len(self._blocks) > MAX_GOP_BLOCKS or self._bytes > MAX_GOP_BYTES:
            self.clear()

    def clear(self) -> None:
        """Forgets everything until the next key frame."""
        self._blocks.clear()
        self._bytes = 0

    def blocks(self) -> tuple[Block, ...]:
        """What a worker that connects now gets first."""
        return tuple(self._blocks)


class BlockQueue:
    """What one worker has still to get. When it is too slow the newest group of pictures wins: nothing else is kept."""

    def __init__(self, statistics: VpsStatistics) -> None:
        self._statistics = statistics
        self._blocks: deque[Block] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._skips_to_key = True
        self._is_ending = False
        self.end_cause = ""

    @property
    def is_ending(self) -> bool:
        """Whether nothing follows what is queued."""
        return self._is_ending

    @property
    def is_ended(self) -> bool:
        """Whether nothing is left and nothing follows."""
        return self._is_ending and not self._blocks

    def offer(self, block: Block) -> None:
        """Takes the next block; never waits."""
        if self._skips_to_key and block.is_readable and not block.is_key:
            self._statistics.frames_dropped += block.frames
            return
        if block.is_key:
            self._skips_to_key = False
        self._blocks.append(block)
        self._bytes += len(block.data)
        if len(self._blocks) > MAX_QUEUED_BLOCKS or self._bytes > MAX_QUEUED_BYTES:
            self._shorten()
        self._changed.set()

    def end(self, cause: str) -> None:
        """Nothing follows what is queued."""
        self._is_ending = True
        self.end_cause = self.end_cause or cause
        self._changed.set()

    async def take(self, timeout_s: float) -> Block | None:
        """The next block; None when none came in time, or none follows."""
        if not self._blocks and not self._is_ending:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._changed.wait()
        return self._pop() if self._blocks else None

    def _pop(self) -> Block:
        block = self._blocks.popleft()
        self._bytes -= len(block.data)
        return block

    def _shorten(self) -> None:
        """Keeps what begins with the newest key frame; all must go where that alone is too much."""
        newest = max((index for index, block in enumerate(self._blocks) if block.is_key), default=0)
        self._skips_to_key = newest == 0
        for _ in range(newest or len(self._blocks)):
            self._statistics.frames_dropped += self._pop().frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Metadata on its way to the driver, as a whole message."""

    milliseconds: int
    message: bytes


class DriverPeer:
    """One connection of the recorder's driver, as far as metadata goes out on it."""

    def __init__(self) -> None:
        self.outbox: deque[Note] = deque()
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._is_ended = False

    def wake(self) -> None:
        """Something was put into the outbox; from any thread."""
        with suppress(RuntimeError):  # the loop has ended, and every connection with it
            self._loop.call_soon_threadsafe(self._changed.set)

    def end(self) -> None:
        """This connection is to be closed."""
        self._is_ended = True
        self._changed.set()

    async def next_note(self) -> Note | None:
        """The next metadata, as soon as there is any; None once ended."""
        while not self._is_ended:
            if self.outbox:
                with suppress(IndexError):  # ``show`` has just dropped it, as too old
                    return self.outbox.popleft()
            self._changed.clear()
            if not self.outbox:
                await self._changed.wait()
        return None


class VpsCamera:
    """Joins the driver, the worker and the boxes of one camera. Neither side ever waits for another."""

    def __init__(self, camera: CameraSettings, remedy: str, clock: Clock) -> None:
        self.id = camera.id
        self.statistics = VpsStatistics()
        self._name = camera.name or camera.id
        self._remedy = remedy
        self._clock = clock
        self._lock = threading.Lock()
        self._driver: DriverPeer | None = None
        self._worker: BlockQueue | None = None
        self._group = GroupOfPictures()
        self._arrivals: OrderedDict[int, float] = OrderedDict()
        self._gate = OnceGate(_log)

    @property
    def has_driver(self) -> bool:
        """Whether the recorder's driver is connected."""
        return self._driver is not None

    def attach_driver(self) -> DriverPeer:
        """A driver connected; one that was there before is replaced."""
        peer = DriverPeer()
        with self._lock:
            old, self._driver = self._driver, peer
        self.statistics.driver_connections += 1
        if old is not None:
            _log.warning("a second VPS driver connected: it replaces the first", camera=self.id)
            self._let_go(old, "the recorder opened its VPS connection anew")
        self._gate.recovered("message", "the VPS driver begins anew", camera=self.id)
        if not self._gate.recovered("driver", "the VPS driver is back", camera=self.id):
            _log.info("the VPS driver is connected", camera=self.id)
        return peer

    def detach_driver(self, peer: DriverPeer) -> None:
        """A driver's connection ended; nothing happens where it was replaced already."""
        with self._lock:
            if self._driver is not peer:
                return
            self._driver = None
        self._gate.lost("driver", "the VPS driver has left", camera=self.id)
        self._let_go(peer, "the recorder closed its VPS connection")

    def close(self) -> None:
        """Ends every connection of this camera."""
        with self._lock:
            peer, self._driver = self._driver, None
        if peer is not None:
            self._let_go(peer, "the VPS front ends")
        if self._worker is not None:
            self._worker.end("the VPS front ends")

    def attach_worker(self) -> BlockQueue:
        """A worker connected: it gets the present group of pictures first. One that was there before is replaced."""
        queue = BlockQueue(self.statistics)
        for block in self._group.blocks():
            queue.offer(block)
        if self._worker is not None:
            self._worker.end("another worker took the camera over")
        self._worker = queue
        return queue

    def detach_worker(self, queue: BlockQueue) -> None:
        """A worker's connection ended."""
        if self._worker is queue:
            self._worker = None

    def received(self, message: bytes) -> None:
        """Takes one message of the driver; one that is malformed is counted and passed over."""
        try:
            content = decode(message)
        except ProtocolViolation as error:
            self.malformed(str(error))
            return
        if isinstance(content, Media):
            self._media(content.block)
        elif isinstance(content, Configuration):
            _log.debug("the VPS driver tells its service parameters", camera=self.id, parameters=redact(content.text))
        else:
            self.malformed(f"a VPS driver sent {type(content).__name__.lower()}, which only a service sends")

    def malformed(self, cause: str) -> None:
        """The driver sent what its protocol does not know."""
        self.statistics.messages_malformed += 1
        self._gate.lost("message", "the VPS driver sends what cannot be read", camera=self.id, cause=cause)

    def show(self, milliseconds: int, document: bytes) -> None:
        """Queues the metadata of the frame captured then; from any thread, never waits.

        Raises ``VmsUnavailable`` when no driver is connected.
        """
        note = Note(milliseconds=milliseconds, message=encode(Metadata(milliseconds=milliseconds, document=document)))
        with self._lock:
            peer = self._driver
            if peer is None:
                self.statistics.metadata_dropped += 1
                raise VmsUnavailable(f"{self._name}: no VPS driver is connected", remedy=self._remedy)
            if len(peer.outbox) >= MAX_OUTBOX:
                with suppress(IndexError):  # it was sent just now
                    peer.outbox.popleft()
                    self.statistics.metadata_dropped += 1
            peer.outbox.append(note)
        peer.wake()

    def sent(self, note: Note) -> None:
        """The metadata has left."""
        self.statistics.metadata_sent += 1
        self.statistics.capture_to_sent.add(self._clock.utc() - note.milliseconds / _MS)
        arrived_at = self._arrivals.pop(note.milliseconds, None)
        if arrived_at is not None:
            self.statistics.arrival_to_sent.add(self._clock.monotonic() - arrived_at)

    def _media(self, data: bytes) -> None:
        block = self._read(data)
        if block.frames == 0 and block.is_readable:
            return
        self.statistics.frames_in += block.frames
        if block.is_readable:
            self._group.add(block)
        if self._worker is None or self._worker.is_ending:
            self.statistics.frames_unheard += block.frames
        else:
            self._worker.offer(block)

    def _read(self, data: bytes) -> Block:
        try:
            frames = parse(data)
        except VmsError as error:
            self.malformed(str(error))
            return Block(data=data, frames=0, is_key=False, is_readable=False)
        for frame in frames:
            self._arrivals[round(frame.captured_at * _MS)] = self._clock.monotonic()
        while len(self._arrivals) > _MAX_ARRIVALS:
            self._arrivals.popitem(last=False)
        return Block(data=data, frames=len(frames), is_key=bool(frames) and frames[0].is_key)

    def _let_go(self, peer: DriverPeer, cause: str) -> None:
        """The stream of one driver's connection is over, for the worker too."""
        with self._lock:
            self.statistics.metadata_dropped += len(peer.outbox)
        peer.end()
        self._group.clear()
        if self._worker is not None:
            self._worker.end(cause)
