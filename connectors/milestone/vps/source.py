"""One camera's video as the recorder's VPS driver pushes it, taken in a worker from the front's relay."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from io import BufferedReader
from typing import Final

from config.model import CameraSettings
from connectors.milestone.video.genericbytedata import parse
from connectors.milestone.video.pictures import packet_of
from connectors.milestone.vps.front import driver_remedy
from connectors.milestone.vps.relay import MAX_RECORD_BYTES, RECORD, RecordKind, hello
from core.contracts import Clock, VideoSource
from core.errors import ProtocolViolation, StreamEnded, StreamStalled, VmsError, VmsUnavailable
from core.types import Packet

SILENCE_S: Final = 10.0
"""Longest wait for a driver to connect, and for its next picture."""

_DIAL_S: Final = 5.0
_KINDS: Final = frozenset(RecordKind)


class VpsSource(VideoSource):
    """Yields what the camera's driver sends, from the key frame of the present group of pictures on.

    ``front`` is what ``VpsFront.start`` returned in the supervisor.
    """

    def __init__(self, camera: CameraSettings, front: Mapping[str, str], clock: Clock) -> None:
        self._camera = camera
        self._name = camera.name or camera.id
        self._front = front
        self._clock = clock
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._closed = False

    def packets(self) -> Iterator[Packet]:
        if self._closed:
            return
        try:
            with self._connected() as link:
                yield from self._live(link)
        except VmsError:
            if not self._closed:
                raise

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._socket is not None:
                _shut(self._socket)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[_RelayLink]:
        link = self._dial()
        with self._lock:
            self._socket = link
            if self._closed:
                _shut(link)
        try:
            with link, link.makefile("rb") as stream:
                relay = _RelayLink(link, stream, self._name)
                relay.send(hello(self._front["secret"], self._camera.id))
                yield relay
        finally:
            with self._lock:
                self._socket = None

    def _dial(self) -> socket.socket:
        if "relay" not in self._front:
            raise VmsUnavailable(
                f"{self._name}: with 'video: vps' there is video only while the service runs",
                remedy="Start 'vigie run': the recorders' VPS driver dials it.",
            )
        host, _, port = self._front["relay"].rpartition(":")
        try:
            link = socket.create_connection((host, int(port)), _DIAL_S)
        except OSError as error:
            raise VmsUnavailable(f"{self._name}: the VPS front of this machine does not answer ({error})") from error
        link.settimeout(SILENCE_S)
        return link

    def _live(self, link: _RelayLink) -> Iterator[Packet]:
        last = self._clock.monotonic()
        for kind, payload in link.records():
            now = self._clock.monotonic()
            if kind is RecordKind.MEDIA:
                last = now
                for frame in parse(payload):
                    yield packet_of(frame, now)
            elif kind is RecordKind.END:
                raise StreamEnded(f"{self._name}: {payload.decode('utf-8', 'replace')}")
            elif now - last > SILENCE_S:
                raise self._silence(has_driver=payload == b"\x01")

    def _silence(self, *, has_driver: bool) -> VmsUnavailable:
        if has_driver:
            return StreamStalled(
                f"{self._name}: the VPS driver is connected, but sent no picture for {SILENCE_S:.0f} s",
                remedy="Look at the source camera in Smart Client.",
            )
        url = f"{self._front.get('url', '')}{self._camera.id}"
        return VmsUnavailable(f"{self._name}: no VPS driver is connected", remedy=driver_remedy(url))


class _RelayLink:
    """The connection to the front, as records."""

    def __init__(self, link: socket.socket, stream: BufferedReader, name: str) -> None:
        self._link = link
        self._stream = stream
        self._name = name

    def send(self, data: bytes) -> None:
        try:
            self._link.sendall(data)
        except OSError as error:
            raise self._lost(str(error)) from error

    def records(self) -> Iterator[tuple[RecordKind, bytes]]:
        """Records without end. Raises ``VmsUnavailable`` when the front is gone or silent."""
        while True:
            number, length = RECORD.unpack(self._read(RECORD.size))
            if number not in _KINDS or length > MAX_RECORD_BYTES:
                raise ProtocolViolation(f"{self._name}: the VPS relay sent record {number} of {length} bytes")
            yield RecordKind(number), self._read(length)

    def _read(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except OSError as error:
            raise self._lost(str(error)) from error
        if len(data) < size:
            raise self._lost("it closed the connection")
        return data

    def _lost(self, cause: str) -> VmsUnavailable:
        return VmsUnavailable(f"{self._name}: the VPS front of this machine is gone ({cause})")


def _shut(link: socket.socket) -> None:
    """Wakes whoever reads from it."""
    with contextlib.suppress(OSError):  # it is gone already
        link.shutdown(socket.SHUT_RDWR)
