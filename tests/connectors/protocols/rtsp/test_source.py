"""A track's source on its own."""

from __future__ import annotations

import asyncio

from connectors.protocols.live import LiveFeed
from connectors.protocols.rtsp.burst import Burst
from connectors.protocols.rtsp.source import VideoSource
from connectors.protocols.serving import background
from core.clock import SystemClock
from tests.connectors.protocols.rtsp.harness import clip, run, until


class Viewer:
    """Counts what it takes."""

    def __init__(self) -> None:
        self.taken = 0

    def take(self, burst: Burst) -> None:
        self.taken += bool(burst.packets)

    def source_ended(self) -> None:
        raise AssertionError("nothing ended")


def test_who_leaves_while_another_one_is_about_to_join_does_not_take_the_video_along() -> None:
    async def body() -> None:
        feed = LiveFeed(clip(), SystemClock())
        source = VideoSource(feed, "h264", SystemClock())
        first, second = Viewer(), Viewer()
        joining = asyncio.create_task(source.ready())
        await asyncio.sleep(0)
        source.join(first)
        source.leave(first)
        async with background(feed.run()):
            assert await joining is not None
            source.join(second)
            await until(lambda: second.taken > 0)
        source.leave(second)

    run(body)
