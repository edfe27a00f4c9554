"""The device's channels and what streams on them: one per analysed camera."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from typing import Final, TypeAlias
from uuid import UUID

from lxml import etree

from config.model import CameraSettings
from connectors.onvif.device.metadata import ChannelMetadata
from connectors.onvif.device.model import Channel
from connectors.onvif.device.relayed_video import RelayedVideo
from connectors.protocols.serving import background
from core.contracts import Clock
from core.errors import VmsUnavailable
from core.types import Alert, FrameBoxes

Notify: TypeAlias = Callable[[Alert, Channel], Sequence[etree._Element]]  # noqa: SLF001 - lxml's only name for the type
"""An alert as new ``wsnt:NotificationMessage`` elements."""

MAX_WAITING: Final = 256
"""Frames that may wait for the event loop: some seconds of a few cameras; beyond, the oldest is dropped."""

TICK_S: Final = 0.2
"""So often it is looked whether a channel was silent for too long."""

_MAX_TOLD: Final = 4096


class ChannelStreams:
    """Builds the channels and feeds them. Constructed anywhere; lives on the loop that ``running`` is entered on."""

    def __init__(
        self, cameras: Sequence[CameraSettings], clock: Clock, *, with_video: bool, notification: Notify
    ) -> None:
        self.videos: Mapping[str, RelayedVideo] = {camera.id: RelayedVideo() for camera in cameras if with_video}
        """For ``Relay``, by camera id; empty where no video is offered."""
        self._metadata = {camera.id: ChannelMetadata(camera, clock) for camera in cameras}
        self.channels: Sequence[Channel] = tuple(
            Channel(
                index=index,
                camera=camera,
                video=self.videos.get(camera.id),
                metadata=self._metadata[camera.id].feed,
            )
            for index, camera in enumerate(cameras)
        )
        self._by_id = {channel.camera.id: channel for channel in self.channels}
        self._notification = notification
        self._told: OrderedDict[UUID, None] = OrderedDict()
        self._lock = threading.Lock()
        self._waiting: deque[FrameBoxes] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.frames_dropped = 0
        """The event loop was late or had ended."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keeps every channel's metadata alive; ends every listener on leaving."""
        self._loop = asyncio.get_running_loop()
        try:
            async with background(self._keep_alive()):
                yield
        finally:
            with self._lock:
                self._loop = None
            for video in self.videos.values():
                video.end()
            for metadata in self._metadata.values():
                metadata.feed.end()

    def post(self, boxes: FrameBoxes) -> None:
        """``show`` from any other thread: never waits; what comes too fast is dropped, oldest first, and counted.

        Raises ``VmsUnavailable`` for a camera that has no channel.
        """
        if boxes.camera_id not in self._metadata:
            raise VmsUnavailable(f"camera {boxes.camera_id}: the ONVIF device was not started with it")
        with self._lock:
            if self._loop is None:
                self.frames_dropped += 1
                return
            self._waiting.append(boxes)
            if len(self._waiting) > MAX_WAITING:
                self._waiting.popleft()
                self.frames_dropped += 1
            if len(self._waiting) == 1:
                self._loop.call_soon_threadsafe(self._show_waiting)

    def show(self, boxes: FrameBoxes, camera_id: str) -> None:
        """Puts the boxes of one frame on the channel of that camera; none where a client turned ``Analytics`` off."""
        wanted = self._by_id[camera_id].choices.analytics
        self._metadata[camera_id].show(boxes if wanted else replace(boxes, tracks=()))

    def alerted(self, alert: Alert) -> None:
        """Tells an alert on its channel's metadata stream too: once, to those who listen at that time.

        Not where a client left ``Events`` out of the metadata configuration.
        """
        channel = self._by_id.get(alert.camera_id)
        if channel is None or alert.alert_id in self._told or not channel.metadata.listeners:
            return
        if not channel.choices.events:
            return
        if self._metadata[alert.camera_id].tell(self._notification(alert, channel)):
            self._told[alert.alert_id] = None
            while len(self._told) > _MAX_TOLD:
                self._told.popitem(last=False)

    def statistics(self) -> dict[str, float]:
        """Sums over all channels since the start, and who listens now."""
        sums: dict[str, float] = {
            "frames_dropped": self.frames_dropped,
            "metadata_listeners": sum(channel.metadata.listeners for channel in self.channels),
            "video_watched": sum(video.turn > 0 for video in self.videos.values()),
        }
        counted = [metadata.statistics.as_dict() for metadata in self._metadata.values()]
        counted += [asdict(video.statistics) for video in self.videos.values()]
        for counters in counted:
            for name, count in counters.items():
                sums[name] = sums.get(name, 0) + count
        return sums

    def _show_waiting(self) -> None:
        with self._lock:
            waiting = list(self._waiting)
            self._waiting.clear()
        for boxes in waiting:
            self.show(boxes, boxes.camera_id)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            for metadata in self._metadata.values():
                metadata.keep_alive()
