"""A camera's live video whose picture can change under its viewers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache

from connectors.onvif.simulator.camera.variants import Picture, Variants
from connectors.protocols.clips import Clip, ClipPacket, parameter_sets
from connectors.protocols.live_packets import LiveListener, LivePacket
from connectors.protocols.rtsp.feeds import VideoFeed, VideoFormat
from core.contracts import Clock

_MAX_LATENESS_S = 1.0
_MIN_STEP_S = 0.001
_CLOCK_JUMP_S = 1.0
"""A clock that goes back by more was set; capture times follow it."""
_DAMAGED_EVERY = 4
_KEPT_BYTES = 8
_DAMAGED_BYTES = 24


class CameraFeed(VideoFeed):
    """Plays a clip round and round in real time; ``picture`` says what the camera shows, asked at every key frame.

    Another codec ends every viewer's session, as a camera that was set up anew does; other sizes come inside the stream.
    Packets are stamped by ``clock``, the bridge's own, even where it jumps. All users live on one event loop.
    """

    def __init__(self, variants: Variants, clock: Clock, picture: Callable[[], Picture]) -> None:
        self._variants = variants
        self._clock = clock
        self._picture = picture
        self._clip = variants.clip
        self._gop: list[LivePacket] = []
        self._listeners: set[LiveListener] = set()
        self._sequence = 0
        self._last_captured_at = 0.0
        # Chance that only has to be the same in every run.
        self._chance = random.Random(1)  # noqa: S311

    @property
    def format(self) -> VideoFormat:
        """That of the clip that plays now."""
        return _format_of(self._clip)

    def gop(self) -> Sequence[LivePacket]:
        return tuple(self._gop)

    @asynccontextmanager
    async def listen(self, limit: int = 256) -> AsyncIterator[LiveListener]:
        listener = LiveListener(limit)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def run(self) -> None:
        """Plays until cancelled; then every listener ends."""
        try:
            started = self._clock.monotonic()
            while True:
                await self._choose()
                started = await self._play(self._clip, started)
        finally:
            self._end_listeners()

    async def _choose(self) -> None:
        chosen = await self._variants.of(self._picture())
        if chosen.codec != self._clip.codec:
            self._end_listeners()
            self._gop.clear()
        self._clip = chosen

    async def _play(self, clip: Clip, started: float) -> float:
        """One round, or up to the key frame from which something else is shown; returns when that is due."""
        for packet in clip.packets:
            if packet.is_key and await self._variants.of(self._picture()) is not clip:
                return started + packet.offset_s
            started += await self._lateness_at(started + packet.offset_s)
            self._send(packet)
        return started + clip.duration_s

    async def _lateness_at(self, due: float) -> float:
        """Waits; what is too late is skipped instead of sent in a burst."""
        await asyncio.sleep(max(0.0, due - self._clock.monotonic()))
        late_s = self._clock.monotonic() - due
        return late_s if late_s > _MAX_LATENESS_S else 0.0

    def _send(self, packet: ClipPacket) -> None:
        captured_at = self._next_capture_time()
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

    def _next_capture_time(self) -> float:
        now, least = self._clock.utc(), self._last_captured_at + _MIN_STEP_S
        self._last_captured_at = now if least - now > _CLOCK_JUMP_S else max(now, least)
        return self._last_captured_at

    def _on_its_way(self, packet: ClipPacket) -> bytes:
        if self._picture() is not Picture.CORRUPT or self._chance.randrange(_DAMAGED_EVERY):
            return packet.data
        return self._damaged(packet.data)

    def _damaged(self, data: bytes) -> bytes:
        """Some bytes of the last quarter are others: parameter sets and heads stay, the picture does not."""
        start = min(len(data), max(_KEPT_BYTES, len(data) * 3 // 4))
        end = min(len(data), start + _DAMAGED_BYTES)
        return data[:start] + self._chance.randbytes(end - start) + data[end:]

    def _end_listeners(self) -> None:
        for listener in self._listeners:
            listener.end()
        self._listeners.clear()


@lru_cache(maxsize=64)
def _format_of(clip: Clip) -> VideoFormat:
    sets = parameter_sets(clip.packets[0].data, clip.codec)
    return VideoFormat(codec=clip.codec, width=clip.width, height=clip.height, fps=clip.fps, parameter_sets=sets)
