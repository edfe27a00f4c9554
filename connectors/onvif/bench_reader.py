"""A client of ``vigie bench onvif``: RTSP over TLS with everything inside the connection, written for itself alone.

It shares no code with the server that it reads from, and does as little as it can: what is measured is the server.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from core.clock import parse_iso
from core.errors import ProtocolViolation

_HEAD_S: Final = 10.0
_RETRY_S: Final = 0.2
_RETRIES: Final = 40
_OK, _UNAUTHORIZED = 200, 401
_MARKER: Final = 0x80
_RTP_HEAD: Final = 12
_MS: Final = 1000.0
_UTC: Final = re.compile(rb'<tt:Frame [^>]*UtcTime="([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderTarget:
    """One stream, and who reads it. ``ca``: what the server's certificate is verified against."""

    url: str
    username: str
    password: str = field(repr=False)
    ca: Path


@dataclass(slots=True)
class ReaderReport:
    """What one client saw. ``delays_ms``: from a frame's UTC to the arrival of its whole document."""

    delays_ms: list[float] = field(default_factory=list)
    pictures: int = 0
    out_of_order: int = 0


class BenchReader:
    """Sets both tracks up and reads them. Used once."""

    def __init__(self, target: ReaderTarget) -> None:
        self.report = ReaderReport()
        self._target = target
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._sequence = 0
        self._challenge: dict[str, str] = {}
        self._session = ""
        self._document: list[bytes] = []
        self._last = 0.0

    async def play(self) -> None:
        """Connects and starts both tracks, once the server knows what the video is like."""
        parts = urlsplit(self._target.url)
        context = ssl.create_default_context(cafile=str(self._target.ca))
        async with asyncio.timeout(_HEAD_S):
            self._reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
            described = await self._ask("DESCRIBE", self._target.url)
            for _ in range(_RETRIES):
                if "m=video" in described:
                    break
                await asyncio.sleep(_RETRY_S)
                described = await self._ask("DESCRIBE", self._target.url)
            controls = re.findall(r"^a=control:([^*\s]+)", described, re.MULTILINE)
            if len(controls) != len(("video", "metadata")):
                raise ProtocolViolation(f"the device describes the tracks {controls}")
            for number, control in enumerate(controls):
                transport = f"RTP/AVP/TCP;unicast;interleaved={2 * number}-{2 * number + 1}"
                await self._ask("SETUP", f"{self._target.url}/{control}", f"Transport: {transport}")
            await self._ask("PLAY", self._target.url)

    def begin(self) -> None:
        """What came up to now does not count."""
        self.report = ReaderReport()

    async def read(self) -> None:
        """Until cancelled, or the server ends."""
        while True:
            head = await self._reader.readexactly(4)
            if head[:1] != b"$":
                await self._reader.readuntil(b"\r\n\r\n")  # the answer to a question of before
                continue
            packet = await self._reader.readexactly(int.from_bytes(head[2:], "big"))
            if head[1] == 0:
                self.report.pictures += packet[1] >= _MARKER
            elif head[1] == 2:  # noqa: PLR2004 - the metadata's channel, as asked above
                self._take(packet)

    def close(self) -> None:
        """Hangs up."""
        self._writer.transport.abort()

    def _take(self, packet: bytes) -> None:
        self._document.append(packet[_RTP_HEAD:])
        if packet[1] < _MARKER:
            return
        arrived_at = time.time()
        document = b"".join(self._document)
        self._document.clear()
        found = _UTC.search(document)
        if found is None:
            return
        captured_at = parse_iso(found[1].decode())
        self.report.out_of_order += captured_at < self._last
        if captured_at > self._last:
            self.report.delays_ms.append((arrived_at - captured_at) * _MS)
        self._last = max(self._last, captured_at)

    async def _ask(self, method: str, url: str, *headers: str) -> str:
        """The body of the answer."""
        status, fields, body = await self._exchange(method, url, headers)
        if status == _UNAUTHORIZED and not self._challenge:
            challenge = next(text for text in fields["www-authenticate"] if "MD5" in text)
            self._challenge = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
            status, fields, body = await self._exchange(method, url, headers)
        if status != _OK:
            raise ProtocolViolation(f"the device answers {status} to {method}")
        self._session = fields.get("session", [self._session])[0].partition(";")[0]
        return body

    async def _exchange(self, method: str, url: str, headers: tuple[str, ...]) -> tuple[int, dict[str, list[str]], str]:
        self._sequence += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._sequence}", *headers]
        lines += [f"Session: {self._session}"] if self._session else []
        lines += [self._authorization(method, url)] if self._challenge else []
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        while (first := await self._reader.readexactly(1)) == b"$":
            (length,) = struct.unpack(">xH", await self._reader.readexactly(3))
            await self._reader.readexactly(length)
        head = (first + await self._reader.readuntil(b"\r\n\r\n")).decode()
        fields: dict[str, list[str]] = {}
        for line in head.split("\r\n")[1:-2]:
            name, _, value = line.partition(":")
            fields.setdefault(name.lower(), []).append(value.strip())
        body = await self._reader.readexactly(int(fields.get("content-length", ["0"])[0]))
        return int(head.split(" ", 2)[1]), fields, body.decode()

    def _authorization(self, method: str, url: str) -> str:
        """RFC 2617 without ``qop``."""
        realm, nonce = self._challenge["realm"], self._challenge["nonce"]
        first = _md5(f"{self._target.username}:{realm}:{self._target.password}")
        response = _md5(f"{first}:{nonce}:{_md5(f'{method}:{url}')}")
        return (
            f'Authorization: Digest username="{self._target.username}", realm="{realm}", nonce="{nonce}", uri="{url}",'
            f' response="{response}", algorithm=MD5'
        )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
