from __future__ import annotations

import asyncio
import functools
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from connectors.milestone.simulator.media.vps_driver import DriverReport, drive, retimed, tls_context
from connectors.protocols.certificates import SiteAuthority
from connectors.protocols.clips import Clip, load_clip
from connectors.protocols.live import LiveFeed
from connectors.protocols.scene import write_scene
from connectors.protocols.serving import background
from connectors.protocols.simulation import Ledger
from core.clock import SystemClock, iso_utc
from core.errors import UsageError
from core.types import Json

pytestmark = pytest.mark.slow

WAIT_S = 10.0
XML = (
    '<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"><tt:VideoAnalytics>'
    '<tt:Frame UtcTime="{}"/></tt:VideoAnalytics></tt:MetadataStream>'
)


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs a test on an event loop of its own."""

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    return run


Serve = Callable[[ServerConnection], Awaitable[None]]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    path = tmp_path_factory.mktemp("vps") / "scene.mp4"
    write_scene(path, seconds=1.0, fps=25.0, size=(160, 90))
    return load_clip(path)


def boxes_for(media: bytes) -> bytes:
    """What a service answers to one picture, put together by hand."""
    at_ms: int = struct.unpack_from(">Q", media, 8 + 20)[0]
    payload = at_ms.to_bytes(8, "big") + XML.format(iso_utc(at_ms / 1000)).encode()
    return struct.pack(">HHI", 3, 1, len(payload)) + payload


async def answer_all(connection: ServerConnection) -> None:
    assert isinstance(await connection.recv(), bytes)
    async for media in connection:
        assert isinstance(media, bytes)
        await connection.send(boxes_for(media))


class WatchedLedger(Ledger):
    """Wakes whoever waits for a record."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.changed = asyncio.Event()

    def add(self, kind: str, **fields: Json) -> None:
        super().add(kind, **fields)
        self.changed.set()


class Service:
    """A processing service, and a driver that dials it."""

    def __init__(self, server: Server, clip: Clip, scheme: str, ca: Path | None) -> None:
        port = server.sockets[0].getsockname()[1]
        self.url = f"{scheme}://127.0.0.1:{port}/vps/gate"
        self.ledger = WatchedLedger()
        self._clip = clip
        self._ca = ca

    async def drive_until(self, kind: str, count: int = 1, **changes: Any) -> DriverReport:
        """Drives until the ledger has that many records of a kind."""
        feed, stop = LiveFeed(self._clip, SystemClock()), asyncio.Event()
        options = {"ca": self._ca, "ledger": self.ledger, "stop": stop, **changes}
        async with asyncio.timeout(WAIT_S), background(feed.run()):
            driving = asyncio.create_task(drive(self.url, "gate", feed, **options))
            while len(self.ledger.records(kind)) < count:
                self.ledger.changed.clear()
                await self.ledger.changed.wait()
            stop.set()
            return await driving


@asynccontextmanager
async def service(
    clip: Clip, handler: Serve, tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[Service]:
    ca = options.pop("ca", None)
    async with serve(handler, "127.0.0.1", 0, ssl=tls, close_timeout=1.0, **options) as server:
        yield Service(server, clip, "wss" if tls else "http", ca)


@in_loop
async def test_boxes_of_every_picture_come_back_with_its_time_and_their_lag(clip: Clip) -> None:
    async with service(clip, answer_all) as peer:
        report = await peer.drive_until("metadata", 30)
    assert (report.connections, report.of_no_picture, report.out_of_order, report.unusable) == (1, 0, 0, 0)
    first = peer.ledger.records("metadata")[0]
    assert first["camera"] == "gate"
    assert iso_utc(float(str(first["timestamp_ms"])) / 1000) in str(first["xml"])
    assert report.as_json()["lag_ms"] is not None
    assert -1.0 <= min(report.lags_ms) < 2000


@in_loop
async def test_the_service_parameters_come_first_then_pictures_as_generic_byte_data(clip: Clip) -> None:
    seen: list[bytes] = []

    async def handler(connection: ServerConnection) -> None:
        async for received in connection:
            assert isinstance(received, bytes)
            seen.append(received)
            if len(seen) > 2:
                await connection.send(boxes_for(received))

    async with service(clip, handler) as peer:
        await peer.drive_until("metadata", service_parameters="RULESET=gate3")
    assert (seen[0][:2], seen[0][8:]) == (b"\x00\x01", b"RULESET=gate3")
    kind, _, length = struct.unpack_from(">HHI", seen[1])
    data_type, total, codec = struct.unpack_from(">HIH", seen[1], 8)
    assert (kind, length, data_type, total, codec) == (2, len(seen[1]) - 8, 0x0010, len(seen[1]) - 8, 0x000A)
    assert struct.unpack_from(">H", seen[1], 8 + 10)[0] == 1, "it begins with a key frame"


@in_loop
async def test_a_service_with_a_certificate_of_the_sites_ca_is_trusted(clip: Clip, tmp_path: Path) -> None:
    authority = SiteAuthority.create(tmp_path)
    async with service(clip, answer_all, authority.server_context(["127.0.0.1"]), ca=authority.ca) as peer:
        assert (await peer.drive_until("metadata")).connections == 1


@in_loop
async def test_a_service_with_another_certificate_gets_nothing(clip: Clip, tmp_path: Path) -> None:
    authority, other = SiteAuthority.create(tmp_path / "a"), SiteAuthority.create(tmp_path / "b")
    async with service(clip, answer_all, other.server_context(["127.0.0.1"]), ca=authority.ca) as peer:
        report = await peer.drive_until("vps-failed")
    assert (report.connections, report.pictures) == (0, 0)
    assert "certificate" in str(peer.ledger.records("vps-failed")[0]["reason"])


@in_loop
async def test_a_path_that_the_service_does_not_know_is_told_and_tried_again(clip: Clip) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus.NOT_FOUND, "no such camera")

    async with service(clip, answer_all, process_request=refuse) as peer:
        report = await peer.drive_until("vps-failed", 2)
    assert peer.ledger.records("vps-failed")[0]["reason"] == "HTTP 404"
    assert report.failures >= 2


@in_loop
async def test_after_the_service_ended_the_connection_it_is_dialled_again(clip: Clip) -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.recv()

    async with service(clip, handler) as peer:
        report = await peer.drive_until("vps-connected", 2)
    assert report.connections >= 2


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (struct.pack(">HHI", 3, 1, 99), "broken message"),
        (struct.pack(">HHI", 3, 1, 9) + bytes(8) + b"<", "unusable metadata"),
    ],
)
@in_loop
async def test_what_the_recorder_cannot_use_is_written_down(clip: Clip, sent: bytes, fault: str) -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(sent)
        await connection.wait_closed()

    async with service(clip, handler) as peer:
        report = await peer.drive_until("vps-fault")
    assert peer.ledger.records("vps-fault")[0]["fault"] == fault
    assert (report.metadata, report.broken + report.unusable >= 1) == (0, True)


@in_loop
async def test_metadata_of_no_picture_and_out_of_order_is_counted(clip: Clip) -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        media = await connection.recv()
        assert isinstance(media, bytes)
        older = media[:28] + struct.pack(">Q", struct.unpack_from(">Q", media, 28)[0] - 7) + media[36:]
        await connection.send(boxes_for(media))
        await connection.send(boxes_for(older))
        await connection.wait_closed()

    async with service(clip, handler) as peer:
        report = await peer.drive_until("metadata", 2)
    assert (report.metadata, report.out_of_order, report.of_no_picture) == (2, 1, 1)


@in_loop
async def test_events_and_processed_video_are_counted(clip: Clip) -> None:
    event = bytes(8) + bytes(32) + b"\x00\x04gate"

    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        media = await connection.recv()
        await connection.send(media)
        await connection.send(struct.pack(">HHI", 4, 2, len(event)) + event)
        await connection.wait_closed()

    async with service(clip, handler) as peer:
        report = await peer.drive_until("vps-event")
    assert (report.videos, report.events) == (1, 1)


def test_a_clip_plays_at_another_rate(clip: Clip) -> None:
    slower = retimed(clip, 12.5)
    assert (len(slower.packets), slower.duration_s) == (25, 2.0)
    assert [round(packet.offset_s, 2) for packet in slower.packets[:3]] == [0.0, 0.08, 0.16]


@in_loop
async def test_a_rate_of_its_own_is_played_apart_from_the_feed(clip: Clip) -> None:
    async with service(clip, answer_all) as peer:
        report = await peer.drive_until("metadata", 12, fps=50.0)
    assert report.of_no_picture == 0


@in_loop
async def test_a_url_of_another_scheme_is_refused(clip: Clip) -> None:
    with pytest.raises(UsageError, match="ftp"):
        await drive(
            "ftp://x",
            "gate",
            LiveFeed(clip, SystemClock()),
            ca=None,
            ledger=Ledger(SystemClock()),
            stop=asyncio.Event(),
        )


def test_a_file_without_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing", encoding="utf-8")
    with pytest.raises(UsageError, match=r"empty\.pem"):
        tls_context(tmp_path / "empty.pem")


@in_loop
async def test_of_a_camera_that_the_recorder_does_not_reach_nothing_is_pushed_until_a_key_frame_after_its_return(
    clip: Clip,
) -> None:
    seen: list[tuple[bool, int]] = []
    reached = asyncio.Event()

    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        asyncio.get_running_loop().call_later(0.3, reached.set)
        async for media in connection:
            assert isinstance(media, bytes)
            seen.append((reached.is_set(), struct.unpack_from(">H", media, 8 + 10)[0] & 1))
            await connection.send(boxes_for(media))

    async with service(clip, handler) as peer:
        await peer.drive_until("metadata", 3, delivers=reached.is_set)
    assert seen[0] == (True, 1)
