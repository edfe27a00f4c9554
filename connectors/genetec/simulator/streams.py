"""An open event stream: boundary, keep-alives, one line per event (Genetec's public sample EventsMonitor).

Unverified: the period of keep-alives and the content type of the whole answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

from connectors.genetec.simulator.envelope import Form, render_event
from connectors.protocols.backdoor import OK
from core.types import Json

CONTENT_TYPE = "multipart/x-mixed-replace; boundary=GENETECBOUNDARY"

_MAX_WAITING = 1000
"""Events that may wait for a slow client before its stream is closed."""

STREAM_OUTCOMES = ("503", "drop", "mute", "silent", "slow")
"""Of the fault ``stream``, one for each connection: turned away; cut off once it began; kept alive but told of no event;
not even kept alive; every part late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSettings:
    """How streams behave."""

    keep_alive_s: float
    slow_s: float
    longest_s: float | None = None
    """A stream is cut off after so long."""


class Stream:
    """Events on their way to one client."""

    def __init__(self, form: Form, settings: StreamSettings, outcome: str = OK) -> None:
        self.id = str(uuid4())
        self._form = form
        self._settings = settings
        self._outcome = outcome
        self._events: asyncio.Queue[dict[str, Json] | None] = asyncio.Queue(_MAX_WAITING)
        self._is_closed = False

    def put(self, event: dict[str, Json]) -> None:
        """Sends an event; a client that is far behind loses its stream."""
        if self._outcome in {"mute", "silent"}:
            return
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
        """The body, piece by piece. Raises ``ConnectionAbortedError`` when the stream is to be cut off."""
        yield f"ConnectionId:{self.id}\r\n\r\n".encode()
        yield _part("text/plain", b"KeepAlive")
        if self._outcome == "drop":
            raise ConnectionAbortedError
        while not self._is_closed:
            event = await self._next()
            if self._outcome == "slow":
                await asyncio.sleep(self._settings.slow_s)
            yield (
                _part("text/plain", b"KeepAlive")
                if event is None
                else _part(self._form.value, render_event(event, self._form))
            )

    async def _next(self) -> dict[str, Json] | None:
        """The next event; None when the stream is closed, or it is time for a keep-alive."""
        keep_alive_s = None if self._outcome == "silent" else self._settings.keep_alive_s
        try:
            async with asyncio.timeout(keep_alive_s):
                return await self._events.get()
        except TimeoutError:
            return None


def _part(content_type: str, body: bytes) -> bytes:
    return f"--GENETECBOUNDARY\r\nContent-type: {content_type}\r\n\r\n".encode() + body + b"\r\n"
