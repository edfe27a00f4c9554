"""What the tests of the VPS front share: a front, a hand-written driver, and a worker that keeps what it gets."""

from __future__ import annotations

import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from config.model import CameraSettings
from connectors.milestone.vps.front import VpsFront
from connectors.milestone.vps.source import VpsSource
from connectors.protocols.certificates import SiteAuthority
from core.clock import SystemClock
from core.contracts import Clock
from core.errors import VmsError
from core.types import Box, FrameBoxes, Packet, Track
from tests.connectors.milestone.support import WAIT_S, camera, services, settings, video_packet

AT_MS = 1_763_632_923_456


def wait_until(condition: Callable[[], bool]) -> None:
    """Returns as soon as it is true; fails after a long while."""
    clock = SystemClock()
    until = clock.monotonic() + WAIT_S
    while not condition():
        assert clock.monotonic() < until, "it never came true"
        threading.Event().wait(0.005)


def boxes(at_ms: int, *, tracks: int = 1, camera_id: str = "quai-1") -> FrameBoxes:
    box = Box(left=0.2, top=0.3, right=0.4, bottom=0.7)
    people = (
        Track(track_id=number, label="person", score=0.9, box=box, first_seen=at_ms / 1000)
        for number in range(1, tracks + 1)
    )
    return FrameBoxes(camera_id=camera_id, captured_at=at_ms / 1000, tracks=tuple(people))


def picture(number: int, *, is_key: bool | None = None, payload: bytes = b"\0\0\0\1\x67", codec: int = 0x000A) -> bytes:
    """A GenericByteData block; every fifth is a key frame unless told."""
    key = number % 5 == 0 if is_key is None else is_key
    return video_packet(payload, at_ms=AT_MS + 80 * number, is_key=key, codec=codec, sequence=number)


class Driver:
    """The recorder's VPS driver, written by hand from the protocol's description."""

    def __init__(self, url: str, tls: ssl.SSLContext | None = None, *, parameters: str = "LANG=en") -> None:
        address = url.replace("http", "ws", 1)
        if tls is not None:
            # This client reads and writes in two threads, which OpenSSL does not bear with TLS 1.3 before Python 3.12.8.
            tls.maximum_version = ssl.TLSVersion.TLSv1_2
        self._ending = ExitStack()
        opening = connect(address, ssl=tls, compression=None, open_timeout=WAIT_S, close_timeout=WAIT_S)
        self.connection: ClientConnection = self._ending.enter_context(opening)
        self.send(1, parameters.encode())

    def send(self, kind: int, payload: bytes) -> None:
        self.connection.send(struct.pack(">HHI", kind, 1, len(payload)) + payload)

    def push(self, block: bytes) -> None:
        self.send(2, block)

    def metadata(self) -> tuple[int, bytes]:
        """Time in ms and document of the next metadata message."""
        message = self.connection.recv(timeout=WAIT_S)
        assert isinstance(message, bytes)
        kind, version, length, at_ms = struct.unpack(">HHIQ", message[:16])
        assert (kind, version, length) == (3, 1, len(message) - 8)
        return at_ms, message[16:]

    def is_closed_by_the_front(self) -> bool:
        try:
            self.connection.recv(timeout=WAIT_S)
        except ConnectionClosed:
            return True
        return False

    def close(self) -> None:
        self._ending.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Worker:
    """Takes a camera's packets in a thread, as a worker process does."""

    def __init__(
        self, front: Mapping[str, str], watched: CameraSettings | None = None, clock: Clock | None = None
    ) -> None:
        self.packets: list[Packet] = []
        self.failure: VmsError | None = None
        self.source = VpsSource(watched or camera(), front, clock or SystemClock())
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def has(self, count: int) -> None:
        wait_until(lambda: len(self.packets) >= count)

    def failed(self) -> VmsError:
        self._thread.join(WAIT_S)
        assert self.failure is not None
        return self.failure

    def close(self) -> None:
        self.source.close()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            self.packets.extend(self.source.packets())
        except VmsError as error:
            self.failure = error


class RunningFront:
    """A front that listens, and what it told the workers."""

    def __init__(self, front: VpsFront, told: Mapping[str, str], authority: SiteAuthority | None) -> None:
        self.front = front
        self.told = told
        self._authority = authority

    def url(self, name: str = "quai-1") -> str:
        return f"{self.told['url']}{name}"

    def driver(self, name: str = "quai-1") -> Driver:
        """Connects, and returns once the front knows of it."""
        before = sum(numbers.driver_connections for numbers in self.front.statistics().values())
        driver = Driver(self.url(name), self._authority.client_context() if self._authority else None)
        wait_until(lambda: sum(numbers.driver_connections for numbers in self.front.statistics().values()) > before)
        return driver

    def worker(self, **options: Any) -> Worker:
        """Connects, and returns once the front knows of it."""
        known = self.front._cameras["quai-1"]
        before = known._worker
        worker = Worker(self.told, **options)
        wait_until(lambda: known._worker not in {before, None})
        return worker


@contextmanager
def running_front(*cameras: CameraSettings, tls_in: Path | None = None) -> Iterator[RunningFront]:
    """A front on a free port of this machine, with TLS when given a folder for certificates."""
    authority = SiteAuthority.create(tls_in) if tls_in else None
    vps: dict[str, Any] = {"listen": "127.0.0.1:0"}
    if authority is not None:
        chain, key = authority.issue(["127.0.0.1"])
        vps.update(certificate=chain, key=key)
    front = VpsFront(settings(video="vps", allow_http=authority is None, vps=vps), services(clock=SystemClock()))
    try:
        yield RunningFront(front, front.start(cameras or (camera(),)), authority)
    finally:
        front.close()
