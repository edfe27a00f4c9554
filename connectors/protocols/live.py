"""A clip played for ever in real time, as a camera would: every packet is stamped with the moment it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache

from connectors.protocols.clips import Clip, ClipPacket, parameter_sets
from connectors.protocols.live_packets import LiveListener, LivePacket
from connectors.protocols.rtsp.feeds import VideoFeed, VideoFormat
from core.contracts import Clock
from core.types import UtcSeconds

__all__ = ["LiveFeed", "LiveListener", "LivePacket"]

_MAX_LATENESS_S = 1.0
"""Later than this (a suspended machine) the missed part is skipped instead of sent in a burst."""
_MIN_STEP_S = 0.001
"""Recorders stamp milliseconds: two packets never share one."""


class LiveFeed(VideoFeed):
    """Plays ``clip`` round and round; all its users live on one event loop."""

    def __init__(self, clip: Clip, clock: Clock) -> None:
        self.clip = clip
        self._clock = clock
        self._gop: list[LivePacket] = []
        self._listeners: set[LiveListener] = set()
        self._sequence = 0
        self._last_captured_at = 0.0

    @property
    def format(self) -> VideoFormat:
        """That of the clip which plays now."""
        return _format_of(self.clip)

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
        captured_at = self._last_captured_at = self._capture_time(self._last_captured_at + _MIN_STEP_S)
        self._sequence += 1
        if packet.is_key:
            self._gop.clear()
        live = LivePacket(
            data=self._on_its_way(packet),
            captured_at=captured_at,
            gop_captured_at=self._gop[0].captured_at if self._gop else captured_at,
            is_key=packet.is_key,
            sequence=self._sequence,
        )
        self._gop.append(live)
        for listener in self._listeners:
            listener.offer(live)

    def _capture_time(self, least: UtcSeconds) -> UtcSeconds:
        return max(self._clock.utc(), least)

    def _on_its_way(self, packet: ClipPacket) -> bytes:
        return packet.data


@lru_cache(maxsize=64)
def _format_of(clip: Clip) -> VideoFormat:
    sets = () if clip.codec == "mjpeg" else parameter_sets(clip.packets[0].data, clip.codec)
    return VideoFormat(codec=clip.codec, width=clip.width, height=clip.height, fps=clip.fps, parameter_sets=sets)
