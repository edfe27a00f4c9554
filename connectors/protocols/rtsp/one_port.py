"""One port for everything: SOAP, events, and RTSP tunnelled in HTTP (RtspOverHttp has to be on the web port: SPEC:Media2).

The first request of a connection decides. GET and POST of a tunnel go to the RTSP server, and so does plain RTSP, which
over TLS is RTSPS; all else goes to aiohttp, with the connection.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

from aiohttp import web

from connectors.protocols.rtsp.door import DoorLimits, Guest, open_door
from connectors.protocols.rtsp.server import RtspServer
from connectors.protocols.rtsp.tunnel import COOKIE_HEADER, MEDIA_TYPE, Tunnels
from connectors.protocols.serving import ServeConnection

MAX_HEAD_BYTES = 16_384

_KEEP_ALIVE_S = 30.0
_SHUTDOWN_S = 1.0
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_MAX_COOKIE_LENGTH = 256
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

_Guests: TypeAlias = "WeakKeyDictionary[asyncio.BaseTransport, Guest]"
_GUESTS: Final = web.AppKey("guests", WeakKeyDictionary)
"""Who is behind the transport of a request, for ``settle``."""

_Choose: TypeAlias = Callable[[bytes, Guest, bool], "ServeConnection | None"]


@asynccontextmanager
async def one_port(
    app: web.Application,
    rtsp: RtspServer,
    host: str,
    port: int,
    ssl_context: ssl.SSLContext | None = None,
    *,
    limits: DoorLimits | None = None,
    refused: Callable[[], None] = lambda: None,
    app_settles: bool = False,
) -> AsyncIterator[int]:
    """Serves ``app`` and tunnels into ``rtsp`` (which runs already); yields the real port (also when 0 was asked).

    A newcomer has ``limits.patience_s`` for TLS and the head of its first request; ``refused`` is called for each
    connection that was turned away or pushed out. ``app_settles``: whoever asks ``app`` may be pushed out until that
    calls ``settle``; else a whole head is enough to stay. Raises ``UsageError`` when the port is taken.
    """
    guests: _Guests = WeakKeyDictionary()
    if app_settles:
        app[_GUESTS] = guests
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=_SHUTDOWN_S, handle_signals=False, keepalive_timeout=_KEEP_ALIVE_S
    )
    await runner.setup()
    server = runner.server
    assert server is not None
    choose = partial(_chosen, Tunnels(rtsp), rtsp)
    try:
        async with open_door(
            lambda guest: _Sniffer(guest, choose, server, guests if app_settles else None),
            host,
            port,
            ssl_context=ssl_context,
            limits=limits,
            refused=refused,
        ) as real:
            yield real
    finally:
        await runner.cleanup()


def settle(request: web.Request) -> None:
    """The client proved who it is: its connection stays. Of no effect where ``one_port`` was not asked for it."""
    guests: _Guests | None = request.app.get(_GUESTS)
    if guests is not None and request.transport and (guest := guests.get(request.transport)):
        guest.settle()


class _Sniffer(asyncio.Protocol):
    """Reads the head of the first request, then hands the connection over with all that was read.

    ``guests`` gets those of the application, which settles them; None: they are settled here.
    """

    def __init__(
        self, guest: Guest, choose: _Choose, http: Callable[[], asyncio.Protocol], guests: _Guests | None
    ) -> None:
        self._guest = guest
        self._choose = choose
        self._http = http
        self._guests = guests
        self._transport: asyncio.Transport | None = None
        self._read = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Until the head is whole."""
        transport = self._transport
        if transport is None:
            return
        self._read += data
        end = _HEAD_END.search(self._read, 0, MAX_HEAD_BYTES)
        if end:
            self._hand_over(transport, bytes(self._read[: end.start()]), end.end())
        elif len(self._read) >= MAX_HEAD_BYTES:
            transport.write(_TOO_LONG)
            transport.close()
            self._transport = None

    def _hand_over(self, transport: asyncio.Transport, head: bytes, end: int) -> None:
        self._transport = None
        is_secure = transport.get_extra_info("sslcontext") is not None
        serve = self._choose(head, self._guest, is_secure)
        if serve is None:
            self._admit(transport)
            protocol, data = self._http(), bytes(self._read)
        else:
            is_rtsp = _is_rtsp(head)
            protocol, data = self._guest.stream_protocol(serve), bytes(self._read if is_rtsp else self._read[end:])
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if data:
            protocol.data_received(data)

    def _admit(self, transport: asyncio.Transport) -> None:
        if self._guests is None:
            self._guest.settle()
        else:
            self._guests[transport] = self._guest
            self._guest.linger()


def _chosen(tunnels: Tunnels, rtsp: RtspServer, head: bytes, guest: Guest, is_secure: bool) -> ServeConnection | None:
    """Who serves a connection that begins with this head; None for aiohttp."""
    if _is_rtsp(head):
        return partial(rtsp.serve, is_private=is_secure, settled=guest.settle)
    method = head.split(b" ", 1)[0]
    headers = _headers(head)
    cookie = headers.get(COOKIE_HEADER, "")
    if not 0 < len(cookie) <= _MAX_COOKIE_LENGTH:
        return None
    if method == b"GET" and MEDIA_TYPE in headers.get("accept", ""):
        return partial(tunnels.serve_get, cookie, guest)
    if method == b"POST" and headers.get("content-type", "").startswith(MEDIA_TYPE):
        return partial(tunnels.serve_post, cookie, guest)
    return None


def _is_rtsp(head: bytes) -> bool:
    return head.split(b"\n", 1)[0].rstrip().endswith(b" RTSP/1.0")


def _headers(head: bytes) -> Mapping[str, str]:
    """Names in lower case; what is no header is left out: aiohttp refuses it."""
    lines = head.decode("latin-1").splitlines()[1:]
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
