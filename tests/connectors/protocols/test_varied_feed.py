from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from connectors.protocols.clips import Clip, load_clip
from connectors.protocols.live_packets import LivePacket
from connectors.protocols.scene import write_scene
from connectors.protocols.serving import background
from connectors.protocols.variants import Picture, Variants, newest_picture, smaller
from connectors.protocols.varied_feed import SetClock, VariedFeed
from core.clock import ManualClock, SystemClock
from core.errors import CodecError
from core.types import UtcSeconds

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """A third of a second, so that key frames come often."""
    path = tmp_path_factory.mktemp("videos") / "gate.mp4"
    write_scene(path, seconds=0.8, fps=25.0, size=(160, 96))
    whole = load_clip(path)
    return replace(whole, packets=whole.packets[:8], duration_s=whole.packets[8].offset_s)


@dataclass
class TurnedClock(SystemClock):
    """The real time, and what somebody did to it."""

    ahead_s: float = 0.0

    def utc(self) -> UtcSeconds:
        return super().utc() + self.ahead_s


@dataclass
class Camera:
    """A feed that runs, with what it is told to show."""

    clip: Clip
    picture: Picture = Picture.OK
    clock: TurnedClock = field(default_factory=TurnedClock)

    def __post_init__(self) -> None:
        self.feed = VariedFeed(Variants(self.clip), self.clock, lambda: self.picture)

    async def packets(self, until: Callable[[LivePacket], bool]) -> list[LivePacket]:
        """What a viewer gets, up to the packet that is waited for, or to the end."""
        seen: list[LivePacket] = []
        async with asyncio.timeout(10), self.feed.listen() as listener:
            async for packet in listener:
                seen.append(packet)
                if until(packet):
                    break
        return seen

    async def shown(self, picture: Picture) -> np.ndarray[Any, Any]:
        """Changes the picture and decodes one of the group of pictures after that."""
        self.picture = picture
        keys = 0

        def second_key(packet: LivePacket) -> bool:
            nonlocal keys
            keys += packet.is_key
            return keys == 2

        await self.packets(second_key)
        return newest_picture([packet.data for packet in self.feed.gop()], self.feed.format.codec).to_ndarray(
            format="gray"
        )


def _run(camera: Camera, body: Coroutine[Any, Any, None]) -> None:
    async def running() -> None:
        async with background(camera.feed.run()):
            await body

    asyncio.run(running())


def test_a_covered_lens_gives_black_pictures_and_clears_again(clip: Clip) -> None:
    camera = Camera(clip)

    async def body() -> None:
        assert (await camera.shown(Picture.BLACK)).mean() < 20
        assert (await camera.shown(Picture.OK)).mean() > 50

    _run(camera, body())


def test_a_smaller_picture_comes_inside_the_stream(clip: Clip) -> None:
    camera = Camera(clip)

    async def body() -> None:
        assert (await camera.shown(Picture.RESOLUTION_CHANGE)).shape == (64, 80)
        assert (camera.feed.format.width, camera.feed.format.height) == (80, 64)

    _run(camera, body())


def test_another_codec_ends_the_viewers_and_is_told_to_the_next(clip: Clip) -> None:
    camera = Camera(clip)

    async def body() -> None:
        camera.picture = Picture.CODEC_CHANGE
        assert all(len(packet.data) for packet in await camera.packets(lambda _: False))
        await camera.packets(lambda packet: packet.is_key)
        assert camera.feed.format.codec == "hevc"
        assert len(camera.feed.format.parameter_sets) == 3
        gop = [packet.data for packet in camera.feed.gop()]
        assert newest_picture(gop, "hevc").width == clip.width

    _run(camera, body())


def test_a_still_picture_is_sent_on_and_on(clip: Clip) -> None:
    async def body() -> None:
        still = await Variants(clip).of(Picture.STILL)
        data = [packet.data for packet in still.packets]
        first, last = (newest_picture(data[:count], "h264").to_ndarray(format="gray") for count in (1, len(data)))
        assert abs(first.astype(int) - last.astype(int)).mean() < 3
        assert len(data) > 5

    asyncio.run(body())


def test_a_damaged_stream_keeps_its_rhythm(clip: Clip) -> None:
    camera = Camera(clip, picture=Picture.CORRUPT)

    async def body() -> None:
        whole = {packet.data for packet in clip.packets}
        seen = await camera.packets(lambda packet: packet.sequence > 20)
        damaged = [packet for packet in seen if packet.data not in whole]
        assert damaged
        assert len(damaged) < len(seen)
        assert {len(packet.data) for packet in damaged} <= {len(data) for data in whole}

    _run(camera, body())


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
def test_capture_times_follow_a_clock_that_is_set(clip: Clip, jump_s: float) -> None:
    camera = Camera(clip)

    async def body() -> None:
        before = (await camera.packets(lambda _: True))[-1].captured_at
        camera.clock.ahead_s = jump_s
        after = (await camera.packets(lambda _: True))[-1].captured_at
        assert after - before == pytest.approx(jump_s, abs=2.0)

    _run(camera, body())


def test_capture_times_rise_while_the_clock_stutters(clip: Clip) -> None:
    camera = Camera(clip)

    async def body() -> None:
        first = (await camera.packets(lambda _: True))[-1].captured_at
        camera.clock.ahead_s = -0.5
        seen = [packet.captured_at for packet in await camera.packets(lambda packet: packet.sequence > 6)]
        assert first < seen[0]
        assert seen == sorted(set(seen))

    _run(camera, body())


def test_a_second_profile_shows_the_whole_clip_in_small(clip: Clip) -> None:
    small = smaller(clip)
    assert (small.width, small.height, len(small.packets)) == (80, 64, len(clip.packets))
    assert small.duration_s == pytest.approx(clip.duration_s)
    assert newest_picture([packet.data for packet in small.packets], "h264").height == 64


def test_no_packets_are_no_picture() -> None:
    with pytest.raises(CodecError, match="no picture"):
        newest_picture([], "h264")


def test_a_set_clock_is_wrong_by_its_offset_and_runs_evenly() -> None:
    real = ManualClock()
    clock = SetClock(real, lambda: -60.0)
    real.advance(1.0)
    assert clock.utc() == real.utc() - 60.0
    assert clock.monotonic() == 1.0
