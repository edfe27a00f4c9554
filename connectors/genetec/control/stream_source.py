"""What the two control channels have in common: a stream, what was missed, and a look at the reports now and then."""

from __future__ import annotations

import socket
import threading
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from connectors.genetec.access.websdk import WebSdk
from connectors.genetec.control.event_parts import Message
from connectors.genetec.control.event_stream import EventStreams, cut
from core.contracts import Clock, ControlSource
from core.errors import VmsError, VmsUnavailable
from core.types import ControlMessage, Linked, UtcSeconds

SWEEP_S = 60.0
"""How often the reports are asked beside the stream: whatever it did not tell is then known all the same."""

OVERLAP_S = 60.0
"""Rows so old are read again, as they may be stored late and clocks differ."""

CLOCKS_APART_S = 600.0
"""Security Center's clock may be so far ahead of ours, or behind."""


class StreamSource(ControlSource):
    """Opens the stream, subscribes, asks for what was missed, listens. Keep-alives drive the sweeps."""

    def __init__(self, streams: EventStreams, sdk: WebSdk, clock: Clock, *, since: UtcSeconds) -> None:
        self._streams = streams
        self._sdk = sdk.checked_by(self._require_open)
        self._clock = clock
        self._since = since
        self._read_to = since - CLOCKS_APART_S
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._closed = False

    def messages(self) -> Iterator[ControlMessage]:
        if self._closed:
            return
        try:
            self._prepare()
            with self._streams.opened(self._hold) as link:
                parts = link.parts()
                first = next(parts)
                self._subscribe()
                yield Linked()
                yield from self._swept()
                due_at = self._clock.monotonic() + SWEEP_S
                for part in chain([first], parts):
                    yield from self._told(part.result) if isinstance(part, Message) else self._quiet()
                    if self._clock.monotonic() >= due_at:
                        self._subscribe()  # unverified whether a logon loses its subscriptions: it costs one request
                        yield from self._swept()
                        due_at = self._clock.monotonic() + SWEEP_S
        except VmsError:
            if not self._closed:
                raise

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._socket is not None:
                cut(self._socket)

    def _prepare(self) -> None:
        """Before the stream is opened."""

    @abstractmethod
    def _subscribe(self) -> None:
        """Asks for what is to be streamed."""

    @abstractmethod
    def _told(self, event: Mapping[str, Any]) -> Iterator[ControlMessage]:
        """What one streamed event means."""

    def _quiet(self) -> Iterator[ControlMessage]:
        """At a keep-alive."""
        yield from ()

    @abstractmethod
    def _missed(self, begin: UtcSeconds, end: UtcSeconds) -> Iterator[ControlMessage]:
        """What reports show of a span, the oldest first: the next link asks from the last that was told."""

    def _swept(self) -> Iterator[ControlMessage]:
        now = self._clock.utc()
        yield from self._missed(max(0.0, self._read_to - OVERLAP_S), now + CLOCKS_APART_S)
        self._since = max(self._since, now)
        self._read_to = max(self._read_to, now)

    def _require_open(self) -> None:
        """Of a closed source nothing more is asked."""
        if self._closed:
            raise VmsUnavailable("this control channel is closed")

    def _hold(self, link: socket.socket) -> None:
        with self._lock:
            self._socket = link
            if self._closed:
                cut(link)
