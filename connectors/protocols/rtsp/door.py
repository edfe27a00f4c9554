"""A listening port that thousands of silent connections cannot block.

A newcomer has to show within a time what it wants; while it has not, TLS handshake included, a later newcomer may push
it out: always the oldest of the host that has the most of them, so that one host cannot shut out the others.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias

from connectors.protocols.serving import ServeConnection, cannot_listen, let_go, served

_BACKLOG = 256
_BUFFER_BYTES = 65_536
_NO_ROOM_S = 0.1
"""Without a free file handle nothing can be accepted for a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorLimits:
    """``connections``: at a time, newcomers included. ``patience_s``: for a newcomer, in all."""

    connections: int = 512
    newcomers: int = 128
    patience_s: float = 15.0


class Guest:
    """One accepted connection."""

    def __init__(self, connection: socket.socket, host: str, door: _Door) -> None:
        self.connection = connection
        self.host = host
        self._door = door

    def settle(self) -> None:
        """It has shown what it wants: it stays until it leaves, or whoever serves it is through with it."""
        self._door.settle(self)

    def linger(self) -> None:
        """It may take its time, but is still the first to be pushed out: it has not shown yet that it may be here."""
        self._door.linger(self)

    def stream_protocol(self, serve: ServeConnection) -> asyncio.StreamReaderProtocol:
        """A protocol that serves the connection as streams, in a task of its own, which ends with the door."""
        reader = asyncio.StreamReader(limit=_BUFFER_BYTES)
        return asyncio.StreamReaderProtocol(reader, lambda *streams: self._door.run(serve, *streams))

    def dismiss(self) -> None:
        """Ends the connection, whatever its transport is doing."""
        with suppress(OSError):  # it is gone already
            self.connection.shutdown(socket.SHUT_RDWR)


Receive: TypeAlias = Callable[[Guest], asyncio.Protocol]
"""Gives the protocol of a connection, once TLS stands where there is TLS."""


@asynccontextmanager
async def open_door(
    receive: Receive,
    host: str,
    port: int,
    *,
    ssl_context: ssl.SSLContext | None = None,
    limits: DoorLimits | None = None,
    refused: Callable[[], None] = lambda: None,
) -> AsyncIterator[int]:
    """Listens; yields the real port (also when 0 was asked). ``refused`` is called for each connection turned away.

    Raises ``UsageError`` when the port is taken. On leaving every connection is ended.
    """
    try:
        listener = await _listener(host, port)
    except OSError as error:
        raise cannot_listen(host, port, error) from error
    door = _Door(receive, ssl_context, limits or DoorLimits(), refused)
    accepting = asyncio.create_task(door.accept_from(listener), name="door")
    try:
        yield int(listener.getsockname()[1])
    finally:
        accepting.cancel()
        with suppress(asyncio.CancelledError):
            await accepting
        listener.close()
        await door.close()


class _Door:
    def __init__(
        self, receive: Receive, ssl_context: ssl.SSLContext | None, limits: DoorLimits, refused: Callable[[], None]
    ) -> None:
        self._receive = receive
        self._ssl_context = ssl_context
        self._limits = limits
        self._refused = refused
        self._newcomers: dict[Guest, asyncio.TimerHandle] = {}
        self._settled: set[Guest] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def accept_from(self, listener: socket.socket) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(listener)
            except OSError:  # no file handle is free, or the client is gone already
                self._push_out()
                await asyncio.sleep(_NO_ROOM_S)
                continue
            connection.setblocking(False)
            self._admit(Guest(connection, address[0], self))
            await asyncio.sleep(0)  # a burst is accepted without waiting: let those go who were pushed out

    def settle(self, guest: Guest) -> None:
        timer = self._newcomers.pop(guest, None)
        if timer:
            timer.cancel()
            self._settled.add(guest)

    def linger(self, guest: Guest) -> None:
        timer = self._newcomers.get(guest)
        if timer:
            timer.cancel()

    def run(self, serve: ServeConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keep(asyncio.create_task(served(serve, reader, writer), name="connection"))

    async def close(self) -> None:
        tasks = list(self._tasks)
        for timer in self._newcomers.values():
            timer.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await let_go([guest.connection for guest in (*self._newcomers, *self._settled)])

    def _admit(self, guest: Guest) -> None:
        if len(self._newcomers) >= self._limits.newcomers:
            self._forget_who_left()
        if len(self._newcomers) >= self._limits.newcomers:
            self._push_out()
        if len(self._newcomers) + len(self._settled) >= self._limits.connections:
            self._forget_who_left()
        if len(self._newcomers) + len(self._settled) >= self._limits.connections:
            self._refused()
            guest.connection.close()
            return
        loop = asyncio.get_running_loop()
        self._newcomers[guest] = loop.call_later(self._limits.patience_s, self._lose_patience, guest)
        self._keep(asyncio.create_task(self._let_in(guest), name="newcomer"))

    async def _let_in(self, guest: Guest) -> None:
        if guest not in self._newcomers:  # pushed out already: TLS would take 256 KiB for nothing
            guest.connection.close()
            return
        loop = asyncio.get_running_loop()
        tls_patience_s = self._limits.patience_s if self._ssl_context else None
        try:
            await loop.connect_accepted_socket(
                lambda: self._receive(guest),
                guest.connection,
                ssl=self._ssl_context,
                ssl_handshake_timeout=tls_patience_s,
            )
        except OSError as error:  # it left, was pushed out, or does not speak TLS
            error.__traceback__ = None  # a cycle through its frames keeps TLS buffers of 256 KiB until collected

    def _forget_who_left(self) -> None:
        for guest in [guest for guest in self._newcomers if guest.connection.fileno() < 0]:
            self._newcomers.pop(guest).cancel()
        self._settled = {guest for guest in self._settled if guest.connection.fileno() >= 0}

    def _push_out(self) -> None:
        if not self._newcomers:
            return
        busiest, _ = Counter(guest.host for guest in self._newcomers).most_common(1)[0]
        self._lose_patience(next(guest for guest in self._newcomers if guest.host == busiest))

    def _lose_patience(self, guest: Guest) -> None:
        timer = self._newcomers.pop(guest, None)
        if timer:
            timer.cancel()
            self._refused()
            guest.dismiss()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _listener(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    listener = socket.create_server((str(address[0]), int(address[1])), family=family, backlog=_BACKLOG)
    listener.setblocking(False)
    return listener
