"""What a client sets through the media service reaches the metadata stream."""

from __future__ import annotations

import asyncio

from connectors.onvif.device.channels import ChannelStreams
from core.clock import ManualClock
from tests.connectors.onvif.device.streams import START, boxes, camera, find, taken
from tests.connectors.onvif.device.test_channels import alert, message


def test_without_analytics_frames_are_empty_and_without_events_no_alert_is_told() -> None:
    async def work() -> None:
        built = ChannelStreams([camera()], ManualClock(utc=START), with_video=False, notification=message)
        channel = built.channels[0]
        async with channel.metadata.listen() as listener:
            await taken(listener)
            built.show(boxes(0.1, 7), channel.token)
            channel.choices.analytics = channel.choices.events = False
            built.show(boxes(0.2, 7), channel.token)
            built.alerted(alert(1))
            with_objects, without = await taken(listener)
        assert len(find(with_objects, ".//tt:Object")) == 1
        assert len(find(without, ".//tt:Frame")) == 1
        assert not find(without, ".//tt:Object")

    asyncio.run(work())
