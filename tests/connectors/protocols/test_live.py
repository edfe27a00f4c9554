from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from connectors.protocols.clips import Clip, ClipPacket
from connectors.protocols.live import LiveFeed, LivePacket
from core.clock import ManualClock, SystemClock

pytestmark = pytest.mark.slow

STEP_S = 0.02
GOP = 5


def _clip(count: int = 10) -> Clip:
    packets = tuple(
        ClipPacket(data=bytes([index]), offset_s=index * STEP_S, is_key=index % GOP == 0, duration_s=STEP_S)
        for index in range(count)
    )
    return Clip(codec="h264", width=64, height=48, fps=1 / STEP_S, duration_s=count * STEP_S, packets=packets)


@asynccontextmanager
async def _played(feed: LiveFeed) -> AsyncIterator[None]:
    task = asyncio.create_task(feed.run())
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def _run(body: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(10):
            await body()

    asyncio.run(limited())


async def _take(feed: LiveFeed, count: int) -> list[LivePacket]:
    taken: list[LivePacket] = []
    async with feed.listen() as listener:
        async for packet in listener:
            taken.append(packet)
            if len(taken) == count:
                break
    return taken


def test_the_clip_is_played_round_and_round_in_real_time_without_drift() -> None:
    async def body() -> None:
        clock = SystemClock()
        feed = LiveFeed(_clip(), clock)
        started = clock.utc()
        async with _played(feed):
            packets = await _take(feed, 30)
        assert [packet.data[0] for packet in packets] == [*range(10)] * 3
        assert [packet.sequence for packet in packets] == list(range(1, 31))
        late = [packet.captured_at - started - index * STEP_S for index, packet in enumerate(packets)]
        assert min(late) > -0.005
        assert min(late[20:]) < 0.03  # the third round is no later than a single wait

    _run(body)


def test_capture_times_rise_even_when_the_wall_clock_stands_still() -> None:
    async def body() -> None:
        class FrozenWall(SystemClock):
            def utc(self) -> float:
                return 1_700_000_000.0

        feed = LiveFeed(_clip(), FrozenWall())
        async with _played(feed):
            packets = await _take(feed, 12)
        moments = [packet.captured_at for packet in packets]
        assert all(later - earlier >= 0.0009 for earlier, later in itertools.pairwise(moments))

    _run(body)


def test_each_packet_knows_the_capture_time_of_its_key_frame() -> None:
    async def body() -> None:
        feed = LiveFeed(_clip(), SystemClock())
        async with _played(feed):
            packets = await _take(feed, 12)
        key_at = 0.0
        for packet in packets:
            key_at = packet.captured_at if packet.is_key else key_at
            assert packet.gop_captured_at == key_at

    _run(body)


def test_gop_and_listener_join_without_a_gap() -> None:
    async def body() -> None:
        feed = LiveFeed(_clip(), SystemClock())
        async with _played(feed):
            await _take(feed, 8)
            async with feed.listen() as listener:
                burst = feed.gop()
                following = await anext(listener)
        assert burst[0].is_key
        assert not any(packet.is_key for packet in burst[1:])
        assert [packet.sequence for packet in burst] == list(range(6, 6 + len(burst)))
        assert following.sequence == burst[-1].sequence + 1

    _run(body)


def test_a_slow_listener_goes_on_at_a_key_frame_and_its_losses_are_counted() -> None:
    async def body() -> None:
        feed = LiveFeed(_clip(), SystemClock())
        async with _played(feed), feed.listen(limit=3) as slow:
            await _take(feed, 13)
            got = [await anext(slow) for _ in range(3)]
        assert got[0].is_key
        assert slow.dropped == got[0].sequence - 1
        assert [packet.sequence - got[0].sequence for packet in got] == [0, 1, 2]

    _run(body)


def test_listeners_end_with_the_feed() -> None:
    async def body() -> None:
        feed = LiveFeed(_clip(), SystemClock())
        async with feed.listen() as listener:
            async with _played(feed):
                await anext(listener)
            remaining = [packet async for packet in listener]
        assert len(remaining) < 5

    _run(body)


def test_after_a_long_standstill_the_missed_part_is_skipped() -> None:
    async def body() -> None:
        clock = ManualClock()
        feed = LiveFeed(_clip(), clock)
        async with feed.listen() as listener, _played(feed):
            await anext(listener)
            clock.advance(3600.0)
            late = await anext(listener)
            clock.advance(STEP_S + 0.001)
            following = await anext(listener)
        assert late.sequence + 1 == following.sequence
        assert following.captured_at - late.captured_at == pytest.approx(STEP_S, abs=0.002)

    _run(body)
