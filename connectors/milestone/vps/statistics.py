"""What the VPS front counts and measures of one camera, in bounded memory."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import Final

from core.types import Json

_FIRST_S: Final = 0.0005
_GROWTH: Final = 1.05
_BUCKETS: Final = 260
_BOUNDS: Final = tuple(_FIRST_S * _GROWTH**index for index in range(_BUCKETS))
"""Upper bounds in seconds, 0.5 ms to about 150 s: a percentile is at most 5 % too high."""

_MS: Final = 1000.0


class LagHistogram:
    """Lags by size. Negative ones (a recorder's clock ahead of ours) count as none."""

    def __init__(self) -> None:
        self._counts = [0] * (_BUCKETS + 1)
        self.count = 0
        self.max_s = 0.0

    def add(self, lag_s: float) -> None:
        """Takes one lag in seconds."""
        self._counts[bisect.bisect_left(_BOUNDS, lag_s)] += 1
        self.count += 1
        self.max_s = max(self.max_s, lag_s)

    def include(self, other: LagHistogram) -> None:
        """Adds another's lags to these."""
        self._counts = [own + others for own, others in zip(self._counts, other._counts, strict=True)]
        self.count += other.count
        self.max_s = max(self.max_s, other.max_s)

    def percentile(self, share: float) -> float | None:
        """Nearest rank, as the upper bound of its bucket; None of nothing."""
        counts = list(self._counts)
        rank = max(1.0, share * sum(counts))
        seen = 0
        for bound, count in zip((*_BOUNDS, self.max_s), counts, strict=True):
            seen += count
            if seen >= rank:
                return min(bound, self.max_s)
        return None

    def as_json(self) -> dict[str, Json]:
        """Milliseconds."""
        shares: dict[str, float | None] = {
            f"p{round(share * 100)}": self.percentile(share) for share in (0.5, 0.95, 0.99)
        }
        values = {**shares, "max": self.max_s if self.count else None}
        return {"count": self.count, **{name: None if s is None else round(s * _MS, 2) for name, s in values.items()}}


@dataclass(slots=True, kw_only=True)
class VpsStatistics:
    """Counters since the start.

    A frame of the buffered group of pictures is relayed again to each worker that connects, so ``frames_relayed`` may
    exceed ``frames_in``.
    """

    driver_connections: int = 0
    frames_in: int = 0
    frames_relayed: int = 0
    frames_dropped: int = 0
    """Left out because the worker was too slow, or because no key frame came before them."""
    frames_unheard: int = 0
    """Came while no worker was there."""
    messages_malformed: int = 0
    metadata_sent: int = 0
    metadata_dropped: int = 0
    """No driver was there, or it was too slow."""
    capture_to_sent: LagHistogram = field(default_factory=LagHistogram)
    """By the local clock, so a recorder's clock that differs shows here."""
    arrival_to_sent: LagHistogram = field(default_factory=LagHistogram)
    """From the frame's arrival to its metadata's departure: our own part of the lag."""

    def as_json(self) -> dict[str, Json]:
        """Counters by name, lags in milliseconds."""
        return {
            "driver_connections": self.driver_connections,
            "frames_in": self.frames_in,
            "frames_relayed": self.frames_relayed,
            "frames_dropped": self.frames_dropped,
            "frames_unheard": self.frames_unheard,
            "messages_malformed": self.messages_malformed,
            "metadata_sent": self.metadata_sent,
            "metadata_dropped": self.metadata_dropped,
            "capture_to_sent_ms": self.capture_to_sent.as_json(),
            "arrival_to_sent_ms": self.arrival_to_sent.as_json(),
        }
