"""RTSP inside HTTP: a GET carries what the server says, a POST what the client says, in Base64 (SPEC:Streaming).

Both are tied by the header ``x-sessioncookie``. HTTP itself asks for no credentials: RTSP inside does (SPEC:Core). The
POST's Content-Length means nothing, clients write a number there and go on; a POST that ended may be followed by
another one.
"""

from __future__ import annotations

import asyncio
import binascii
import re
from collections.abc import Coroutine
from typing import Any

from connectors.protocols.rtsp.door import Guest
from connectors.protocols.rtsp.server import RtspServer
from core.errors import ProtocolViolation

MEDIA_TYPE = "application/x-rtsp-tunnelled"
COOKIE_HEADER = "x-sessioncookie"
GET_WAIT_S = 5.0
"""Clients open both halves at once, and which one is accepted first is chance: a POST waits so long for its GET."""

_READ_BYTES = 16_384
_QUARTET = 4
_QUARTETS = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_BLANKS = b"\r\n\t "
_OPENED = (
    b"HTTP/1.0 200 OK\r\nConnection: close\r\nCache-Control: no-store\r\nPragma: no-cache\r\n"
    b"Content-Type: application/x-rtsp-tunnelled\r\n\r\n"
)
_REFUSED = b"HTTP/1.0 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Base64Reader:
    """Decodes Base64 that is cut anywhere; each message may have been padded on its own."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """What ``data`` completes. Raises ``ProtocolViolation`` for what is not Base64."""
        text = self._rest + data.translate(None, _BLANKS)
        whole = len(text) - len(text) % _QUARTET
        self._rest = text[whole:]
        text = text[:whole]
        pieces = _QUARTETS.findall(text)
        if sum(map(len, pieces)) != whole:
            raise ProtocolViolation("a tunnelled RTSP request is not Base64")
        try:
            return b"".join(binascii.a2b_base64(piece) for piece in pieces)
        except binascii.Error as error:
            raise ProtocolViolation("a tunnelled RTSP request is not Base64") from error


class Tunnels:
    """The tunnels into one RTSP server."""

    def __init__(self, rtsp: RtspServer) -> None:
        self._rtsp = rtsp
        self._open: dict[str, _Tunnel] = {}
        self._awaited: dict[str, asyncio.Future[_Tunnel]] = {}

    async def serve_get(
        self, cookie: str, guest: Guest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """The half by which the server speaks; the tunnel lasts as long as it."""
        if cookie in self._open:
            writer.write(_REFUSED)
            return
        tunnel = self._open[cookie] = _Tunnel(guest)
        if (awaited := self._awaited.get(cookie)) and not awaited.done():
            awaited.set_result(tunnel)
        writer.write(_OPENED)
        try:
            talk = self._rtsp.serve(tunnel, writer, is_private=True, settled=tunnel.settle)
            await _first_of(talk, _left(reader), tunnel.broken.wait())
        finally:
            del self._open[cookie]
            tunnel.ended.set()

    async def serve_post(
        self, cookie: str, guest: Guest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """The half by which the client speaks; one at a time, and none without its GET."""
        tunnel = self._open.get(cookie) or await self._tunnel_to_come(cookie)
        if tunnel is None or tunnel.has_post:
            writer.write(_REFUSED)
            return
        tunnel.enter(guest)
        try:
            await _first_of(tunnel.pass_on(reader), tunnel.ended.wait())
        finally:
            tunnel.has_post = False

    async def _tunnel_to_come(self, cookie: str) -> _Tunnel | None:
        if cookie in self._awaited:
            return None
        awaited: asyncio.Future[_Tunnel] = asyncio.get_running_loop().create_future()
        self._awaited[cookie] = awaited
        try:
            async with asyncio.timeout(GET_WAIT_S):
                return await awaited
        except TimeoutError:
            return None
        finally:
            del self._awaited[cookie]


class _Tunnel:
    """What a client says by its POSTs, one after another; never more than two pieces wait."""

    def __init__(self, guest: Guest) -> None:
        self.has_post = False
        self.broken = asyncio.Event()
        self.ended = asyncio.Event()
        self._newcomers = [guest]
        self._is_settled = False
        self._said: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1)

    def enter(self, guest: Guest) -> None:
        """A POST came."""
        self.has_post = True
        self._newcomers.append(guest)
        if self._is_settled:
            self.settle()

    def settle(self) -> None:
        """A session was set up: both halves stay."""
        self._is_settled = True
        for guest in self._newcomers:
            guest.settle()
        self._newcomers.clear()

    async def read(self, n: int) -> bytes:
        """Like a stream's reader, but never at an end, since a further POST may come. ``n`` is more than a piece has."""
        return (await self._said.get())[:n]

    async def pass_on(self, reader: asyncio.StreamReader) -> None:
        """Until the POST ends."""
        decoder = Base64Reader()
        try:
            while data := await reader.read(_READ_BYTES):
                if said := decoder.feed(data):
                    await self._said.put(said)
        except ProtocolViolation:
            self.broken.set()


async def _left(reader: asyncio.StreamReader) -> None:
    while await reader.read(_READ_BYTES):
        pass


async def _first_of(*works: Coroutine[Any, Any, object]) -> None:
    """Runs all until one ends; the others are cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
