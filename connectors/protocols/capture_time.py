"""From a stream's presentation times and its recorder's reports to UTC capture times.

A stream's own clock (``pts_s``) counts from an unknown start. The recorder says what UTC that is in RTCP sender
reports, the first of which comes some seconds after the first picture. So pictures are held back until it came: all of
one session then carry the recorder's time, and none is stamped twice by two clocks. A recorder that sends none within
``HOLD_S`` (RFC 3550 6.2: the first is due within 3.1 s), or whose time is not believable, leaves the arrival time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from core.clock import iso_utc
from core.errors import ClockSetBack
from core.types import Packet, UtcSeconds

HOLD_S = 5.0
"""How long the first pictures wait for the recorder's time."""

HELD_AT_MOST = 512
"""Pictures held back, at most."""

PLAUSIBLE_S = 900.0
"""A recorder farther from the local clock is not believed: a camera's clock in a wrong time zone is passed on."""

_REPORTS_TO_TRUST = 2
"""FFmpeg puts the first report one picture too early; from the second on they are exact (measured, FFmpeg 8.1)."""

_JUMP_S = 0.25
_JUMP_CONFIRMATIONS = 5
"""A lone sender report that jumps is an outlier (seen in the lab: 6 s); five pictures in a row are a clock's step."""

_BACK_S = 2.0
"""Time stands still for a step back of less; a greater one ends the session, the next starts with the new time."""

_CREEP = 0.001
"""How fast (s/s) the estimate of the fastest delivery forgets: more than any two clocks drift apart."""

_STALL_S = 2.0
"""Arrival so much later than foreseen is a pause of the stream, not jitter."""


class TimeSource(StrEnum):
    """Whose clock stamped the pictures."""

    UNKNOWN = "unknown"
    RECORDER = "recorder"
    ARRIVAL = "arrival"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A packet whose ``captured_at`` still is its arrival, its presentation time, and the recorder's UTC for it."""

    packet: Packet
    pts_s: float
    recorder_utc: UtcSeconds | None


class CaptureTimeline:
    """Stamps one session's packets, in decode order."""

    def __init__(self) -> None:
        self._held: list[Arrived] = []
        self._clock: _RecorderClock | _ArrivalClock | None = None
        self._newest: tuple[float, UtcSeconds] | None = None
        self.source = TimeSource.UNKNOWN
        self.reason = ""
        """Why the recorder's time is not used; empty when it is."""

    def place(self, arrived: Arrived) -> Iterator[Packet]:
        """Yields what can be stamped now. Raises ``ClockSetBack`` when the stream's time went back."""
        if self._clock:
            yield self._stamped(arrived, self._clock)
            return
        self._held.append(arrived)
        self._clock = self._decided()
        if self._clock:
            held, self._held = self._held, []
            for waiting in held:
                yield self._stamped(replace(waiting, recorder_utc=None), self._clock)

    def _stamped(self, arrived: Arrived, clock: _RecorderClock | _ArrivalClock) -> Packet:
        return replace(arrived.packet, captured_at=self._in_order(arrived.pts_s, clock.utc(arrived)))

    def _decided(self) -> _RecorderClock | _ArrivalClock | None:
        last = self._held[-1]
        reported = [item for item in self._held if item.recorder_utc is not None]
        if len(reported) >= _REPORTS_TO_TRUST and last.recorder_utc is not None:
            drift_s = last.recorder_utc - last.packet.captured_at
            if abs(drift_s) <= PLAUSIBLE_S:
                self.source = TimeSource.RECORDER
                return _RecorderClock(last.recorder_utc - last.pts_s)
            return self._arrival(f"the recorder's clock says {_said(last.recorder_utc)}, {drift_s:+.0f} s from ours")
        if last.packet.received_at - self._held[0].packet.received_at >= HOLD_S or len(self._held) >= HELD_AT_MOST:
            return self._arrival("the recorder tells no time (no RTCP sender report)")
        return None

    def _arrival(self, reason: str) -> _ArrivalClock:
        self.source, self.reason = TimeSource.ARRIVAL, reason
        return _ArrivalClock(self._held[0])

    def _in_order(self, pts_s: float, captured_at: UtcSeconds) -> UtcSeconds:
        """Capture time never goes back where presentation time goes on (B-frames do go back in both)."""
        if self._newest is None or pts_s >= self._newest[0]:
            floor = self._newest[1] if self._newest else captured_at
            _refuse_step_back(floor - captured_at)
            self._newest = pts_s, max(captured_at, floor)
            return self._newest[1]
        _refuse_step_back(self._newest[0] - pts_s)
        return min(captured_at, self._newest[1])


class _RecorderClock:
    """The recorder's reports, without outliers."""

    def __init__(self, offset_s: float) -> None:
        self._offset_s = offset_s
        self._doubtful_s = offset_s
        self._confirmations = 0

    def utc(self, arrived: Arrived) -> UtcSeconds:
        if arrived.recorder_utc is not None:
            self._follow(arrived.recorder_utc - arrived.pts_s)
        return arrived.pts_s + self._offset_s

    def _follow(self, offset_s: float) -> None:
        if abs(offset_s - self._offset_s) <= _JUMP_S:
            self._offset_s, self._confirmations = offset_s, 0
            return
        agrees = abs(offset_s - self._doubtful_s) <= _JUMP_S
        self._confirmations = self._confirmations + 1 if agrees else 1
        self._doubtful_s = offset_s
        if self._confirmations >= _JUMP_CONFIRMATIONS:
            self._offset_s = offset_s


class _ArrivalClock:
    """The local clock, freed of the network's jitter: the fastest delivery of late tells the stream's start."""

    def __init__(self, first: Arrived) -> None:
        self._offset_s = first.packet.captured_at - first.pts_s
        self._last_at = first.packet.received_at

    def utc(self, arrived: Arrived) -> UtcSeconds:
        late_s = arrived.packet.captured_at - arrived.pts_s
        crept_s = self._offset_s + _CREEP * (arrived.packet.received_at - self._last_at)
        self._last_at = arrived.packet.received_at
        self._offset_s = late_s if late_s - crept_s > _STALL_S else min(late_s, crept_s)
        return arrived.pts_s + self._offset_s


def _refuse_step_back(step_s: float) -> None:
    if step_s > _BACK_S:
        raise ClockSetBack(
            f"the stream's time went back by {step_s:.1f} s",
            remedy="The stream is opened again. If this repeats, check the time synchronisation of the VMS.",
        )


def _said(moment: UtcSeconds) -> str:
    try:
        return iso_utc(moment)
    except (OverflowError, ValueError, OSError):
        return f"{moment:.0f} s since 1970"
