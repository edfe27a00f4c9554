"""The figures of a report, worked out of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import fmean, median
from typing import Any

from analytics.probe.picture import PictureQuality
from analytics.probe.stream import Arrival, StreamSample

_BURST_S = 1.0
"""A stream begins with what the recorder had buffered: what came so soon says nothing of its pace."""

_GAP = 1.6
"""Intervals so many times the usual one lack a picture."""

_TAIL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What ``vigie probe`` tells of one stream. None: the sample was too short to say."""

    codec: str
    profile: str
    width: int
    height: int
    shown_width: int
    shown_height: int
    fps: float | None
    nominal_fps: float | None
    key_interval_s: float | None
    """Longest time between two key frames."""
    has_b_frames: bool
    is_interlaced: bool
    kbit_s: float | None
    jitter_ms: float | None
    """95 of 100 pictures arrive with less deviation from their capture interval."""
    lost_share: float | None
    """Damaged pictures and gaps, of all that should have come."""
    clock_offset_s: float | None
    """Capture time less local time at arrival, at the fastest delivery: the recorder's clock, less the delay."""
    first_picture_s: float | None
    decode_ms: float | None
    """Processor time per picture, one thread, software."""
    quality: PictureQuality | None

    def as_json(self) -> dict[str, Any]:
        """Rounded, for a document."""
        return {name: _rounded(value) for name, value in asdict(self).items()}


def figures_of(sample: StreamSample) -> Figures:
    """Works them out."""
    steady = _steady(sample.arrivals)
    span_s = steady[-1].captured_at - steady[0].captured_at if len(steady) > 1 else 0.0
    times = sorted(arrival.captured_at for arrival in steady)
    steps = [after - before for before, after in pairwise(times)]
    return Figures(
        codec=sample.codec,
        profile=sample.profile,
        width=sample.width,
        height=sample.height,
        shown_width=sample.shown_width,
        shown_height=sample.shown_height,
        fps=(len(steady) - 1) / span_s if span_s > 0.0 else None,
        nominal_fps=sample.nominal_fps,
        key_interval_s=_key_interval(sample.arrivals),
        has_b_frames=sample.has_b_frames,
        is_interlaced=sample.is_interlaced,
        kbit_s=sum(arrival.size for arrival in steady[1:]) * 8 / 1000 / span_s if span_s > 0.0 else None,
        jitter_ms=_jitter(steady),
        lost_share=_lost(steps, sample),
        clock_offset_s=max((a.captured_at - a.local_utc for a in steady), default=None),
        first_picture_s=sample.first_picture_s,
        decode_ms=sample.decode_s * 1000 / sample.pictures if sample.pictures else None,
        quality=_quality(sample.qualities),
    )


def _steady(arrivals: Sequence[Arrival]) -> list[Arrival]:
    if not arrivals:
        return []
    begin = arrivals[0].received_at + _BURST_S
    return [arrival for arrival in arrivals if arrival.received_at >= begin]


def _key_interval(arrivals: Sequence[Arrival]) -> float | None:
    keys = [arrival.captured_at for arrival in arrivals if arrival.is_key]
    return max((after - before for before, after in pairwise(keys)), default=None)


def _jitter(steady: Sequence[Arrival]) -> float | None:
    deviations = sorted(
        abs((after.received_at - before.received_at) - (after.captured_at - before.captured_at)) * 1000
        for before, after in pairwise(steady)
    )
    return deviations[int(len(deviations) * _TAIL)] if deviations else None


def _lost(steps: Sequence[float], sample: StreamSample) -> float | None:
    if not steps:
        return None
    usual = median(steps)
    if usual > 0.0:
        gaps = sum(round(step / usual) - 1 for step in steps if step > _GAP * usual)
        too_few = round(sum(steps) / usual) - len(steps)  # a picture that is only late is followed by one too early
    else:
        gaps = too_few = 0
    lost = max(0, min(gaps, too_few)) + sample.damaged
    return lost / (lost + sample.pictures) if lost or sample.pictures else None


def _quality(seen: Sequence[PictureQuality]) -> PictureQuality | None:
    if not seen:
        return None
    return PictureQuality(
        light=fmean(quality.light for quality in seen),
        contrast=fmean(quality.contrast for quality in seen),
        sharpness=fmean(quality.sharpness for quality in seen),
        blockiness=fmean(quality.blockiness for quality in seen),
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return value
