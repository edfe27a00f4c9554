"""What a stream costs, and what a machine can give: plain arithmetic on measured figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.capacity.measurement import Measurement, detector_key

USABLE_SHARE: Final = 0.85
"""Of all cores: the rest is for the system, and for the moment in which several scenes become busy at once."""

CODEC: Final = "h264"
"""What the bench plays; a codec that was not measured is taken to cost as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What comes from a camera. None: as in the bench."""

    megapixels: float | None = None
    fps: float | None = None
    codec: str = CODEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Cores that a stream of a busy scene needs all the time."""

    decode: float
    inference: float
    overhead: float

    @property
    def cores(self) -> float:
        """Together."""
        return self.decode + self.inference + self.overhead


def cost_of(measured: Measurement, *, detector: str, fps: float, stream: Stream) -> Cost | None:
    """What a stream costs with this detector at so many analysed pictures per second; None where it was not measured.

    Rules that look at pixels or take a closer look (fire, weapon, abandoned objects …) cost more: ``docs/rules.md``.
    """
    known = measured.detectors.get(detector_key(detector))
    decoding = measured.decoding.get(stream.codec) or measured.decoding.get(CODEC)
    if known is None or decoding is None:
        return None
    stream_fps = decoding.fps if stream.fps is None else stream.fps
    megapixels = decoding.megapixels if stream.megapixels is None else stream.megapixels
    analysed = min(fps, stream_fps)
    return Cost(
        decode=decoding.core_s_per_megapixel * megapixels * stream_fps,
        inference=known.core_s * analysed,
        overhead=known.overhead_cores * max(1.0, analysed / known.fps),
    )


def budget_of(cores: int) -> float:
    """Cores of a machine that streams may take."""
    return cores * USABLE_SHARE
