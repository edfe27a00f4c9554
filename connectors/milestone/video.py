"""Live video from a recording server, in the camera's own codec and with the recorder's capture time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connectors.milestone.genericbytedata import VideoFrame, parse
from connectors.milestone.imageserver import ImageMessage, Message, camera_is_lost, refusal
from connectors.milestone.recorder import RecorderConnection
from connectors.milestone.tokens import Lease
from core.contracts import Clock, VideoSource
from core.errors import AuthenticationRefused, ProtocolViolation, VmsError, VmsUnavailable
from core.types import Packet

_TOKEN_LOOK_S = 1.0
"""How often the token is compared with the one that the recorder was given."""
_TOKEN_RETRY_S = 30.0
"""After a failed renewal the recorder keeps sending until its token ends; login is tried again after so long."""
_FRESH_TOKEN_S = 300.0
"""A token younger than this is not stale: what a recorder refuses then is a right. Logging in again at every try would
only make all live cameras take over a new token each time."""
_NO_PICTURE_S = 30.0
"""A recorder that answers but sends no picture for so long is as good as gone."""
_GENERIC_BYTE_DATA = "application/x-genericbytedata-octet-stream"


class ImageServerSource(VideoSource):
    """One camera over one ImageServer connection.

    ``connect`` dials the recorder that has the camera now. The first pictures are the recorder's buffered group of
    pictures: a burst that is older than now.
    """

    def __init__(self, camera: str, connect: Callable[[], RecorderConnection], corporate: Lease, clock: Clock) -> None:
        self._camera = camera
        self._connect = connect
        self._corporate = corporate
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: RecorderConnection | None = None
        self._closed = False
        self._token = ""
        self._next_token_look = 0.0
        self._last_picture = 0.0

    def packets(self) -> Iterator[Packet]:
        if self._closed:
            return
        try:
            with self._connected() as connection:
                connection.start_live()
                yield from self._live(connection)
        except VmsError:
            if not self._closed:
                raise

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._connection is not None:
                self._connection.abort()

    @contextmanager
    def _connected(self) -> Iterator[RecorderConnection]:
        connection = self._open()
        try:
            yield connection
        finally:
            self._release(connection)

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

    def _live(self, connection: RecorderConnection) -> Iterator[Packet]:
        self._last_picture = self._clock.monotonic()
        for message in connection.messages():
            if self._closed:
                return
            if isinstance(message, ImageMessage):
                yield from self._packets_of(message)
            else:
                self._heed(message)
            self._keep_token_fresh(connection)

    def _packets_of(self, message: ImageMessage) -> Iterator[Packet]:
        now = self._clock.monotonic()
        for frame in _frames(message):
            self._last_picture = now
            yield Packet(
                codec=frame.codec,
                data=frame.data,
                captured_at=frame.captured_at,
                is_key=frame.is_key,
                received_at=now,
            )

    def _heed(self, message: Message) -> None:
        assert not isinstance(message, ImageMessage)
        if camera_is_lost(message.root):
            raise VmsUnavailable(
                f"{self._camera}: the recording server has lost the camera",
                remedy="Look at the camera in Smart Client; check its power and network.",
            )
        if message.root.tag == "methodresponse" and (refused := refusal(message.root, self._camera)) is not None:
            raise VmsUnavailable(f"{self._camera}: the recorder ends the stream: {refused}")
        if self._clock.monotonic() - self._last_picture > _NO_PICTURE_S:
            raise VmsUnavailable(
                f"{self._camera}: no picture for {_NO_PICTURE_S:.0f} s, though the recording server answers",
                remedy="Look at the camera in Smart Client.",
            )

    def _keep_token_fresh(self, connection: RecorderConnection) -> None:
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


def _frames(message: ImageMessage) -> list[VideoFrame]:
    """A body of length 0 is 'nothing recorded' and holds no frame."""
    if not message.body:
        return []
    if message.content_type == _GENERIC_BYTE_DATA:
        return parse(message.body)
    if message.content_type == "image/jpeg":
        current = message.headers.get("current", "")
        if not current.isdigit():
            raise ProtocolViolation("the recorder sent a JPEG picture without its capture time")
        return [
            VideoFrame(codec="mjpeg", captured_at=int(current) / 1000.0, is_key=True, sequence=0, data=message.body)
        ]
    raise ProtocolViolation(f"the recorder sent a picture as {message.content_type or 'nothing known'}")
