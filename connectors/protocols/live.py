"""A clip played for ever in real time, as a camera would: every packet is stamped with the moment it leaves."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from connectors.protocols.clips import Clip, ClipPacket
from core.contracts import Clock
from core.types import UtcSeconds

_MAX_LATENESS_S = 1.0
"""Later than this (a suspended machine) the missed part is skipped instead of sent in a burst."""
_MIN_STEP_S = 0.001
"""Recorders stamp milliseconds: two packets never share one."""


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


class LiveFeed:
    """Plays ``clip`` round and round; all its users live on one event loop."""

    def __init__(self, clip: Clip, clock: Clock) -> None:
        self.clip = clip
        self._clock = clock
        self._gop: list[LivePacket] = []
        self._listeners: set[LiveListener] = set()
        self._sequence = 0
        self._last_captured_at = 0.0

    async def run(self) -> None:
        """Plays until cancelled; then every listener ends. Loops do not drift: all due times count from one start."""
        try:
            started = self._clock.monotonic()
            while True:
                for packet in self.clip.packets:
                    started += await self._lateness_at(started + packet.offset_s)
                    self._send(packet)
                started += self.clip.duration_s
        finally:
            for listener in self._listeners:
                listener.end()

    def gop(self) -> tuple[LivePacket, ...]:
        """The packets since the last key frame, that one included; empty before the first."""
        return tuple(self._gop)

    @asynccontextmanager
    async def listen(self, limit: int = 256) -> AsyncIterator[LiveListener]:
        """Subscribes from the next packet on; read ``gop()`` before any other await to join without a gap."""
        listener = LiveListener(limit)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def _lateness_at(self, due: float) -> float:
        await asyncio.sleep(max(0.0, due - self._clock.monotonic()))
        late_s = self._clock.monotonic() - due
        return late_s if late_s > _MAX_LATENESS_S else 0.0

    def _send(self, packet: ClipPacket) -> None:
        captured_at = max(self._clock.utc(), self._last_captured_at + _MIN_STEP_S)
        self._last_captured_at = captured_at
        self._sequence += 1
        live = LivePacket(
            data=packet.data,
            captured_at=captured_at,
            gop_captured_at=captured_at if packet.is_key else self._gop[0].captured_at,
            is_key=packet.is_key,
            sequence=self._sequence,
        )
        if packet.is_key:
            self._gop.clear()
        self._gop.append(live)
        for listener in self._listeners:
            listener.offer(live)
