"""One client's session: tracks set up, then playing, until torn down, timed out or too slow (RFC 2326 §3.4)."""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

from connectors.protocols.rtsp.burst import Burst
from connectors.protocols.rtsp.mount import Flow
from connectors.protocols.rtsp.rtp import RtpStream
from connectors.protocols.rtsp.source import Sources, TrackSource
from connectors.protocols.rtsp.statistics import Statistics
from connectors.protocols.rtsp.transport import RtpTransport
from core.contracts import Clock
from core.errors import VmsUnavailable
from core.types import UtcSeconds


class Track(ABC):
    """One track of one session."""

    def __init__(self, stream: RtpStream) -> None:
        self.stream = stream

    @property
    @abstractmethod
    def header(self) -> str:
        """Value of the ``Transport`` header."""

    @abstractmethod
    def seek(self, span: str) -> bool:
        """Goes to what ``Range`` asks for (empty: not given); False, and nothing changed, where there is none (457)."""

    @abstractmethod
    async def ready(self) -> UtcSeconds | None:
        """Time of the first packet that will be sent, None when that is not known. Start before anything else is awaited.

        Raises ``VmsUnavailable`` when there is nothing to send from.
        """

    @abstractmethod
    def sequence(self) -> int:
        """Number of the first packet that will be sent."""

    @abstractmethod
    def start(self) -> None:
        """Starts to send."""

    @abstractmethod
    def end(self) -> None:
        """Stops sending, says goodbye, lets go of ports. May be called twice."""


class LiveTrack(Track):
    """A track that shares its source with others."""

    def __init__(self, source: TrackSource) -> None:
        super().__init__(source.stream)
        self.source = source

    def seek(self, span: str) -> bool:
        """There is no more than the present."""
        return span.partition("=")[0].strip().lower() in {"", "npt"}

    async def ready(self) -> UtcSeconds | None:
        return await self.source.ready()

    def sequence(self) -> int:
        return self.source.sequence()


class SentTrack(LiveTrack):
    """A track that is sent by a transport of its own. ``lost`` is called when that became impossible.

    Holds its source, which it lets go to ``sources``.
    """

    def __init__(
        self,
        sources: Sources,
        source: TrackSource,
        transport: RtpTransport,
        flow: Callable[[], Flow],
        statistics: Statistics,
        lost: Callable[[], None],
    ) -> None:
        super().__init__(source)
        self.transport = transport
        self._sources = sources
        self._flow = flow
        self._statistics = statistics
        self._lost: Callable[[], None] | None = lost
        self._waits_for_key = False
        self._is_behind = False
        self._owes_report = True

    @property
    def header(self) -> str:
        return self.transport.header

    def start(self) -> None:
        """A report first, so that the first packet's time is known; then all since the newest key frame."""
        flow = self._flow()
        if flow is Flow.DROP:
            self._lose()
            return
        opening = self.source.opening
        self._waits_for_key = True
        self.source.join(self)
        if flow is Flow.OK:
            self._report(self.source.report())
            if opening:
                octets = sum(burst.octets for burst in opening)
                self._guarded(lambda: self.transport.open_with(opening), len(opening), octets)

    def take(self, burst: Burst) -> None:
        """What was frozen, or too much, goes on at a key frame."""
        flow = self._flow()
        if flow is Flow.DROP:
            self._lose()
            return
        if flow is Flow.FREEZE:
            self._waits_for_key, self._is_behind = True, False
            return
        if self._waits_for_key and not burst.is_key:
            self._count_dropped(self._is_behind)
            return
        if self._owes_report:
            self._report(self.source.report())
        self._guarded(lambda: self.transport.send(burst), 1, burst.octets)
        if burst.report:
            self._report(burst.report)

    def source_ended(self) -> None:
        """Nothing is left to be sent."""
        self._lose()

    def end(self) -> None:
        if self._lost is None:
            return
        self._lost = None
        self.source.leave(self)
        self.transport.send_rtcp(self.source.goodbye())
        self.transport.close()
        self._sources.release(self.source)

    def _report(self, report: bytes) -> None:
        self._owes_report = False
        self.transport.send_rtcp(report)

    def _guarded(self, send: Callable[[], bool], count: int, octets: int) -> None:
        try:
            is_sent = send()
        except VmsUnavailable:
            self._statistics.clients_too_slow += 1
            self._lose()
        except OSError:  # the client left
            self._lose()
        else:
            self._waits_for_key = self._is_behind = not is_sent
            self._count_sent(count, octets) if is_sent else self._count_dropped(count)

    def _count_sent(self, count: int, octets: int) -> None:
        self._statistics.octets_sent += octets
        if self.source.counts_pictures:
            self._statistics.pictures_sent += count
        else:
            self._statistics.documents_sent += count

    def _count_dropped(self, count: int) -> None:
        if self.source.counts_pictures:
            self._statistics.pictures_dropped += count
        else:
            self._statistics.documents_dropped += count

    def _lose(self) -> None:
        """Later, since ``lost`` ends tracks and sessions that are being gone through."""
        if self._lost:
            self.source.leave(self)
            asyncio.get_running_loop().call_soon(self._lost)


class Session:
    """The state that a ``Session`` header names. ``lost`` is called when sending became impossible."""

    def __init__(self, path: str, user: str, clock: Clock, lost: Callable[[Session], None]) -> None:
        self.id: Final = secrets.token_hex(16)
        self.path: Final = path
        self.user: Final = user
        self.tracks: dict[str, Track] = {}
        self.is_playing = False
        self._clock = clock
        self._lost = lost
        self._heard_at = clock.monotonic()

    @property
    def silent_s(self) -> float:
        """Since the client was last heard of."""
        return self._clock.monotonic() - self._heard_at

    def touch(self) -> None:
        """The client is there."""
        self._heard_at = self._clock.monotonic()

    def play(self) -> None:
        """Starts every track."""
        self.is_playing = True
        for track in tuple(self.tracks.values()):
            track.start()

    def end(self) -> None:
        """Ends every track. May be called twice."""
        for track in self.tracks.values():
            track.end()
        self.tracks.clear()

    def lose(self) -> None:
        """The client is too slow or silent, or the video ended."""
        self._lost(self)
