"""A recording on its way to one client: as fast as that takes it, from the first picture of the interval asked for.

Nothing is left out for a slow client: the recording waits for it, and is its own, with its own source id. It is played
once in a session. After the last picture goodbye is said by RTCP; the session stays until it is torn down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import chain

from connectors.protocols.live_packets import LivePacket
from connectors.protocols.rtsp.burst import Burst
from connectors.protocols.rtsp.clock_range import parse_clock_range
from connectors.protocols.rtsp.mount import Flow, Recording
from connectors.protocols.rtsp.rtcp import goodbye, sender_report
from connectors.protocols.rtsp.rtp import VIDEO_PAYLOAD_TYPE, RtpStream, payloads_of
from connectors.protocols.rtsp.session import Track
from connectors.protocols.rtsp.statistics import Statistics
from connectors.protocols.rtsp.transport import InterleavedTransport
from core.contracts import Clock
from core.errors import VmsUnavailable
from core.types import UtcSeconds

_FROZEN_S = 0.1
"""So often a recording that was ordered to freeze asks whether it may go on."""


class RecordedTrack(Track):
    """Inside the connection only, whose flow control sets the pace. ``lost`` is called when sending became impossible."""

    def __init__(
        self,
        recording: Recording,
        clock: Clock,
        transport: InterleavedTransport,
        flow: Callable[[], Flow],
        statistics: Statistics,
        lost: Callable[[], None],
    ) -> None:
        super().__init__(RtpStream(VIDEO_PAYLOAD_TYPE))
        self._recording = recording
        self._clock = clock
        self._transport = transport
        self._flow = flow
        self._statistics = statistics
        self._lost = lost
        self._pictures: Iterator[LivePacket] = iter(())
        self._begin: UtcSeconds | None = None
        self._sending: asyncio.Task[None] | None = None
        self._is_over = False

    @property
    def header(self) -> str:
        return self._transport.header

    def seek(self, span: str) -> bool:
        """Only to an interval of the clock in which something is recorded, and before it is played."""
        interval = parse_clock_range(span)
        if interval is None or self._sending:
            return False
        pictures = iter(self._recording.pictures(*interval))
        first = next(pictures, None)
        if first is None:
            return False
        self._begin, self._pictures = first.captured_at, chain([first], pictures)
        return True

    async def ready(self) -> UtcSeconds | None:
        return self._begin

    def sequence(self) -> int:
        return self.stream.next_sequence

    def start(self) -> None:
        self._sending = asyncio.create_task(self._send_all(), name="rtsp-recording")

    def end(self) -> None:
        if self._sending:
            self._sending.cancel()
        self._say_goodbye()
        self._transport.close()

    async def _send_all(self) -> None:
        try:
            await self._send_pictures()
        except (TimeoutError, VmsUnavailable):
            self._statistics.clients_too_slow += 1
            self._lose()
        except OSError:  # the client left
            self._lose()

    async def _send_pictures(self) -> None:
        """A report first, as live streams have it: the stream's clock runs with UTC, recorded or not."""
        self._transport.send_rtcp(sender_report(self.stream, self._clock.utc()))
        for picture in self._pictures:
            while (flow := self._flow()) is Flow.FREEZE:  # noqa: ASYNC110 - plans tell nobody that they changed
                await asyncio.sleep(_FROZEN_S)
            if flow is Flow.DROP:
                self._lose()
                return
            await self._send(self._burst(picture))
        self._say_goodbye()

    async def _send(self, burst: Burst) -> None:
        while not self._transport.send(burst):
            await self._transport.drained()
        self._statistics.pictures_sent += 1
        self._statistics.octets_sent += burst.octets
        await self._transport.drained()
        await asyncio.sleep(0)  # a client that takes all at once does not keep the others waiting

    def _burst(self, picture: LivePacket) -> Burst:
        payloads = list(payloads_of(picture.data, self._recording.format.codec))
        packets = tuple(self.stream.packets(payloads, picture.captured_at))
        return Burst(packets, sum(map(len, payloads)), is_key=picture.is_key)

    def _say_goodbye(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._transport.send_rtcp(goodbye(self.stream))

    def _lose(self) -> None:
        """Later, since ``lost`` ends this track; without a goodbye, which would say that all was sent."""
        self._is_over = True
        asyncio.get_running_loop().call_soon(self._lost)
