"""The recording server's TCP port, 7563 on a real site: ImageServer and SOAP share it (notes §1.6, §11)."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from http import HTTPStatus

from connectors.milestone.simulator.recorder.command_service import RecorderCommand
from connectors.milestone.simulator.recorder.imageserver import ImageServerSession, RecorderSite
from connectors.milestone.simulator.recorder.imageserver_messages import END
from connectors.protocols.serving import listening_to_streams

_PATH = "/recordercommandservice/recordercommandservice.asmx"
_HTTP_TIMEOUT_S = 10.0
_MAX_REQUEST = 64 * 1024


class _BadRequest(Exception):
    """An HTTP request that cannot be read."""


@dataclass(slots=True, kw_only=True)
class RecorderPort:
    """Tells the two protocols apart by the first byte. A closed port takes no connection, as a recorder that is down."""

    recorder: RecorderSite
    command: RecorderCommand
    is_open: bool = True
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _reopening: asyncio.TimerHandle | None = None

    def listening(self, host: str, port: int, tls: ssl.SSLContext | None) -> AbstractAsyncContextManager[int]:
        """Serves; yields the real port."""
        return listening_to_streams(self._serve, host, port, ssl_context=tls, limit=_MAX_REQUEST)

    def open(self) -> None:
        """Takes connections."""
        if self._reopening is not None:
            self._reopening.cancel()
        self.is_open = True

    def close(self, seconds: float | None = None) -> None:
        """Drops every connection and takes no new one: for so long, or until it is opened."""
        self.open()
        self.is_open = False
        for writer in self._writers:
            writer.transport.abort()
        if seconds is not None:
            self._reopening = asyncio.get_running_loop().call_later(seconds, self.open)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.is_open:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            await self._serve_either(reader, writer)
        finally:
            self._writers.discard(writer)

    async def _serve_either(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HTTP_TIMEOUT_S):
                first = await reader.readexactly(1)
            if first == b"<":
                await ImageServerSession(self.recorder, reader, writer).run(first)
            else:
                async with asyncio.timeout(_HTTP_TIMEOUT_S):
                    await self._serve_http(first, reader, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass  # the peer went away, or sent what is neither protocol

    async def _serve_http(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            method, path, length = _read_head(first + await reader.readuntil(END))
        except _BadRequest:
            writer.write(_http(HTTPStatus.BAD_REQUEST, b"", "text/html"))
            return
        body = await reader.readexactly(length)
        if method != "POST" or path.lower() != _PATH:
            writer.write(_http(HTTPStatus.NOT_FOUND, b"", "text/html"))
            return
        status, document = await self.command.answer(body)
        writer.write(_http(status, document, "text/xml; charset=utf-8"))
        await writer.drain()


def _read_head(head: bytes) -> tuple[str, str, int]:
    """Method, path and body length of an HTTP request."""
    request_line, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = fields.get("content-length", "0")
    words = request_line.split(" ")
    if len(words) != 3 or not (length.isascii() and length.isdigit()) or int(length) > _MAX_REQUEST:  # noqa: PLR2004 - method, path, version
        raise _BadRequest(request_line)
    return words[0], words[1].partition("?")[0], int(length)


def _http(status: HTTPStatus, body: bytes, content_type: str) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
