"""What goes out by one RTSP connection: bounded, and watched for a client that takes nothing."""

from __future__ import annotations

import asyncio

from core.contracts import Clock
from core.errors import VmsUnavailable

WAITING_BYTES = 1024 * 1024
"""While more than this waits for a slow client, its pictures and documents are dropped."""


class Outlet:
    """Writes without ever waiting, except for replies."""

    def __init__(self, writer: asyncio.StreamWriter, clock: Clock, send_timeout_s: float) -> None:
        self._writer = writer
        self._clock = clock
        self._send_timeout_s = send_timeout_s
        self._written = 0
        self._taken = 0
        self._taken_at = clock.monotonic()
        self._limit = WAITING_BYTES
        writer.transport.set_write_buffer_limits(high=WAITING_BYTES)

    async def drained(self) -> None:
        """Waits until little waits. Raises ``TimeoutError`` when the client takes nothing, ``OSError`` when it left."""
        async with asyncio.timeout(self._send_timeout_s):
            await self._writer.drain()

    def write(self, data: bytes) -> None:
        """Sends what is small and always matters."""
        if not self._writer.is_closing():
            self._written += len(data)
            self._writer.write(data)

    def open_with(self, data: bytes) -> bool:
        """Sends a whole group of pictures to who joins, however long; False, and nothing sent, when too much waits."""
        if not self.offer(data):
            return False
        self._limit = max(self._limit, self._waiting + WAITING_BYTES)
        return True

    def offer(self, data: bytes) -> bool:
        """Sends a picture or document; False, and nothing sent, when too much waits.

        Raises ``OSError`` when the client left, ``VmsUnavailable`` when it took nothing for the time-out.
        """
        if self._writer.is_closing():
            raise ConnectionResetError("an RTSP client left")
        waiting = self._waiting
        self._watch(waiting)
        if waiting <= WAITING_BYTES:
            self._limit = WAITING_BYTES
        if waiting > self._limit:
            return False
        self.write(data)
        return True

    @property
    def _waiting(self) -> int:
        return self._writer.transport.get_write_buffer_size()

    def _watch(self, waiting: int) -> None:
        now, taken = self._clock.monotonic(), self._written - waiting
        if taken > self._taken or not waiting:
            self._taken, self._taken_at = taken, now
        elif now - self._taken_at > self._send_timeout_s:
            raise VmsUnavailable("an RTSP client does not take its packets")
