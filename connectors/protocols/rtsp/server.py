"""The RTSP server: listens, keeps the sessions and their time-outs."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from connectors.protocols.rtsp.connection import Connection, Service
from connectors.protocols.rtsp.mount import Mounts
from connectors.protocols.rtsp.session import Session, Statistics
from connectors.protocols.rtsp.transport import SEND_TIMEOUT_S
from connectors.protocols.serving import background, listening_to_streams
from core.clock import SystemClock
from core.contracts import Clock

_SHARES_OF_TIMEOUT = 4
"""Sessions are looked at so many times per time-out."""


class RtspServer:
    """Serves live mounts over RTSP, or RTSPS with an ``ssl_context``, by UDP and inside the connection.

    ``mounts`` finds what is under a path; ``users`` are names and passwords, none for open access. Over TLS no UDP is
    offered: it would carry the video in clear. Use as an async context manager on one event loop.
    """

    def __init__(
        self,
        host: str,
        port: int,
        mounts: Mounts,
        users: Mapping[str, str],
        *,
        ssl_context: ssl.SSLContext | None = None,
        clock: Clock | None = None,
        realm: str = "vigie",
        session_timeout_s: float = 60.0,
        send_timeout_s: float = SEND_TIMEOUT_S,
    ) -> None:
        self._host = host
        self._port = port
        self._ssl_context = ssl_context
        self._sessions: dict[str, Session] = {}
        self._statistics = Statistics()
        self._running = AsyncExitStack()
        self._service = Service(
            mounts=mounts,
            users=users,
            realm=realm,
            clock=clock or SystemClock(),
            session_timeout_s=session_timeout_s,
            send_timeout_s=send_timeout_s,
            is_secure=ssl_context is not None,
            sessions=self._sessions,
            statistics=self._statistics,
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
        """The port that is listened on (once started, also when 0 was asked)."""
        return self._port

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
            self._port = await stack.enter_async_context(
                listening_to_streams(self._serve, self._host, self._port, ssl_context=self._ssl_context)
            )
            await stack.enter_async_context(background(self._watch_sessions()))
            self._running = stack.pop_all()

    async def close(self) -> None:
        """Ends every connection and session. May be called twice."""
        await self._running.aclose()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._statistics.connections += 1
        await Connection(self._service, reader, writer).serve()

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
                    session.expire()
