"""Packets of a live video on their way to one viewer."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from core.types import UtcSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePacket:
    """One picture on its way. ``gop_captured_at`` is the capture time of its GOP's key frame."""

    data: bytes
    captured_at: UtcSeconds
    gop_captured_at: UtcSeconds
    is_key: bool
    sequence: int


class LiveListener:
    """What one viewer still has to send: an async iterator that ends when the feed ends.

    Bounded: when the viewer is too slow its backlog is thrown away and it goes on at the next key frame;
    ``dropped`` counts the packets lost so.
    """

    def __init__(self, limit: int) -> None:
        self.dropped = 0
        self._limit = limit
        self._packets: deque[LivePacket] = deque()
        self._changed = asyncio.Event()
        self._skips_to_key = False
        self._ended = False

    def __aiter__(self) -> LiveListener:
        return self

    async def __anext__(self) -> LivePacket:
        while not self._packets:
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._packets.popleft()

    def offer(self, packet: LivePacket) -> None:
        """Takes the next packet of the feed; never blocks."""
        if len(self._packets) >= self._limit:
            self.dropped += len(self._packets)
            self._packets.clear()
            self._skips_to_key = True
        if self._skips_to_key and not packet.is_key:
            self.dropped += 1
            return
        self._skips_to_key = False
        self._packets.append(packet)
        self._changed.set()

    def end(self) -> None:
        """No packet follows."""
        self._ended = True
        self._changed.set()
