from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.onvif.device.relay import RECORD, Relay, _take, format_record, hello, picture_record
from connectors.onvif.device.relayed_video import RelayedPacket, RelayedVideo
from core.errors import ProtocolViolation
from tests.connectors.onvif.device.streams import START, WAIT_S
from tests.connectors.onvif.device.test_relayed_video import format_of


@asynccontextmanager
async def connected(front: Mapping[str, str]) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, _, port = front["relay"].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):  # the relay may have reset it
            await writer.wait_closed()


def run(work: Coroutine[Any, Any, None]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(WAIT_S):
            await work

    asyncio.run(in_time())


def test_what_a_worker_sends_reaches_the_viewers() -> None:
    async def work() -> None:
        video = RelayedVideo()
        async with Relay({"quai-1": video}).listening() as front, connected(front) as (reader, writer):
            writer.write(hello(front["secret"], "quai-1") + format_record(format_of()))
            assert await reader.readexactly(1) == b"\x00"
            async with video.listen() as listener:
                turn = (await reader.readexactly(1))[0]
                assert turn == video.turn
                packet = RelayedPacket(data=b"key" * 50_000, captured_at=START + 0.125, is_key=True, turn=turn)
                writer.write(picture_record(packet))
                live = await anext(listener)
                assert (live.data, live.captured_at, live.is_key) == (packet.data, START + 0.125, True)
                assert video.format == format_of()
            assert await reader.readexactly(1) == b"\x00"

    run(work())


@pytest.mark.parametrize("secret", ["", "0" * 32])
@pytest.mark.parametrize("camera", ["quai-1", "unknown"])
def test_a_stranger_is_refused(secret: str, camera: str) -> None:
    async def work() -> None:
        video = RelayedVideo()
        async with Relay({"quai-1": video}).listening() as front, connected(front) as (reader, writer):
            writer.write(hello(secret, camera))
            assert await reader.read() == b""
        assert video.statistics.workers == 0

    run(work())


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(RECORD.pack(9, 0), id="unknown kind"),
        pytest.param(RECORD.pack(2, 3) + b"abc", id="short picture"),
        pytest.param(RECORD.pack(1, 2) + b"{}", id="no format"),
        pytest.param(RECORD.pack(1, 1) + b"[", id="no JSON"),
        pytest.param(RECORD.pack(1, 2) + b"[]", id="no object"),
        pytest.param(RECORD.pack(1, 16) + b'{"codec":"mjpg"}', id="codec that cannot be sent"),
        pytest.param(RECORD.pack(2, 2**32 - 1), id="oversize"),
    ],
)
def test_a_worker_that_sends_nonsense_is_disconnected_and_another_served(record: bytes) -> None:
    async def work() -> None:
        video = RelayedVideo()
        async with Relay({"quai-1": video}).listening() as front:
            async with connected(front) as (reader, writer):
                writer.write(hello(front["secret"], "quai-1") + record)
                assert await reader.read() in {b"", b"\x00"}
            async with connected(front) as (reader, writer):
                writer.write(hello(front["secret"], "quai-1"))
                assert await reader.readexactly(1) == b"\x00"

    run(work())


def test_a_line_without_end_is_refused() -> None:
    async def work() -> None:
        async with Relay({"quai-1": RelayedVideo()}).listening() as front, connected(front) as (reader, writer):
            writer.write(b"x" * 200_000)
            with suppress(ConnectionResetError):
                assert await reader.read() == b""

    run(work())


def test_without_videos_workers_are_told_nothing() -> None:
    async def work() -> None:
        async with Relay({}).listening() as front:
            assert front == {}

    run(work())


@given(st.integers(min_value=0, max_value=255), st.binary(max_size=64))
def test_whatever_a_record_holds_it_is_taken_or_called_malformed(kind: int, payload: bytes) -> None:
    video = RelayedVideo()
    with suppress(ProtocolViolation):
        _take(video, video.attach(), kind, payload)
