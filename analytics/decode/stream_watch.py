"""What is wrong with a stream that flows, or should: silence, damage, and changes that the site file does not know of.

What ends a stream is told by its source, with a code of its own; this is about the others. Silence is told here too, and
sooner than a source may give its connection up: the status packages of an ImageServer connection may be 5 s apart.
"""

from __future__ import annotations

from collections.abc import Sequence

from analytics.decode.capture_clock import CaptureClock
from analytics.decode.damage import WINDOW_S, Damage
from analytics.decode.frame import DecodedFrame
from core.contracts import AnalysisSink, Clock
from core.types import CameraFault, Packet

MOMENT_S = 10.0
"""A change is a moment: it is shown for so long."""

STALL_S = 4.5
"""No packet for so long, where several came each second, is a stall."""

_SLOW_INTERVALS = 3.0
"""Of a stream with seconds between its pictures: so many of them."""

_SMOOTHING = 0.1
_SAME_SHAPE = 0.02
"""Width over height may differ by this share: encoders round sizes up to whole blocks."""


class StreamWatch:
    """One camera's, for its decode thread. Says each fault once when it comes and once when it is over."""

    def __init__(self, sink: AnalysisSink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._clock_watch = CaptureClock()
        self._damage = Damage()
        self._until: dict[CameraFault, float] = {}
        """What is present, and when it is over by itself."""
        self._codec = ""
        self._size: tuple[int, int] | None = None
        self._stream: int | None = None
        self._last_at = self._last_captured = 0.0
        self._interval_s = 0.0
        self.breaks = 0
        """How often what was followed before cannot be followed on: the clock was set, or the picture has another shape."""

    def arrived(self, packet: Packet, stream: int) -> None:
        """The next packet, before it is decoded; ``stream`` counts the camera's streams."""
        now = self._clock.monotonic()
        self._over(CameraFault.STALLED)
        self._note_pace(packet, now, is_new=stream != self._stream)
        self._stream = stream
        if self._codec and packet.codec != self._codec:
            cause = f"{self._codec} became {packet.codec}. Look at the camera's stream settings if nobody changed them"
            self._moment(CameraFault.CODEC_CHANGED, cause)
        self._codec = packet.codec
        if step_s := self._clock_watch.jump_s(packet, stream):
            self.breaks += 1
            cause = f"by {step_s:+.1f} s. Check the time synchronisation (NTP) of the VMS and of this machine"
            self._moment(CameraFault.CLOCK_JUMPED, cause)
        self._expire(now)

    def decoded(self, frames: Sequence[DecodedFrame], damaged: int) -> None:
        """What came of the packet: pictures, and how many are damaged."""
        for frame in frames:
            self._note_size((frame.width, frame.height))
        self._note_damage(damaged, len(frames))

    def silent(self, stream: int) -> None:
        """No packet came for a while; ``stream`` differs from that of the last packet where its stream has ended."""
        now = self._clock.monotonic()
        if stream != self._stream:
            self._over(CameraFault.STALLED)
        elif self._interval_s and now - self._last_at >= max(STALL_S, _SLOW_INTERVALS * self._interval_s):
            self._present(CameraFault.STALLED, "the stream is open and no picture comes. Look at the camera in the VMS")
        self._note_damage(0, 0)
        self._expire(now)

    def _note_pace(self, packet: Packet, now: float, *, is_new: bool) -> None:
        step_s = packet.captured_at - self._last_captured
        if not is_new and 0.0 < step_s < now - self._last_at + 1.0:
            self._interval_s += (_SMOOTHING if self._interval_s else 1.0) * (step_s - self._interval_s)
        self._last_at, self._last_captured = now, packet.captured_at

    def _note_size(self, size: tuple[int, int]) -> None:
        if self._size and size != self._size:
            is_same_shape = abs(size[0] * self._size[1] / (size[1] * self._size[0]) - 1.0) <= _SAME_SHAPE
            self.breaks += not is_same_shape
            remedy = "" if is_same_shape else "; the picture has another shape: check zones and lines"
            before, after = ("x".join(map(str, each)) for each in (self._size, size))
            self._moment(CameraFault.RESOLUTION_CHANGED, f"{before} became {after} pixels{remedy}")
        self._size = size

    def _note_damage(self, damaged: int, whole: int) -> None:
        self._damage.note(self._clock.monotonic(), damaged=damaged, whole=whole)
        if self._damage.is_bad:
            cause = (
                f"{self._damage.share:.0%} of the pictures of the last {WINDOW_S:g} s are damaged. "
                "Look for packet loss between camera, recorder and this machine"
            )
            self._present(CameraFault.CORRUPT, cause)
        else:
            self._over(CameraFault.CORRUPT)

    def _moment(self, fault: CameraFault, cause: str) -> None:
        self._until[fault] = self._clock.monotonic() + MOMENT_S
        self._sink.fault(fault, cause)

    def _present(self, fault: CameraFault, cause: str) -> None:
        if fault not in self._until:
            self._until[fault] = float("inf")
            self._sink.fault(fault, cause)

    def _over(self, fault: CameraFault) -> None:
        if self._until.pop(fault, None) is not None:
            self._sink.fault_over(fault)

    def _expire(self, now: float) -> None:
        for fault in [fault for fault, until in self._until.items() if now >= until]:
            self._over(fault)
