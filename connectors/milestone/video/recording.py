"""Recorded video from a recording server: ImageServer's ``goto`` and ``next``, one group of pictures per answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from connectors.milestone.access.tokens import Lease
from connectors.milestone.video.camera_link import CameraLink
from connectors.milestone.video.genericbytedata import VideoFrame
from connectors.milestone.video.imageserver import ImageMessage, refusal
from connectors.milestone.video.pictures import frames_of, packet_of
from connectors.milestone.video.recorder import RecorderConnection
from core.contracts import Clock, VideoSource
from core.errors import VmsUnavailable
from core.types import Packet, UtcSeconds


class RecordingSource(VideoSource):
    """What was recorded of one camera from ``begin`` to ``end``, as fast as the recorder reads it.

    ``packets`` ends after the interval, or where the database ends. Gaps are skipped. The group of pictures that
    ``begin`` falls into comes whole, from its key frame on, as its pictures could not be decoded otherwise; one that
    ends before ``begin`` (what a recorder answers for a moment within a gap) does not come. ``connect`` dials the
    recorder that has the camera; of a camera with several recorded streams its default for playback is given.
    """

    def __init__(
        self,
        camera: str,
        connect: Callable[[], RecorderConnection],
        corporate: Lease,
        clock: Clock,
        *,
        begin: UtcSeconds,
        end: UtcSeconds,
    ) -> None:
        self._camera = camera
        self._clock = clock
        self._begin = begin
        self._end = end
        self._link = CameraLink(connect, corporate, clock)

    def packets(self) -> Iterator[Packet]:
        return self._link.packets(self._recorded)

    def close(self) -> None:
        self._link.close()

    def _recorded(self, connection: RecorderConnection) -> Iterator[Packet]:
        for group in self._groups(connection):
            for frame in group:
                if self._link.is_closed or frame.captured_at > self._end:
                    return
                yield packet_of(frame, self._clock.monotonic())

    def _groups(self, connection: RecorderConnection) -> Iterator[list[VideoFrame]]:
        """Groups of pictures that reach ``begin`` or lie after it, until the database ends.

        The group after the one that is given is asked for beforehand: the recorder reads while we analyse. A group
        that is being recorded may come again with more pictures: only those are given then.
        """
        connection.go_to(math.floor(self._begin * 1000))
        started_at, seen, given = -math.inf, 0, 0
        while group := self._answer(connection):
            connection.go_on()
            if group[0].captured_at > started_at:
                started_at, seen, given = group[0].captured_at, 0, 0
            elif group[0].captured_at < started_at or len(group) <= seen:
                return
            seen = len(group)
            if max(frame.captured_at for frame in group) >= self._begin:
                yield group[given:]
                given = seen
            self._link.keep_token_fresh(connection)

    def _answer(self, connection: RecorderConnection) -> list[VideoFrame]:
        """The group of pictures that was asked for; empty where nothing is recorded."""
        for message in connection.messages():
            if isinstance(message, ImageMessage):
                return list(frames_of(message))
            if (refused := refusal(message.root, self._camera)) is not None:
                raise VmsUnavailable(f"{self._camera}: the recorder ends the playback: {refused}")
        raise AssertionError("a connection's messages end with an error only")
