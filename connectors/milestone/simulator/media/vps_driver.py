"""The recorder's VPS driver (number 20002): dials a processing service, pushes live video, takes metadata (notes §6.4).

It logs nobody in; it verifies the service's certificate and has no switch to leave that out. How the real driver
retries, and what it does with what it cannot use, is *unverified*.
"""

from __future__ import annotations

import asyncio
import dataclasses
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.frames import CloseCode

from connectors.milestone.simulator.media.vps_messages import (
    BrokenMessage,
    Kind,
    UnusableMetadata,
    check_media,
    event,
    message,
    metadata,
    opened,
)
from connectors.milestone.simulator.recorder.genericbytedata import wrap
from connectors.milestone.simulator.site import milliseconds
from connectors.protocols.clips import Clip
from connectors.protocols.live import LiveFeed, LivePacket
from connectors.protocols.serving import background
from connectors.protocols.simulation import Ledger
from core.clock import SystemClock
from core.contracts import Clock
from core.errors import UsageError
from core.types import Json

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 10.0
_OPEN_TIMEOUT_S = 10.0
_SEND_TIMEOUT_S = 10.0
_CLOSE_TIMEOUT_S = 1.0
_MAX_MESSAGE = 16 * 1024 * 1024
_REMEMBERED_PICTURES = 4096
_REMEMBERED_LAGS = 100_000


@dataclass(slots=True, kw_only=True)
class DriverReport:
    """What one driver did. Lags are from a live picture's capture to the arrival of its metadata."""

    camera: str
    url: str
    connections: int = 0
    failures: int = 0
    pictures: int = 0
    dropped: int = 0
    """Pictures that the service was too slow for."""
    metadata: int = 0
    out_of_order: int = 0
    """Metadata older than what came before."""
    of_no_picture: int = 0
    """Metadata whose time is none of a picture that was sent."""
    unusable: int = 0
    broken: int = 0
    videos: int = 0
    events: int = 0
    lags_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_LAGS))

    def as_json(self) -> dict[str, Json]:
        """Every count, and percentiles instead of lags."""
        counts = {item.name: getattr(self, item.name) for item in dataclasses.fields(self) if item.name != "lags_ms"}
        return {**counts, "lag_ms": percentiles(list(self.lags_ms))}


def percentiles(values: list[float]) -> Json:
    """Median and 95th percentile; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    return {f"p{share}": round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 1) for share in (50, 95)}


async def drive(
    url: str,
    camera: str,
    feed: LiveFeed,
    *,
    ca: Path | None,
    ledger: Ledger,
    stop: asyncio.Event,
    service_parameters: str = "",
    fps: float | None = None,
    clock: Clock | None = None,
    delivers: Callable[[], bool] = lambda: True,
) -> DriverReport:
    """Serves ``url`` with a camera's video until ``stop``, connecting again after every failure.

    ``fps`` plays the feed's clip at that rate, apart from the feed; without it the running feed is passed on. While
    the recorder gets no pictures of the camera (``delivers``) none are pushed. The
    ledger gets ``metadata`` (camera, timestamp_ms, arrived_at, lag_ms, xml), ``vps-event``, ``vps-connected``,
    ``vps-failed`` and ``vps-fault``. Raises ``UsageError`` for a URL or CA file that cannot be used.
    """
    clock = clock or SystemClock()
    driver = _Driver(web_socket_url(url), camera, ca, service_parameters, ledger, clock, delivers)
    async with AsyncExitStack() as stack:
        if fps is not None:
            feed = LiveFeed(retimed(feed.clip, fps), clock)
            await stack.enter_async_context(background(feed.run()))
        await driver.run(feed, stop)
    return driver.report


def retimed(clip: Clip, fps: float) -> Clip:
    """The same pictures at another rate."""
    step_s = 1.0 / fps
    packets = tuple(
        dataclasses.replace(packet, offset_s=number * step_s, duration_s=step_s)
        for number, packet in enumerate(clip.packets)
    )
    return dataclasses.replace(clip, packets=packets, fps=fps, duration_s=len(packets) * step_s)


class _Driver:
    def __init__(
        self,
        url: str,
        camera: str,
        ca: Path | None,
        service_parameters: str,
        ledger: Ledger,
        clock: Clock,
        delivers: Callable[[], bool],
    ) -> None:
        self._url = url
        self._tls = tls_context(ca) if url.startswith("wss:") else None
        self._service_parameters = service_parameters
        self._ledger = ledger
        self._clock = clock
        self._delivers = delivers
        self._needs_key = True
        self._sent: dict[int, bool] = {}
        self._newest_ms = 0
        self.report = DriverReport(camera=camera, url=url)

    async def run(self, feed: LiveFeed, stop: asyncio.Event) -> None:
        pause_s = _FIRST_PAUSE_S
        while not stop.is_set():
            connections = self.report.connections
            await self._connected(feed, stop)
            pause_s = _FIRST_PAUSE_S if self.report.connections > connections else min(2 * pause_s, _LONGEST_PAUSE_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await stop.wait()

    async def _connected(self, feed: LiveFeed, stop: asyncio.Event) -> None:
        """One connection, from its beginning to its end."""
        try:
            async with connect(
                self._url,
                ssl=self._tls,
                open_timeout=_OPEN_TIMEOUT_S,
                close_timeout=_CLOSE_TIMEOUT_S,
                max_size=_MAX_MESSAGE,
                compression=None,
                proxy=None,
            ) as service:
                self.report.connections += 1
                self._note("vps-connected", url=self._url)
                await service.send(message(Kind.CONFIGURATION, self._service_parameters.encode()))
                await self._talk(service, feed, stop)
        except InvalidStatus as error:
            self._note_failure(f"HTTP {error.response.status_code}")
        except (OSError, WebSocketException) as error:  # time-outs are OSError too
            self._note_failure(str(error) or type(error).__name__)

    async def _talk(self, service: ClientConnection, feed: LiveFeed, stop: asyncio.Event) -> None:
        """Until either side ends it. Cancels what is left of the two directions."""
        tasks = [asyncio.create_task(work) for work in (self._push(service, feed), self._take(service), _stopped(stop))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _push(self, service: ClientConnection, feed: LiveFeed) -> None:
        """The buffered group of pictures in a burst, then each picture as it comes."""
        self._needs_key = True
        async with feed.listen() as listener:
            dropped = self.report.dropped
            for packet in feed.gop():
                await self._send(service, packet, feed, is_live=False)
            async for packet in listener:
                self.report.dropped = dropped + listener.dropped
                await self._send(service, packet, feed, is_live=True)

    async def _send(self, service: ClientConnection, packet: LivePacket, feed: LiveFeed, *, is_live: bool) -> None:
        self._needs_key = not self._delivers() or (self._needs_key and not packet.is_key)
        if self._needs_key:
            return
        self._sent[milliseconds(packet.captured_at)] = is_live
        if len(self._sent) > _REMEMBERED_PICTURES:
            del self._sent[next(iter(self._sent))]
        async with asyncio.timeout(_SEND_TIMEOUT_S):
            await service.send(message(Kind.MEDIA, wrap(packet, feed.clip.codec)))
        self.report.pictures += 1

    async def _take(self, service: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for received in service:
                try:
                    self._accept(*opened(received))
                except UnusableMetadata as error:
                    self.report.unusable += 1
                    self._note("vps-fault", fault="unusable metadata", reason=str(error))
                except BrokenMessage as error:
                    self.report.broken += 1
                    self._note("vps-fault", fault="broken message", reason=str(error))
                    await service.close(CloseCode.PROTOCOL_ERROR, "broken message")
                    return

    def _accept(self, kind: Kind, payload: bytes) -> None:
        match kind:
            case Kind.METADATA:
                self._accept_metadata(payload)
            case Kind.EVENT:
                told = event(payload)
                self.report.events += 1
                self._note("vps-event", timestamp_ms=told.at_ms, name=told.name)
            case _:
                check_media(payload)
                self.report.videos += 1

    def _accept_metadata(self, payload: bytes) -> None:
        arrived_at = self._clock.utc()
        told = metadata(payload)
        lag_ms = arrived_at * 1000 - told.at_ms
        report = self.report
        report.metadata += 1
        report.out_of_order += told.at_ms < self._newest_ms
        report.of_no_picture += told.at_ms not in self._sent
        self._newest_ms = max(self._newest_ms, told.at_ms)
        if self._sent.get(told.at_ms):
            report.lags_ms.append(lag_ms)
        self._note(
            "metadata",
            timestamp_ms=told.at_ms,
            arrived_at=arrived_at,
            lag_ms=round(lag_ms, 1),
            is_of_a_picture=told.at_ms in self._sent,
            xml=told.xml,
        )

    def _note(self, kind: str, **fields: Json) -> None:
        self._ledger.add(kind, camera=self.report.camera, **fields)

    def _note_failure(self, reason: str) -> None:
        self.report.failures += 1
        self._note("vps-failed", url=self._url, reason=reason)


async def _stopped(stop: asyncio.Event) -> None:
    await stop.wait()


def web_socket_url(url: str) -> str:
    """The driver's own rewriting of http and https. Raises ``UsageError`` for any other scheme."""
    scheme, separator, rest = url.partition("://")
    schemes = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
    if not separator or scheme not in schemes:
        raise UsageError(f"{url!r} is no address of a processing service", remedy="Write wss://host:port/path.")
    return f"{schemes[scheme]}://{rest}"


def tls_context(ca: Path | None) -> ssl.SSLContext:
    """Verifies against that CA, or the system's store. Raises ``UsageError`` for a file that holds none."""
    try:
        return ssl.create_default_context(cafile=str(ca) if ca else None)
    except OSError as error:
        raise UsageError(f"the CA file {ca} cannot be used: {error}", remedy="Give a PEM file.") from error
