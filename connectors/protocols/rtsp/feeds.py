"""What a mount sends: live video, and metadata documents. All users of a feed live on one event loop."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from connectors.protocols.clips import ClipCodec
from connectors.protocols.live_packets import LiveListener, LivePacket
from core.types import UtcSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFormat:
    """What DESCRIBE and the media services tell of a video.

    ``parameter_sets``: SPS and PPS (and VPS) without start codes, empty while unknown; width and height in pixels, 0
    while unknown; ``fps`` None where it varies.
    """

    codec: ClipCodec
    width: int
    height: int
    fps: float | None
    parameter_sets: tuple[bytes, ...] = ()


class VideoFeed(ABC):
    """Live video for any number of viewers, each with a bounded backlog."""

    @property
    @abstractmethod
    def format(self) -> VideoFormat | None:
        """None before the first key frame."""

    @abstractmethod
    def gop(self) -> Sequence[LivePacket]:
        """The packets since the last key frame, that one included; empty before the first."""

    @abstractmethod
    def listen(self, limit: int = 256) -> AbstractAsyncContextManager[LiveListener]:
        """Subscribes from the next packet on; read ``gop()`` before any other await to join without a gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One metadata document (UTF-8 XML) of the frame captured at ``captured_at``."""

    data: bytes
    captured_at: UtcSeconds


class MetadataListener:
    """What one viewer still has to send: an async iterator that ends when the feed ends.

    Bounded: the oldest documents of a slow viewer are thrown away and counted in ``dropped``.
    """

    def __init__(self, limit: int) -> None:
        self.dropped = 0
        self._limit = limit
        self._documents: deque[Document] = deque()
        self._changed = asyncio.Event()
        self._ended = False

    def __aiter__(self) -> MetadataListener:
        return self

    async def __anext__(self) -> Document:
        while not self._documents:
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._documents.popleft()

    def offer(self, document: Document) -> None:
        """Takes the next document; never blocks."""
        if len(self._documents) >= self._limit:
            self._documents.popleft()
            self.dropped += 1
        self._documents.append(document)
        self._changed.set()

    def end(self) -> None:
        """No document follows."""
        self._ended = True
        self._changed.set()


class MetadataFeed:
    """The documents of one channel, in capture order. ``joined`` is called when somebody starts to listen."""

    def __init__(self, joined: Callable[[], None] = lambda: None) -> None:
        self._joined = joined
        self._listeners: set[MetadataListener] = set()

    @property
    def listeners(self) -> int:
        """How many listen now: with none, documents need not be written."""
        return len(self._listeners)

    def push(self, document: Document) -> None:
        """Hands a document to everybody who listens."""
        for listener in self._listeners:
            listener.offer(document)

    def synchronise(self) -> None:
        """A client asked for the present state (``SetSynchronizationPoint``): a document follows at once."""
        self._joined()

    def end(self) -> None:
        """Ends every listener; whoever listens afterwards gets what follows."""
        for listener in self._listeners:
            listener.end()
        self._listeners.clear()

    @asynccontextmanager
    async def listen(self, limit: int = 64) -> AsyncIterator[MetadataListener]:
        """Subscribes; what ``joined`` pushes comes first."""
        listener = MetadataListener(limit)
        self._listeners.add(listener)
        try:
            self._joined()
            yield listener
        finally:
            self._listeners.discard(listener)
