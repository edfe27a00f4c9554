"""What the recorder has on disk: groups of pictures (GOPs) from before the start, made of the clip, and those since.

Nothing is really written: the pictures are those of the clip, only the times are kept.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from connectors.milestone.simulator.site import Camera, Site
from connectors.protocols.clips import Clip, ClipPacket
from connectors.protocols.live import LiveFeed, LivePacket
from core.contracts import Clock
from core.types import UtcSeconds

_KEPT_S = 600.0
"""What is recorded after the start is kept so long, or as long as the recording reached back then."""

_BREAK_S = 1.0
"""A longer pause between two pictures ends a sequence."""


@dataclass(frozen=True, slots=True)
class RecordedGop:
    """A key frame and what builds upon it. ``offsets`` are the pictures' times after ``begin``, in s."""

    begin: UtcSeconds
    offsets: tuple[float, ...]
    pictures: tuple[bytes, ...]
    first_sequence: int

    @property
    def end(self) -> UtcSeconds:
        """Time of the last picture."""
        return self.begin + self.offsets[-1]

    def packet(self, index: int) -> LivePacket:
        """One picture as it once left the camera."""
        return LivePacket(
            data=self.pictures[index],
            captured_at=self.begin + self.offsets[index],
            gop_captured_at=self.begin,
            is_key=index == 0,
            sequence=self.first_sequence + index,
        )


class FeedRecording:
    """The recording of one feed, which cameras that show the same clip share."""

    def __init__(self, clip: Clip, now: UtcSeconds, reach_s: float, gap_s: tuple[float, float]) -> None:
        """``gap_s`` are two times before ``now``, in s: what began between them is missing."""
        self.clip = clip
        self._kept_s = max(reach_s, _KEPT_S)
        self._gops = [gop for gop in _before(clip, now, reach_s) if not (now - gap_s[0] <= gop.begin < now - gap_s[1])]

    def __iter__(self) -> Iterator[RecordedGop]:
        # A copy: playback reads in threads while the event loop records.
        return iter(tuple(self._gops))

    async def follow(self, feed: LiveFeed) -> None:
        """Records what the camera sends from now on, until cancelled."""
        open_gop: list[LivePacket] = []
        async with feed.listen() as listener:
            async for packet in listener:
                if packet.is_key and open_gop:
                    self._add(open_gop)
                    open_gop = []
                if packet.is_key or open_gop:
                    open_gop.append(packet)

    def _add(self, packets: Sequence[LivePacket]) -> None:
        begin = packets[0].captured_at
        self._gops.append(
            RecordedGop(
                begin=begin,
                offsets=tuple(packet.captured_at - begin for packet in packets),
                pictures=tuple(packet.data for packet in packets),
                first_sequence=packets[0].sequence,
            )
        )
        expired = bisect_right(self._gops, begin - self._kept_s, key=lambda gop: gop.begin)
        del self._gops[:expired]


@dataclass(slots=True)
class CameraRecording:
    """The recording of one camera: its feed's, without the times when the recorder did not reach the camera."""

    feed: FeedRecording | None
    holes: list[tuple[UtcSeconds, UtcSeconds]] = field(default_factory=list)

    def gops(self) -> list[RecordedGop]:
        """Every complete GOP, oldest first."""
        return [gop for gop in self.feed or () if not any(begin <= gop.begin < end for begin, end in self.holes)]

    def sequences(self) -> list[tuple[RecordedGop, RecordedGop]]:
        """First and last GOP of each stretch without a pause, oldest first."""
        gops = self.gops()
        if not gops:
            return []
        breaks = [index for index, (one, other) in enumerate(pairwise(gops), 1) if other.begin - one.end > _BREAK_S]
        return [(gops[start], gops[end - 1]) for start, end in pairwise([0, *breaks, len(gops)])]


class Recordings:
    """Every camera's recording. Nothing is recorded where the reach is 0."""

    def __init__(self, site: Site, clock: Clock, reach_s: float, gap_s: tuple[float, float] = (0.0, 0.0)) -> None:
        self._site = site
        self._clock = clock
        feeds = {id(camera.feed): camera.feed for camera in site.cameras if camera.feed} if reach_s > 0 else {}
        now = clock.utc()
        self._feeds: Mapping[int, tuple[LiveFeed, FeedRecording]] = {
            key: (feed, FeedRecording(feed.clip, now, reach_s, gap_s)) for key, feed in feeds.items()
        }
        self._cameras: dict[str, CameraRecording] = {}
        site.reach_observers.append(self._reached)

    def of(self, camera: Camera) -> CameraRecording:
        """The recording of a camera; empty where there is none."""
        if camera.camera_id not in self._cameras:
            known = self._feeds.get(id(camera.feed))
            self._cameras[camera.camera_id] = CameraRecording(known[1] if known else None)
        return self._cameras[camera.camera_id]

    def work(self) -> list[tuple[LiveFeed, FeedRecording]]:
        """Whom to follow: each feed with its recording."""
        return list(self._feeds.values())

    def _reached(self, camera_id: str, is_lost: bool) -> None:
        """While it is lost the hole has no end yet."""
        camera = self._site.camera(camera_id)
        if camera is None:
            return
        holes, now = self.of(camera).holes, self._clock.utc()
        if is_lost:
            holes.append((now, float("inf")))
        elif holes:
            holes[-1] = (holes[-1][0], now)


def _before(clip: Clip, now: UtcSeconds, reach_s: float) -> Iterator[RecordedGop]:
    """The GOPs of the clip, played round and round up to ``now``."""
    parts = _gops_of(clip)
    loops = int(reach_s / clip.duration_s) + 1
    for loop in range(loops, 0, -1):
        started = now - loop * clip.duration_s
        for first, packets in parts:
            begin = started + packets[0].offset_s
            if begin >= now - reach_s:
                yield RecordedGop(
                    begin=begin,
                    offsets=tuple(packet.offset_s - packets[0].offset_s for packet in packets),
                    pictures=tuple(packet.data for packet in packets),
                    first_sequence=(loops - loop) * len(clip.packets) + first,
                )


def _gops_of(clip: Clip) -> list[tuple[int, tuple[ClipPacket, ...]]]:
    """Number of the first picture and the pictures of each GOP."""
    keys = [index for index, packet in enumerate(clip.packets) if packet.is_key]
    return [(start, clip.packets[start:end]) for start, end in pairwise([*keys, len(clip.packets)])]
