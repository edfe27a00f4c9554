"""A camera's live video whose picture can change under its viewers."""

from __future__ import annotations

import random
from collections.abc import Callable

from connectors.protocols.clips import Clip, ClipPacket
from connectors.protocols.live import LiveFeed
from connectors.protocols.variants import Picture, Variants
from core.contracts import Clock
from core.types import UtcSeconds

_CLOCK_JUMP_S = 1.0
"""A clock that goes back by more was set; capture times follow it."""
_DAMAGED_EVERY = 4
_KEPT_BYTES = 8
_DAMAGED_BYTES = 24


class SetClock(Clock):
    """The clock of a simulated machine: wrong by ``offset_s()`` at any moment."""

    def __init__(self, real: Clock, offset_s: Callable[[], float]) -> None:
        self._real = real
        self._offset_s = offset_s

    def utc(self) -> UtcSeconds:
        return self._real.utc() + self._offset_s()

    def monotonic(self) -> float:
        return self._real.monotonic()


class VariedFeed(LiveFeed):
    """Plays a clip round and round in real time; ``picture`` says what the camera shows, asked at every key frame.

    Another codec ends every viewer's session, as a camera that was set up anew does; other sizes come inside the stream.
    Packets are stamped by ``clock``, even where it jumps. All users live on one event loop.
    """

    def __init__(self, variants: Variants, clock: Clock, picture: Callable[[], Picture]) -> None:
        super().__init__(variants.clip, clock)
        self._variants = variants
        self._picture = picture
        # Chance that only has to be the same in every run.
        self._chance = random.Random(1)  # noqa: S311

    async def run(self) -> None:
        """Plays until cancelled; then every listener ends."""
        try:
            started = self._clock.monotonic()
            while True:
                await self._choose()
                started = await self._play(self.clip, started)
        finally:
            self._end_listeners()

    async def _choose(self) -> None:
        chosen = await self._variants.of(self._picture())
        if chosen.codec != self.clip.codec:
            self._end_listeners()
            self._gop.clear()
        self.clip = chosen

    async def _play(self, clip: Clip, started: float) -> float:
        """One round, or up to the key frame from which something else is shown; returns when that is due."""
        for packet in clip.packets:
            if packet.is_key and await self._variants.of(self._picture()) is not clip:
                return started + packet.offset_s
            started += await self._lateness_at(started + packet.offset_s)
            self._send(packet)
        return started + clip.duration_s

    def _capture_time(self, least: UtcSeconds) -> UtcSeconds:
        now = self._clock.utc()
        return now if least - now > _CLOCK_JUMP_S else max(now, least)

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
