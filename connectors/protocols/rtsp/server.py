"""The RTSP server: listens, keeps the sessions and their time-outs."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Self

from connectors.protocols.rtsp.connection import Connection, Incoming
from connectors.protocols.rtsp.door import DoorLimits, Guest, open_door
from connectors.protocols.rtsp.mount import Mounts
from connectors.protocols.rtsp.multicast import Groups
from connectors.protocols.rtsp.service import Service
from connectors.protocols.rtsp.session import Session
from connectors.protocols.rtsp.source import Sources
from connectors.protocols.rtsp.statistics import Statistics
from connectors.protocols.serving import background
from core.clock import SystemClock
from core.contracts import Clock

SEND_TIMEOUT_S = 10.0
"""A client that takes nothing for so long is disconnected."""

_SHARES_OF_TIMEOUT = 4
"""Sessions are looked at so many times per time-out."""


class RtspServer:
    """Serves live mounts over RTSP, or RTSPS with an ``ssl_context``: by UDP, to groups, and inside the connection.

    ``mounts`` finds what is under a path; ``users`` are names and passwords, none for open access. With ``port`` None it
    listens nowhere itself: clients come by ``one_port``. Where ``udp`` is off, UDP goes only to the groups of mounts;
    clients of TLS or of a tunnel get neither, for it would send the video in clear. Use as an async context manager on one event loop.
    """

    def __init__(
        self,
        host: str,
        port: int | None,
        mounts: Mounts,
        users: Mapping[str, str],
        *,
        ssl_context: ssl.SSLContext | None = None,
        clock: Clock | None = None,
        realm: str = "vigie",
        session_timeout_s: float = 60.0,
        send_timeout_s: float = SEND_TIMEOUT_S,
        udp: bool = True,
        limits: DoorLimits | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._host = host
        self._port = port
        self._ssl_context = ssl_context
        self._limits = limits
        self._sessions: dict[str, Session] = {}
        self._statistics = Statistics()
        self._running = AsyncExitStack()
        sources = Sources(clock)
        self._service = Service(
            mounts=mounts,
            users=users,
            realm=realm,
            clock=clock,
            session_timeout_s=session_timeout_s,
            send_timeout_s=send_timeout_s,
            udp=udp,
            sessions=self._sessions,
            statistics=self._statistics,
            sources=sources,
            groups=Groups(sources, self._statistics),
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def port(self) -> int:
        """The port that is listened on (once started, also when 0 was asked); 0 for none."""
        return self._port or 0

    @property
    def url(self) -> str:
        """Base address of the mounts, without a slash at the end."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'rtsps' if self._ssl_context else 'rtsp'}://{host}:{self.port}"

    def statistics(self) -> dict[str, int]:
        """Counters since the start, and how many clients play now."""
        playing = sum(session.is_playing for session in self._sessions.values())
        return {**self._statistics.as_dict(), "playing": playing}

    async def start(self) -> None:
        """Listens. Raises ``UsageError`` when the port is taken."""
        async with AsyncExitStack() as stack:
            stack.callback(self._end_sessions)
            if self._port is not None:
                door = open_door(
                    self._received,
                    self._host,
                    self._port,
                    ssl_context=self._ssl_context,
                    limits=self._limits,
                    refused=self._count_refused,
                )
                self._port = await stack.enter_async_context(door)
            await stack.enter_async_context(background(self._watch_sessions()))
            self._running = stack.pop_all()

    async def serve(
        self, reader: Incoming, writer: asyncio.StreamWriter, *, is_private: bool, settled: Callable[[], None]
    ) -> None:
        """Serves one client that was accepted elsewhere, until it leaves.

        ``is_private``: nothing may go by UDP. ``settled`` is called when it has set up a session.
        """
        self._statistics.connections += 1
        await Connection(self._service, reader, writer, is_private=is_private, settled=settled).serve()

    async def close(self) -> None:
        """Ends every connection and session. May be called twice."""
        await self._running.aclose()

    def _received(self, guest: Guest) -> asyncio.Protocol:
        is_private = self._ssl_context is not None
        return guest.stream_protocol(partial(self.serve, is_private=is_private, settled=guest.settle))

    def _count_refused(self) -> None:
        self._statistics.connections_refused += 1

    def _end_sessions(self) -> None:
        """Those by UDP outlive their connections."""
        for session in list(self._sessions.values()):
            session.end()
        self._sessions.clear()

    async def _watch_sessions(self) -> None:
        while True:
            await asyncio.sleep(self._service.session_timeout_s / _SHARES_OF_TIMEOUT)
            for session in list(self._sessions.values()):
                if session.silent_s > self._service.session_timeout_s:
                    self._statistics.sessions_timed_out += 1
                    session.lose()
