"""Playback of one ImageServer connection: where it stands in the recording, and its answers (notes §3.2).

Raw video with ``multipartdata`` goes GOP by GOP; JPEG, and raw video without it (*unverified*), picture by picture.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.milestone.simulator.recorder.imageserver_messages import (
    MalformedRequest,
    MethodCall,
    Moments,
    nothing_recorded,
    recorded_gop,
    recorded_picture,
)
from connectors.milestone.simulator.recorder.transcoding import last_picture
from connectors.milestone.simulator.site import milliseconds
from connectors.protocols.clips import ClipCodec
from connectors.protocols.recordings import CameraRecording, RecordedGop
from core.types import UtcSeconds

PLAYBACK = frozenset({"goto", "next", "previous", "nextsequence", "previoussequence", "begin", "end"})


@dataclass(frozen=True, slots=True, order=True)
class _Position:
    """A picture: the begin of its GOP, and its place therein."""

    gop: UtcSeconds
    picture: int = 0


@dataclass(slots=True, kw_only=True)
class Playback:
    """A place in the recording that the requests of a connection move."""

    recording: CameraRecording
    codec: ClipCodec
    by_gop: bool
    """Whole GOPs rather than single pictures."""
    as_jpeg: bool
    keys_only: bool = False
    position: _Position | None = None

    def answer(self, call: MethodCall) -> bytes:
        """Moves as asked, and tells what is there. Raises ``MalformedRequest``."""
        if call.name == "goto":
            self.keys_only = call.parameters.get("keyframesonly") == "yes"
        gops = self.recording.gops()
        if not gops:
            return nothing_recorded(call.request_id)
        places = _places(gops, whole=self.by_gop or self.keys_only)
        at = self._moved(call, gops, places)
        self.position = places[at]
        gop = gops[_index(gops, self.position.gop)]
        moments = Moments(
            previous=_moment(gops, places[max(0, at - 1)], at_end=self.by_gop and at > 0),
            current=gop.begin + gop.offsets[self.position.picture],
            following=_moment(gops, places[min(at + 1, len(places) - 1)], at_end=False),
        )
        return self._told(call, gop, self.position.picture, moments)

    def _moved(self, call: MethodCall, gops: Sequence[RecordedGop], places: Sequence[_Position]) -> int:
        """The place to go to; beyond either end it is that end again."""
        last = len(places) - 1
        match call.name:
            case "goto":
                return self._at(call, gops, places)
            case "begin":
                return 0
            case "end":
                return last
            case "next" | "previous":
                return self._stepped(1 if call.name == "next" else -1, places)
            case _:
                return self._next_sequence(1 if call.name == "nextsequence" else -1, places)

    def _stepped(self, step: int, places: Sequence[_Position]) -> int:
        """One place on or back; before any other request to the first or the last one."""
        if self.position is None:
            return 0 if step > 0 else len(places) - 1
        return min(max(self._here(places) + step, 0), len(places) - 1)

    def _next_sequence(self, step: int, places: Sequence[_Position]) -> int:
        """The begin of the sequence after or before; after the last one the last place."""
        begins = [first.begin for first, _ in self.recording.sequences()]
        wanted = bisect_right(begins, places[self._here(places)].gop) - 1 + step
        if wanted >= len(begins):
            return len(places) - 1
        return bisect_right(places, _Position(begins[max(0, wanted)])) - 1

    def _here(self, places: Sequence[_Position]) -> int:
        return len(places) - 1 if self.position is None else max(0, bisect_right(places, self.position) - 1)

    def _at(self, call: MethodCall, gops: Sequence[RecordedGop], places: Sequence[_Position]) -> int:
        """The picture at the time, or the last one before; before the recording its first one (*unverified*)."""
        text = call.parameters.get("time", "")
        if not (text.isascii() and text.isdigit()):
            raise MalformedRequest(f"time {text!r} is not in milliseconds")
        found = bisect_right(places, int(text), key=lambda place: milliseconds(_moment(gops, place, at_end=False)))
        return max(0, found - 1)

    def _told(self, call: MethodCall, gop: RecordedGop, picture: int, moments: Moments) -> bytes:
        if self.as_jpeg:
            image = last_picture(self.codec, gop.pictures[: picture + 1])
            return recorded_picture(call.request_id, moments, image, "image/jpeg")
        if self.by_gop and not self.keys_only:
            packets = [gop.packet(index) for index in range(len(gop.pictures))]
            return recorded_gop(call.request_id, moments, packets, self.codec)
        return recorded_gop(call.request_id, moments, [gop.packet(picture)], self.codec)


def _places(gops: Sequence[RecordedGop], *, whole: bool) -> list[_Position]:
    if whole:
        return [_Position(gop.begin) for gop in gops]
    return [_Position(gop.begin, picture) for gop in gops for picture in range(len(gop.pictures))]


def _index(gops: Sequence[RecordedGop], begin: UtcSeconds) -> int:
    return bisect_right(gops, begin, key=lambda gop: gop.begin) - 1


def _moment(gops: Sequence[RecordedGop], place: _Position, *, at_end: bool) -> UtcSeconds:
    gop = gops[_index(gops, place.gop)]
    return gop.end if at_end else gop.begin + gop.offsets[place.picture]
