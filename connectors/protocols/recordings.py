"""What a simulated recorder has on disk: groups of pictures (GOPs) from before the start, made of the clip, and those since.

Nothing is really written: the pictures are those of the clip, only the times are kept.
"""

from __future__ import annotations

import argparse
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from connectors.protocols.arguments import seconds
from connectors.protocols.clips import Clip, ClipPacket
from connectors.protocols.live import LiveFeed, LivePacket
from core.types import UtcSeconds

_KEPT_S = 600.0
"""What is recorded after the start is kept so long, or as long as the recording reached back then."""

_BREAK_S = 1.0
"""A longer pause between two pictures ends a sequence."""


def add_recording_arguments(parser: argparse.ArgumentParser) -> None:
    """How far the recording reaches back, and what of it is missing."""
    group = parser.add_argument_group("the recording")
    group.add_argument(
        "--recorded-seconds",
        type=seconds,
        default=0.0,
        metavar="S",
        help="how far back it reaches when the simulator starts; 0 records nothing (default: %(default)g)",
    )
    group.add_argument(
        "--recording-gap",
        type=_gap,
        default=(0.0, 0.0),
        metavar="FROM-TO",
        help="nothing was recorded between these, in seconds before the start, such as 60-30 (default: no gap)",
    )


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

    def pictures(self, begin: UtcSeconds, end: UtcSeconds) -> Iterator[LivePacket]:
        """What is recorded now of an interval, from the key frame on that its first picture builds upon."""
        for gop in self.gops():
            if gop.end < begin:
                continue
            for index, offset in enumerate(gop.offsets):
                if gop.begin + offset > end:
                    return
                yield gop.packet(index)

    def note_reach(self, now: UtcSeconds, *, is_lost: bool) -> None:
        """The camera was lost, or is reached again; while it is lost the hole has no end yet."""
        is_open = bool(self.holes) and self.holes[-1][1] == math.inf
        if is_lost and not is_open:
            self.holes.append((now, math.inf))
        elif is_open and not is_lost:
            self.holes[-1] = (self.holes[-1][0], now)


def _gap(text: str) -> tuple[float, float]:
    begin, _, end = text.partition("-")
    gap = seconds(begin), seconds(end)
    if gap[0] <= gap[1]:
        raise argparse.ArgumentTypeError(f"{text!r}: FROM must be longer ago than TO, as in 60-30")
    return gap


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
