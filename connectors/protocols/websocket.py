"""A WebSocket client for threads: blocking, time-limited calls on a connection that any thread may abort.

Each connection lives on an asyncio loop in a thread of its own, which alone enters OpenSSL. ``websockets.sync`` reads and
writes one TLS connection in two threads at the same time, which OpenSSL does not allow: before Python 3.12.8 and 3.13.1,
which hold a lock, that hangs for ever now and then.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.protocol import State

_PORTS = {"ws": 80, "wss": 443}
_LOOP_ANSWERS_S = 5.0
"""What a call may take beyond its own limit before the connection's thread counts as stuck."""
_GONE_EVERY_S = 0.002
_ABORTED = "the connection was aborted"

_T = TypeVar("_T")


class WebSocket:
    """One connection, opened once, then closed or aborted. Every method may be called from any thread.

    Calls raise what ``websockets`` raises (``InvalidStatus``, ``ConnectionClosed``), ``OSError`` where the network or TLS
    fails, of it ``TimeoutError`` when the call's limit is over and ``ConnectionAbortedError`` after ``abort``.

    Args:
        farewell_s: How long the peer may take to hang up, in ``close`` or after it broke the protocol.
    """

    def __init__(self, farewell_s: float = 1.0) -> None:
        self._farewell_s = farewell_s
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="websocket", daemon=True)
        self._runs = threading.Event()
        self._over = asyncio.Event()
        self._is_over = False
        self._waiters: set[Future[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket: socket.socket | None = None
        self._opened: ClientConnection | None = None

    def open(
        self,
        url: str,
        *,
        tls: ssl.SSLContext | None,
        headers: Mapping[str, str],
        timeout_s: float,
        max_bytes: int,
        max_queue: int,
    ) -> None:
        """Connects directly: neither proxies nor redirects are followed.

        Args:
            url: A ``ws`` or ``wss`` address.
            headers: What the upgrade carries besides its own.
            tls: What verifies the peer of a ``wss`` address, by the host name in it; None for ``ws``.
            timeout_s: For all of it: name, TCP, TLS and upgrade.
            max_bytes: The longest message that is taken; a longer one ends the connection.
            max_queue: Messages that wait here before the peer is made to wait.
        """
        connecting = partial(connect, url, ssl=tls, max_size=max_bytes, max_queue=max_queue, additional_headers=headers)
        try:
            self._start()
            self._result(partial(self._open, url, connecting, timeout_s), timeout_s)
        except TimeoutError as error:
            self._end()
            raise TimeoutError(f"no connection within {timeout_s:g} s") from error
        except BaseException:
            self._end()
            raise

    def send(self, text: str, timeout_s: float) -> None:
        """Sends a message; returns once it is on its way."""
        self._result(partial(self._connection.send, text), timeout_s)

    def receive(self, timeout_s: float) -> str:
        """The next message, as text. A ``TimeoutError`` means that none came, and loses none."""
        return self._result(partial(self._receive, timeout_s), timeout_s + 2 * self._farewell_s)

    def ping(self, timeout_s: float) -> threading.Event:
        """Sends a ping; what is returned is set once its pong came."""
        return self._result(self._ping, timeout_s)

    def close(self) -> None:
        """Says farewell where the connection still lives, and returns once it is gone. May be called again."""
        with suppress(OSError, WebSocketException):  # it was gone already
            self._result(self._connection.close, 2 * self._farewell_s)
        self._end()

    def abort(self) -> None:
        """Ends it without farewell, also while it opens, and wakes whoever waits on it; does not wait itself."""
        with self._lock:
            self._is_over = True
            for waiter in self._waiters:
                waiter.cancel()
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._over.set)

    def _start(self) -> None:
        with self._lock:
            if self._is_over:
                raise ConnectionAbortedError(_ABORTED)
            self._thread.start()
        if not self._runs.wait(_LOOP_ANSWERS_S):
            raise ConnectionError("the connection's thread does not start")

    def _end(self) -> None:
        self.abort()
        if self._thread.ident is not None:
            self._thread.join(_LOOP_ANSWERS_S)

    @property
    def _connection(self) -> ClientConnection:
        if self._opened is None:
            raise ConnectionError("the connection is not open")
        return self._opened

    def _result(self, work: Callable[[], Coroutine[Any, Any, _T]], within_s: float) -> _T:
        """What ``work`` returns, in the connection's thread."""
        future = self._submitted(_limited(work, within_s))
        try:
            return future.result(within_s + _LOOP_ANSWERS_S)
        except concurrent.futures.CancelledError as error:
            raise ConnectionAbortedError(_ABORTED) from error
        except TimeoutError as error:
            if future.done():
                return future.result()
            raise ConnectionError("the connection's thread does not answer") from error
        finally:
            future.cancel()
            with self._lock:
                self._waiters.discard(future)

    def _submitted(self, work: Coroutine[Any, Any, _T]) -> Future[_T]:
        with self._lock:
            if self._is_over or self._loop is None:
                work.close()
                raise ConnectionAbortedError(_ABORTED)
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._waiters.add(future)
            return future

    def _run(self) -> None:
        """The thread's body."""
        try:
            asyncio.run(self._live())
        finally:
            if self._socket is not None:
                self._socket.close()

    async def _live(self) -> None:
        with self._lock:
            self._loop = asyncio.get_running_loop()
            if self._is_over:
                self._over.set()
        self._runs.set()
        await self._over.wait()
        await self._let_go()
        with self._lock:
            self._loop = None

    async def _let_go(self) -> None:
        """Ends what still goes on, and the connection, without the peer's consent."""
        calls = asyncio.all_tasks() - {asyncio.current_task()}
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        if self._opened is not None:
            self._opened.transport.abort()
        if self._socket is None:
            return
        # A TLS transport that was closed before cannot be aborted: it would wait for the peer.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._farewell_s):
                while self._socket.fileno() >= 0:  # noqa: ASYNC110 - asyncio tells nobody of it
                    await asyncio.sleep(_GONE_EVERY_S)

    async def _open(self, url: str, connecting: partial[connect], timeout_s: float) -> None:
        parts = urlsplit(url)
        tls_options = {"ssl_shutdown_timeout": self._farewell_s} if parts.scheme == "wss" else {}
        self._socket = await _dialled(parts.hostname or "", parts.port or _PORTS[parts.scheme], timeout_s)
        self._opened = await connecting(
            sock=self._socket,  # with a socket that it did not open, it follows no redirect
            proxy=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=self._farewell_s,
            **tls_options,
        )

    async def _receive(self, timeout_s: float) -> str:
        connection = self._connection
        try:
            return await _limited(partial(connection.recv, decode=True), timeout_s)
        except TimeoutError:
            if connection.state is State.OPEN:
                raise
        # We ended it, as the peer broke the protocol, and the peer has not hung up: websockets would wait for that.
        await connection.close()
        return await connection.recv(decode=True)

    async def _ping(self) -> threading.Event:
        answered = threading.Event()
        pong = asyncio.ensure_future(await self._connection.ping())
        pong.add_done_callback(lambda done: None if done.cancelled() or done.exception() else answered.set())
        return answered


async def _limited(work: Callable[[], Coroutine[Any, Any, _T]], within_s: float) -> _T:
    async with asyncio.timeout(within_s):
        return await work()


async def _dialled(host: str, port: int, within_s: float) -> socket.socket:
    """Tries a host's addresses one after the other, each with its share of the time. Raises the first one's error."""
    addresses = await _resolved(host, port)
    failures = []
    for family, kind, protocol, _, address in addresses:
        try:
            link = socket.socket(family, kind, protocol)
            link.setblocking(False)
            try:
                async with asyncio.timeout(within_s / len(addresses)):
                    await asyncio.get_running_loop().sock_connect(link, address)
            except BaseException:
                link.close()
                raise
        except OSError as error:  # time-outs are OSError too
            failures.append(error)
        else:
            return link
    raise failures[0]


async def _resolved(host: str, port: int) -> list[tuple[Any, ...]]:
    # Not in asyncio's own executor: the end of a loop would wait for a name server that does not answer.
    resolver = ThreadPoolExecutor(1, thread_name_prefix="resolver")
    try:
        return await asyncio.get_running_loop().run_in_executor(
            resolver, partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        )
    finally:
        resolver.shutdown(wait=False)
