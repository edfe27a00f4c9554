from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from typing import Any
from uuid import UUID

import pytest
from lxml import etree

from connectors.onvif.device import channels
from connectors.onvif.device.channels import ChannelStreams
from connectors.onvif.device.model import Channel
from core.clock import ManualClock, SystemClock
from core.errors import VmsUnavailable
from core.types import Alert, Priority, RuleState
from tests.connectors.onvif.device.streams import START, WAIT_S, boxes, camera, find, taken


def message(alert: Alert, channel: Channel) -> Sequence[etree._Element]:
    element = etree.Element("{http://docs.oasis-open.org/wsn/b-2}NotificationMessage")
    element.text = f"{channel.token} {alert.rule_id}"
    return (element,)


def streams(*, with_video: bool = True) -> ChannelStreams:
    cameras = [camera("quai-1"), camera("quai-2")]
    return ChannelStreams(cameras, ManualClock(utc=START), with_video=with_video, notification=message)


def alert(number: int = 1, camera_id: str = "quai-1") -> Alert:
    return Alert(
        alert_id=UUID(int=number),
        camera_id=camera_id,
        rule_id="door",
        rule_type="line_crossing",
        rule_name="Door",
        priority=Priority.HIGH,
        state=RuleState.ARMED,
        captured_at=START,
        started_at=START,
    )


def run(work: Coroutine[Any, Any, None]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(WAIT_S):
            await work

    asyncio.run(in_time())


def test_each_camera_is_a_channel_in_the_order_of_the_site_file() -> None:
    built = streams()
    assert [(channel.index, channel.token) for channel in built.channels] == [(0, "quai-1"), (1, "quai-2")]
    assert [channel.video for channel in built.channels] == list(built.videos.values())


def test_without_video_a_channel_has_metadata_alone() -> None:
    built = streams(with_video=False)
    assert not built.videos
    assert all(channel.video is None for channel in built.channels)


def test_boxes_from_another_thread_reach_their_own_channel() -> None:
    async def work() -> None:
        built = streams()
        first, second = built.channels
        async with built.running(), first.metadata.listen() as listener, second.metadata.listen() as other:
            await taken(other)
            await anext(listener)

            def post_all() -> None:
                for number in range(5):
                    built.post(boxes(number / 10, 1))

            thread = threading.Thread(target=post_all)
            thread.start()
            documents = [await anext(listener) for _ in range(5)]
            thread.join(WAIT_S)
            assert [document.captured_at for document in documents] == [START + number / 10 for number in range(5)]
            assert not await taken(other)

    run(work())


def test_when_the_loop_is_late_the_oldest_boxes_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "MAX_WAITING", 4)

    async def work() -> None:
        built = streams()
        feed = built.channels[0].metadata
        async with built.running(), feed.listen() as listener:
            await taken(listener)
            for number in range(10):
                built.post(boxes(float(number), 1))
            await asyncio.sleep(0)
            documents = await taken(listener)
            assert [document.captured_at - START for document in documents] == [6.0, 7.0, 8.0, 9.0]
        assert built.statistics()["frames_dropped"] == 6

    run(work())


def test_boxes_are_dropped_and_counted_while_the_device_does_not_run() -> None:
    built = streams()
    built.post(boxes(0.0, 1))
    assert built.statistics()["frames_dropped"] == 1


def test_boxes_of_an_unknown_camera_are_refused() -> None:
    with pytest.raises(VmsUnavailable, match="nowhere"):
        streams().post(boxes(0.0, 1, camera_id="nowhere"))


def test_an_alert_is_told_once_to_those_who_listen_to_its_channel() -> None:
    async def work() -> None:
        built = streams()
        built.alerted(alert(1))  # nobody listens yet
        feed = built.channels[0].metadata
        async with feed.listen() as listener:
            await taken(listener)
            for number in (1, 1, 2):
                built.alerted(alert(number))
            built.alerted(alert(3, "quai-2"))
            built.alerted(alert(4, "nowhere"))
            documents = await taken(listener)
        texts = [find(document, "./tt:Event/wsnt:NotificationMessage")[0].text for document in documents]
        assert texts == ["quai-1 door", "quai-1 door"]

    run(work())


def test_a_silent_channel_is_kept_alive_and_ends_with_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "TICK_S", 0.001)
    monkeypatch.setattr("connectors.onvif.device.metadata.KEEP_ALIVE_S", 0.01)

    async def work() -> None:
        built = ChannelStreams([camera()], SystemClock(), with_video=True, notification=message)
        feed = built.channels[0].metadata
        video = built.channels[0].video
        assert video is not None
        async with feed.listen() as listener, video.listen() as pictures:
            async with built.running():
                documents = [await anext(listener) for _ in range(4)]
            await taken(listener)
            with pytest.raises(StopAsyncIteration):
                await anext(listener)
            with pytest.raises(StopAsyncIteration):
                await anext(pictures)
        times = [document.captured_at for document in documents]
        assert times == sorted(times)
        assert not find(documents[-1], ".//tt:Object")
        assert built.statistics()["empty_frames"] >= 4

    run(work())
