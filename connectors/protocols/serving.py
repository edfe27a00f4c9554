"""Servers on asyncio that have let go of every connection when they end.

What asyncio leaves to do (3.11 to 3.13): a server that closes says nothing to its connections; a TLS transport waits
half a minute for its client's farewell, and cannot be aborted once it was closed twice; a connection handler that
asyncio itself started complains when it is cancelled.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

from aiohttp import web

from core.errors import UsageError

ServeConnection: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Serves one connection until it ends; whoever called it closes the connection."""

_MAX_CONNECTIONS = 256
_BUFFER_BYTES = 65_536
_FAREWELL_S = 1.0
"""What was written and TLS's farewell have so long to leave."""

_GONE_EVERY_S = 0.002


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int, **options: Any) -> AsyncIterator[int]:
    """Serves an aiohttp application; yields the real port (also when 0 was asked). ``options`` are ``TCPSite``'s.

    Raises ``UsageError`` when the port is taken.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_FAREWELL_S, handle_signals=False)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, **options).start()
        except OSError as error:
            raise cannot_listen(host, port, error) from error
        yield int(runner.addresses[0][1])
    finally:
        connections = runner.server.connections if runner.server else []
        sockets = [_socket_of(connection.transport) for connection in connections]
        await runner.cleanup()
        await let_go(sockets)


@asynccontextmanager
async def listening_to_streams(
    serve: ServeConnection,
    host: str,
    port: int,
    *,
    ssl_context: ssl.SSLContext | None = None,
    limit: int = _BUFFER_BYTES,
) -> AsyncIterator[int]:
    """Calls ``serve`` for each connection, in a task of its own; yields the real port (also when 0 was asked).

    ``limit`` is the reader's, in bytes. Raises ``UsageError`` when the port is taken.
    """
    connections: dict[asyncio.Task[None], socket.socket | None] = {}
    is_open = True

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not is_open or len(connections) >= _MAX_CONNECTIONS:
            writer.transport.abort()
            return
        under = _socket_of(writer.transport)
        task = asyncio.create_task(served(serve, reader, writer), name="connection")
        connections[task] = under
        task.add_done_callback(connections.pop)

    try:
        server = await asyncio.start_server(accept, host, port, ssl=ssl_context, limit=limit)
    except OSError as error:
        raise cannot_listen(host, port, error) from error
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        is_open = False
        server.close()
        sockets = list(connections.values())
        tasks = list(connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await let_go(sockets)


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Runs ``work`` as a task that is cancelled on leaving."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def served(serve: ServeConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serves one connection and closes it, with a farewell where its client takes that."""
    try:
        await serve(reader, writer)
        writer.close()
        with suppress(OSError):  # time-outs are OSError too
            async with asyncio.timeout(_FAREWELL_S):
                await writer.wait_closed()
    finally:
        writer.transport.abort()


def _socket_of(transport: asyncio.BaseTransport | None) -> socket.socket | None:
    """What lies under a transport, also under TLS: all that can still be reached of one that was closed.

    None when there is none any more; a TLS transport that has let go of its protocol then fails on 3.11.
    """
    try:
        return transport.get_extra_info("socket") if transport else None
    except AttributeError:
        return None


async def let_go(sockets: Iterable[socket.socket | None]) -> None:
    """Ends connections without their peers' consent and returns once they are gone."""
    waiting = [peer for peer in sockets if peer]
    for peer in waiting:
        with suppress(OSError):  # it is gone already
            peer.shutdown(socket.SHUT_RDWR)
    with suppress(TimeoutError):
        async with asyncio.timeout(_FAREWELL_S):
            while any(peer.fileno() >= 0 for peer in waiting):  # noqa: ASYNC110 - asyncio tells nobody of it
                await asyncio.sleep(_GONE_EVERY_S)


def cannot_listen(host: str, port: int, error: OSError) -> UsageError:
    """The port is taken, or the address is not ours."""
    return UsageError(f"cannot listen on {host}:{port}: {error}", remedy="Choose another port, or 0 for a free one.")
