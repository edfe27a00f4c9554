"""One client's session: a track set up, then playing, until torn down, timed out or too slow."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields

from connectors.protocols.live import LiveListener, LivePacket
from connectors.protocols.rtsp.mount import Flow, Mount
from connectors.protocols.rtsp.rtcp import goodbye, sender_report
from connectors.protocols.rtsp.rtp import RtpStream
from connectors.protocols.rtsp.transport import RtpTransport
from core.contracts import Clock
from core.errors import VmsUnavailable

LISTENER_LIMIT = 128
"""Pictures that may wait for a slow client before it is set forward to the next key frame."""

_REPORT_EVERY_S = 2.5


@dataclass(slots=True)
class Statistics:
    """What a server did since it started."""

    connections: int = 0
    sessions: int = 0
    pictures_sent: int = 0
    octets_sent: int = 0
    pictures_dropped: int = 0
    clients_too_slow: int = 0
    sessions_timed_out: int = 0

    def as_dict(self) -> dict[str, int]:
        """By name."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


class Session:
    """The state that a ``Session`` header names. ``lost`` is called once when sending became impossible."""

    def __init__(
        self, mount: Mount, path: str, user: str, clock: Clock, statistics: Statistics, lost: Callable[[Session], None]
    ) -> None:
        self.id = secrets.token_hex(16)
        self.mount = mount
        self.path = path
        self.user = user
        self.stream = RtpStream(mount.feed.clip.codec)
        self.transport: RtpTransport | None = None
        self._clock = clock
        self._statistics = statistics
        self._lost = lost
        self._heard_at = clock.monotonic()
        self._reported_at = 0.0
        self._pump: asyncio.Task[None] | None = None

    @property
    def is_playing(self) -> bool:
        """Whether packets are sent."""
        return self._pump is not None

    @property
    def silent_s(self) -> float:
        """Since the client was last heard of."""
        return self._clock.monotonic() - self._heard_at

    def touch(self) -> None:
        """The client is there."""
        self._heard_at = self._clock.monotonic()

    def play(self) -> None:
        """Starts to send, from the newest key frame."""
        self._pump = asyncio.create_task(self._send_all(), name=f"rtsp-{self.path}")

    def end(self) -> None:
        """Stops sending, says goodbye, lets go of ports. May be called twice."""
        transport, self.transport = self.transport, None
        if self._pump and self._pump is not asyncio.current_task():
            self._pump.cancel()
        if transport:
            transport.send_rtcp(goodbye(self.stream))
            transport.close()

    def expire(self) -> None:
        """The client was silent for too long."""
        self._statistics.sessions_timed_out += 1
        self._lost(self)

    async def _send_all(self) -> None:
        with suppress(OSError):  # the client left
            try:
                async with self.mount.feed.listen(LISTENER_LIMIT) as listener:
                    await self._send_live(listener)
            except VmsUnavailable:
                self._statistics.clients_too_slow += 1
        self._lost(self)

    async def _send_live(self, listener: LiveListener) -> None:
        """Until the feed ends or is ordered to drop its viewers; what was frozen goes on at a key frame."""
        flow = self.mount.flow()
        if flow is Flow.DROP:
            return
        burst = self.mount.feed.gop() if flow is Flow.OK else ()
        for packet in burst:
            await self._send(packet)
        waits_for_key = not burst
        dropped = 0
        async for packet in listener:
            self._statistics.pictures_dropped += listener.dropped - dropped
            dropped = listener.dropped
            flow = self.mount.flow()
            if flow is Flow.DROP:
                return
            waits_for_key = flow is Flow.FREEZE or (waits_for_key and not packet.is_key)
            if not waits_for_key:
                await self._send(packet)

    async def _send(self, packet: LivePacket) -> None:
        transport = self.transport
        if transport is None:
            return
        self._report_when_due(transport)
        before = self.stream.octets_sent
        await transport.send(list(self.stream.packets(packet.data, packet.captured_at)))
        self._statistics.pictures_sent += 1
        self._statistics.octets_sent += self.stream.octets_sent - before

    def _report_when_due(self, transport: RtpTransport) -> None:
        now = self._clock.monotonic()
        if self.stream.packets_sent == 0 or now - self._reported_at >= _REPORT_EVERY_S:
            self._reported_at = now
            transport.send_rtcp(sender_report(self.stream, self._clock.utc()))
