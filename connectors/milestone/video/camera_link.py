"""What live and recorded video share: one opened camera on one recorder connection, its token kept fresh."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from connectors.milestone.access.tokens import Lease
from connectors.milestone.video.recorder import RecorderConnection
from core.contracts import Clock
from core.errors import AuthenticationRefused, VmsError
from core.types import Packet

_TOKEN_LOOK_S = 1.0
"""How often the token is compared with the one that the recorder was given."""
_TOKEN_RETRY_S = 30.0
"""After a failed renewal the recorder keeps sending until its token ends; login is tried again after so long."""
_FRESH_TOKEN_S = 300.0
"""A token younger than this is not stale: what a recorder refuses then is a right. Logging in again at every try would
only make all live cameras take over a new token each time."""


class CameraLink:
    """Opens a camera once. ``connect`` dials the recorder that has it now; ``close`` may come from another thread."""

    def __init__(self, connect: Callable[[], RecorderConnection], corporate: Lease, clock: Clock) -> None:
        self._connect = connect
        self._corporate = corporate
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: RecorderConnection | None = None
        self._token = ""
        self._next_token_look = 0.0
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closed

    def packets(self, read: Callable[[RecorderConnection], Iterator[Packet]]) -> Iterator[Packet]:
        """What ``read`` makes of the connection, once the camera is open; errors that come of ``close`` end it."""
        if self._closed:
            return
        try:
            connection = self._open()
            try:
                yield from read(connection)
            finally:
                self._release(connection)
        except VmsError:
            if not self._closed:
                raise

    def close(self) -> None:
        """Ends it, and a wait on it."""
        with self._lock:
            self._closed = True
            if self._connection is not None:
                self._connection.abort()

    def keep_token_fresh(self, connection: RecorderConnection) -> None:
        """Hands a renewed token on, before the old one ends. While none can be had, the video goes on."""
        now = self._clock.monotonic()
        if now < self._next_token_look:
            return
        self._next_token_look = now + _TOKEN_LOOK_S
        try:
            token = self._corporate.get()
        except VmsError:
            self._next_token_look = now + _TOKEN_RETRY_S
            return
        if token != self._token:
            connection.update_token(token)
            self._token = token

    def _open(self) -> RecorderConnection:
        """Connects; an older token that the recorder does not take is renewed once, as the VMS may have restarted."""
        self._token = self._corporate.get()
        try:
            return self._dial()
        except AuthenticationRefused:
            renewed = self._corporate.renew(self._token, unless_younger_s=_FRESH_TOKEN_S)
            if renewed == self._token:
                raise
            self._token = renewed
        return self._dial()

    def _dial(self) -> RecorderConnection:
        connection = self._connect()
        with self._lock:
            self._connection = connection
            if self._closed:
                connection.abort()
        try:
            connection.connect(self._token)
        except VmsError:
            self._release(connection)
            raise
        return connection

    def _release(self, connection: RecorderConnection) -> None:
        with self._lock:
            self._connection = None
        connection.close()
