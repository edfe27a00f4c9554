"""Servers that can go away for a while: the Web-based SDK role with its two ports, and the Media Gateway."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from connectors.genetec.simulator.websdk import WebSdkRole
from connectors.protocols.serving import listening
from core.errors import UsageError


@dataclass(slots=True, kw_only=True)
class RolePorts:
    """The role's two ports, which stay the same over restarts."""

    role: WebSdkRole
    host: str
    address: str
    base_uri: str
    tls: ssl.SSLContext
    port: int
    stream_port: int
    redirects: bool = True
    """Whether the main port sends who asks for events to the second one; else it streams them itself."""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def url(self) -> str:
        """Of the main port, with the base URI."""
        return f"https://{self.address}:{self.port}/{self.base_uri}"

    async def open(self) -> None:
        """Listens. Raises ``UsageError`` when a port is taken."""
        async with AsyncExitStack() as stack:
            self.stream_port = await stack.enter_async_context(
                listening(self.role.stream_app(), self.host, self.stream_port, ssl_context=self.tls)
            )
            target = f"https://{self.address}:{self.stream_port}/{self.base_uri}/events" if self.redirects else None
            self.port = await stack.enter_async_context(
                listening(self.role.app(target), self.host, self.port, ssl_context=self.tls)
            )
            self._stack = stack.pop_all()

    async def close(self) -> None:
        """Cuts every connection; from then on connections are refused. May be called twice."""
        self.role.go_down()
        await self._stack.aclose()


@dataclass(slots=True, kw_only=True)
class Restart:
    """Takes a server away for some seconds, in the background."""

    name: str
    close: Callable[[], Awaitable[None]]
    open: Callable[[], Awaitable[None]]
    _task: asyncio.Task[None] | None = None

    def begin(self, seconds: float) -> None:
        """Raises ``UsageError`` while it is away already."""
        if self._task is not None and not self._task.done():
            raise UsageError(f"{self.name} is restarting already", remedy="Wait until it is back.")
        self._task = asyncio.create_task(self._away(seconds), name=f"restart of {self.name}")

    async def every(self, period_s: float, seconds: float) -> None:
        """Restarts it again and again, for as long as this runs."""
        while True:
            await asyncio.sleep(period_s)
            if self._task is None or self._task.done():
                self.begin(seconds)

    async def end(self) -> None:
        """Ends a restart that is under way, and the server."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.close()

    async def _away(self, seconds: float) -> None:
        await self.close()
        await asyncio.sleep(seconds)
        await self.open()
