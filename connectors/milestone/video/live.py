"""Live video from a recording server, in the camera's own codec and with the recorder's capture time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import structlog

from connectors.milestone.access.tokens import Lease
from connectors.milestone.video.camera_link import CameraLink
from connectors.milestone.video.imageserver import ImageMessage, XmlMessage, camera_is_lost, refusal
from connectors.milestone.video.pictures import frames_of, packet_of
from connectors.milestone.video.recorder import RecorderConnection
from core.contracts import Clock, VideoSource
from core.errors import StreamEnded, StreamStalled, VmsUnavailable
from core.types import Packet

_NO_PICTURE_S = 30.0
"""A recorder that answers but sends no picture for so long is as good as gone."""
_NO_MASK = frozenset({"", "none"})
"""Values of the header ``PrivacyMask`` without a mask: seen in public captures of a 2025 R3 recorder."""

_log = structlog.get_logger(component="imageserver")


class ImageServerSource(VideoSource):
    """One camera over one ImageServer connection.

    ``connect`` dials the recorder that has the camera now. The first pictures are the recorder's buffered group of
    pictures: a burst that is older than now. Where the camera's codec changes, packets of the new one follow from its
    first key frame on.
    """

    def __init__(self, camera: str, connect: Callable[[], RecorderConnection], corporate: Lease, clock: Clock) -> None:
        self._camera = camera
        self._clock = clock
        self._link = CameraLink(connect, corporate, clock)
        self._last_picture = 0.0
        self._codec = ""
        self._mask = "none"

    def packets(self) -> Iterator[Packet]:
        return self._link.packets(self._live)

    def close(self) -> None:
        self._link.close()

    def _live(self, connection: RecorderConnection) -> Iterator[Packet]:
        connection.start_live()
        self._last_picture = self._clock.monotonic()
        for message in connection.messages():
            if self._link.is_closed:
                return
            if isinstance(message, ImageMessage):
                yield from self._packets_of(message)
            else:
                self._heed(message)
            self._link.keep_token_fresh(connection)

    def _packets_of(self, message: ImageMessage) -> Iterator[Packet]:
        self._note_mask(message.headers.get("privacymask", ""))
        now = self._clock.monotonic()
        for frame in frames_of(message):
            self._last_picture = now
            if frame.codec != self._codec and not frame.is_key:
                continue
            self._codec = frame.codec
            yield packet_of(frame, now)

    def _note_mask(self, mask: str) -> None:
        """Says once that the camera's own coding cannot carry the mask that Smart Client draws."""
        if mask != self._mask and mask not in _NO_MASK:
            _log.warning(
                "the camera has a privacy mask in XProtect: what lies under it is analysed, and shown in snapshots",
                camera=self._camera,
            )
        self._mask = mask

    def _heed(self, message: XmlMessage) -> None:
        if camera_is_lost(message.root):
            raise VmsUnavailable(
                f"{self._camera}: the recording server has lost the camera",
                remedy="Look at the camera in Smart Client; check its power and network.",
            )
        if message.root.tag == "methodresponse" and (refused := refusal(message.root, self._camera)) is not None:
            raise StreamEnded(f"{self._camera}: the recorder ends the stream: {refused}")
        if self._clock.monotonic() - self._last_picture > _NO_PICTURE_S:
            raise StreamStalled(
                f"{self._camera}: no picture for {_NO_PICTURE_S:.0f} s, though the recording server answers",
                remedy="Look at the camera in Smart Client.",
            )
