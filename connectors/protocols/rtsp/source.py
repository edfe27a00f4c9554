"""One track's RTP stream, shared by all its clients: one source id, one sequence, one packetisation.

A feed is listened to only while somebody plays. Who joins gets the group of pictures since the last key frame with the
numbers it was sent with, so that it flows on into the live packets.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from connectors.protocols.clips import ClipCodec
from connectors.protocols.live_packets import LivePacket
from connectors.protocols.rtsp.burst import Burst
from connectors.protocols.rtsp.feeds import Document, MetadataFeed, VideoFeed
from connectors.protocols.rtsp.rtcp import goodbye, sender_report
from connectors.protocols.rtsp.rtp import (
    METADATA_PAYLOAD_TYPE,
    VIDEO_PAYLOAD_TYPE,
    RtpStream,
    fragments_of,
    payloads_of,
)
from core.contracts import Clock
from core.errors import VmsUnavailable
from core.types import UtcSeconds

VIDEO_WAIT_S = 2.0
"""A video that is silent until somebody listens gets so long to show its first key frame."""

FIRST_PICTURE_WAIT_S = 0.5
"""So long PLAY waits for a key frame, to name the first packet; later it names the present moment."""

MAX_GOP_OCTETS = 16 * 1024 * 1024
"""A longer group of pictures is not kept: who joins then waits for the next key frame."""

_LISTENER_LIMIT = 128
_REPORT_EVERY_S = 2.5


class Player(Protocol):
    """Who takes a source's bursts."""

    def take(self, burst: Burst) -> None:
        """The next picture or document; never blocks."""

    def source_ended(self) -> None:
        """Nothing follows."""


class TrackSource(ABC):
    """Sends what a feed gives to every player. ``users``: tracks of sessions that hold it, playing or not."""

    counts_pictures: bool

    def __init__(self, payload_type: int, clock: Clock) -> None:
        self.users = 0
        self.stream = RtpStream(payload_type)
        self._clock = clock
        self._players: set[Player] = set()
        self._pump: asyncio.Task[None] | None = None
        self._joining = 0
        self._reported_at = clock.monotonic()

    @property
    def opening(self) -> Sequence[Burst]:
        """What a new player gets first."""
        return ()

    async def ready(self) -> UtcSeconds | None:
        """Makes ``opening`` known, and tells its time, None where it is empty. Join before anything else is awaited.

        Raises ``VmsUnavailable`` when the feed does not let anybody listen.
        """
        return None

    def sequence(self) -> int:
        """Number of the first packet for who joins now."""
        first = next(iter(self.opening), None)
        return int.from_bytes(first.packets[0][2:4], "big") if first else self.stream.next_sequence

    def join(self, player: Player) -> None:
        """From now on ``player`` takes the bursts."""
        self._players.add(player)
        self._start()

    def leave(self, player: Player) -> None:
        """No burst follows; who never joined may leave too. The feed is let go, unless another one is just about to join."""
        self._players.discard(player)
        if not self._players and not self._joining:
            self.stop()

    def report(self) -> bytes:
        """A sender report of this moment."""
        return sender_report(self.stream, self._clock.utc())

    def goodbye(self) -> bytes:
        """Tells a client that it gets no more."""
        return goodbye(self.stream)

    def stop(self) -> None:
        """Listens no more."""
        pump, self._pump = self._pump, None
        if pump:
            pump.cancel()  # also from within: the pump is what finds out that the last player left

    @abstractmethod
    async def _listen(self) -> None:
        """Sends until the feed ends."""

    def _start(self) -> None:
        if self._pump is None:
            self._pump = asyncio.create_task(self._send_all(), name="rtsp-source")

    async def _send_all(self) -> None:
        await self._listen()
        self.stop()
        for player in tuple(self._players):
            player.source_ended()

    def _burst(self, payloads: Sequence[bytes], captured_at: UtcSeconds, *, is_key: bool) -> Burst:
        before = self.stream.octets_sent
        packets = tuple(self.stream.packets(payloads, captured_at))
        return Burst(packets, self.stream.octets_sent - before, is_key=is_key, report=self._due_report())

    def _due_report(self) -> bytes | None:
        now = self._clock.monotonic()
        if now - self._reported_at < _REPORT_EVERY_S:
            return None
        self._reported_at = now
        return self.report()

    def _spread(self, burst: Burst) -> None:
        if not burst.packets:
            return
        for player in tuple(self._players):
            player.take(burst)


class VideoSource(TrackSource):
    """A video of one codec; a feed that changes its codec ends for its players, who then ask for a new description."""

    counts_pictures = True

    def __init__(self, feed: VideoFeed, codec: ClipCodec, clock: Clock) -> None:
        super().__init__(VIDEO_PAYLOAD_TYPE, clock)
        self.codec = codec
        self._feed = feed
        self._gop: list[Burst] = []
        self._gop_at: UtcSeconds | None = None
        self._gop_octets = 0
        self._listening = asyncio.Event()
        self._shown = asyncio.Event()

    @property
    def opening(self) -> Sequence[Burst]:
        return self._gop

    async def ready(self) -> UtcSeconds | None:
        self._start()
        self._joining += 1
        try:
            async with asyncio.timeout(VIDEO_WAIT_S):
                await self._listening.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_PICTURE_WAIT_S):
                    await self._shown.wait()
        except TimeoutError as error:
            raise VmsUnavailable("the video cannot be listened to") from error
        finally:
            self._joining -= 1
        return self._gop_at

    def stop(self) -> None:
        super().stop()
        self._listening.clear()
        self._shown.clear()
        self._gop, self._gop_at, self._gop_octets = [], None, 0

    async def _listen(self) -> None:
        async with self._feed.listen(_LISTENER_LIMIT) as listener:
            for packet in self._feed.gop():
                self._keep(packet)
            self._listening.set()
            async for packet in listener:
                if packet.is_key and self._has_changed():
                    return
                self._spread(self._keep(packet))

    def _has_changed(self) -> bool:
        shown = self._feed.format
        return shown is not None and shown.codec != self.codec

    def _keep(self, packet: LivePacket) -> Burst:
        burst = self._burst(list(payloads_of(packet.data, self.codec)), packet.captured_at, is_key=packet.is_key)
        if packet.is_key and burst.packets:
            self._gop, self._gop_at, self._gop_octets = [], packet.captured_at, 0
            self._shown.set()
        if burst.packets and self._gop_at is not None:
            self._gop.append(burst)
            self._gop_octets += burst.octets
        if self._gop_octets > MAX_GOP_OCTETS:
            self._gop, self._gop_at, self._gop_octets = [], None, 0
        return burst


class MetadataSource(TrackSource):
    """The documents of a channel; whoever joins makes the feed write one at once."""

    counts_pictures = False

    def __init__(self, feed: MetadataFeed, clock: Clock) -> None:
        super().__init__(METADATA_PAYLOAD_TYPE, clock)
        self._feed = feed

    def join(self, player: Player) -> None:
        was_running = self._pump is not None
        super().join(player)
        if was_running:
            self._feed.synchronise()

    async def _listen(self) -> None:
        async with self._feed.listen() as listener:
            async for document in listener:
                self._spread(self._documented(document))

    def _documented(self, document: Document) -> Burst:
        return self._burst(fragments_of(document.data), document.captured_at, is_key=True)


class Sources:
    """The sources that the sessions of one server hold."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[tuple[int, str], TrackSource] = {}

    def of_video(self, feed: VideoFeed, codec: ClipCodec) -> TrackSource:
        """Holds the source of a video; ``release`` lets go of it."""
        return self._hold((id(feed), codec), lambda: VideoSource(feed, codec, self._clock))

    def of_metadata(self, feed: MetadataFeed) -> TrackSource:
        """Holds the source of a channel's documents; ``release`` lets go of it."""
        return self._hold((id(feed), ""), lambda: MetadataSource(feed, self._clock))

    def release(self, source: TrackSource) -> None:
        """The last one who lets go ends it."""
        source.users -= 1
        if source.users == 0:
            source.stop()
            self._held = {key: held for key, held in self._held.items() if held is not source}

    def _hold(self, key: tuple[int, str], make: Callable[[], TrackSource]) -> TrackSource:
        if key not in self._held:
            self._held[key] = make()
        source = self._held[key]
        source.users += 1
        return source
