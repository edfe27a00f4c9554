"""An open event stream: boundary, keep-alives, one line per event (Genetec's public sample EventsMonitor).

Unverified: the period of keep-alives and the content type of the whole answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

from connectors.genetec.simulator.envelope import Form, render_event
from core.types import Json

CONTENT_TYPE = "multipart/x-mixed-replace; boundary=GENETECBOUNDARY"

_MAX_WAITING = 1000
"""Events that may wait for a slow client before its stream is closed."""


class Stream:
    """Events on their way to one client."""

    def __init__(self, form: Form, keep_alive_s: float) -> None:
        self.id = str(uuid4())
        self._form = form
        self._keep_alive_s = keep_alive_s
        self._events: asyncio.Queue[dict[str, Json] | None] = asyncio.Queue(_MAX_WAITING)
        self._is_closed = False

    def put(self, event: dict[str, Json]) -> None:
        """Sends an event; a client that is far behind loses its stream."""
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull:
            self._is_closed = True

    def close(self) -> None:
        """Ends the stream."""
        self._is_closed = True
        while not self._events.empty():
            self._events.get_nowait()
        self._events.put_nowait(None)

    async def parts(self) -> AsyncIterator[bytes]:
        """The body, piece by piece."""
        yield f"ConnectionId:{self.id}\r\n\r\n".encode()
        yield _part("text/plain", b"KeepAlive")
        while not self._is_closed:
            try:
                async with asyncio.timeout(self._keep_alive_s):
                    event = await self._events.get()
            except TimeoutError:
                yield _part("text/plain", b"KeepAlive")
                continue
            if event is None:
                return
            yield _part(self._form.value, render_event(event, self._form))


def _part(content_type: str, body: bytes) -> bytes:
    return f"--GENETECBOUNDARY\r\nContent-type: {content_type}\r\n\r\n".encode() + body + b"\r\n"
