"""Whether the recorder's capture time runs on, or jumped.

Capture time less arrival is steady but for delays, which only lower it: the fastest delivery tells how the recorder's clock
stands to ours. It is seldom more than it was, unless that clock was set forward; and capture time never goes back within a
stream, unless it was set back. A stream begins with a burst of pictures that are older than now, so that nothing is judged
until it has settled.
"""

from __future__ import annotations

from core.types import Packet

JUMP_S = 2.0
"""A clock that is off by more from one picture to the next was set. Less is what delays, drift and time servers do."""

_SETTLE_S = 2.0
"""How long a stream may take to send what it has buffered."""

_CREEP = 0.001
"""How fast (s/s) the fastest delivery is forgotten: more than any two clocks drift apart."""


class CaptureClock:
    """Watches the capture times of one camera, through all its streams. Not thread-safe."""

    def __init__(self) -> None:
        self._known: float | None = None
        """Capture time less arrival, as settled."""
        self._stream: int | None = None
        self._fastest = self._newest = self._began_at = self._last_at = 0.0
        self._settles = False

    def jump_s(self, packet: Packet, stream: int) -> float:
        """By how much the clock was set with this packet; 0 where it was not."""
        offset_s = packet.captured_at - packet.received_at
        if stream != self._stream:
            self._begin(packet, stream, offset_s)
        crept_s = self._fastest - _CREEP * max(0.0, packet.received_at - self._last_at)
        self._last_at = packet.received_at
        if self._settles:
            self._fastest = max(crept_s, offset_s)
            self._newest = max(self._newest, packet.captured_at)
            return self._settled(packet)
        is_set = offset_s > crept_s + JUMP_S or packet.captured_at < self._newest - JUMP_S
        step_s = offset_s - crept_s if is_set else 0.0
        self._fastest = offset_s if is_set else max(crept_s, offset_s)
        self._newest = packet.captured_at if is_set else max(self._newest, packet.captured_at)
        return step_s

    def _begin(self, packet: Packet, stream: int, offset_s: float) -> None:
        if self._stream is not None and not self._settles:
            self._known = self._fastest
        self._stream, self._settles = stream, True
        self._fastest, self._newest = offset_s, packet.captured_at
        self._began_at = self._last_at = packet.received_at

    def _settled(self, packet: Packet) -> float:
        if packet.received_at - self._began_at < _SETTLE_S:
            return 0.0
        self._settles = False
        step_s = 0.0 if self._known is None else self._fastest - self._known
        return step_s if abs(step_s) > JUMP_S else 0.0
