"""Which machine carries so many streams, from what was measured on this one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.capacity.cost import USABLE_SHARE, Cost, Stream, cost_of
from core.capacity.measurement import MeasuredDetector, Measurement, detector_key
from core.errors import UsageError
from core.types import Json

CORES_SOLD: Final = (2, 4, 6, 8, 12, 16, 24, 32, 48, 64)
MEMORY_SOLD_GB: Final = (4, 8, 16, 32, 64, 128, 256)
"""What machines are sold with."""

SYSTEM_MB: Final = 1536
"""For the operating system, its caches and the database."""

_MB_PER_GB: Final = 1024
_KB_PER_GB: Final = 1_000_000
"""Disks are sold in decimal gigabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be sized. ``mbit_s``: of one stream, which a site knows and a bench does not."""

    detector: str
    fps: float
    stream: Stream
    mbit_s: float
    alerts_per_day: float | None = None
    """Of one stream; None where nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The machine for so many streams. Watts and disk are None where they are not known."""

    streams: int
    cores_busy: float
    cores: float
    memory_mb: float
    network_mbit_s: float
    disk_gb_per_day: float | None
    watts: float | None

    @property
    def machines(self) -> int:
        """How many of the largest machine sold."""
        return max(
            1, math.ceil(self.cores / CORES_SOLD[-1]), math.ceil(self.memory_mb / _MB_PER_GB / MEMORY_SOLD_GB[-1])
        )

    @property
    def suggestion(self) -> str:
        """Machines of a size that is sold, with cores like those measured."""
        cores = _next(self.cores / self.machines, CORES_SOLD)
        memory = _next(self.memory_mb / _MB_PER_GB / self.machines, MEMORY_SOLD_GB)
        each = f"{cores} cores, {memory} GB"
        return each if self.machines == 1 else f"{self.machines} machines of {each}"

    def as_json(self) -> dict[str, Json]:
        """One entry of ``--json``."""
        return {
            "streams": self.streams,
            "cores_busy": round(self.cores_busy, 2),
            "cores": round(self.cores, 2),
            "memory_mb": round(self.memory_mb),
            "network_mbit_s": round(self.network_mbit_s, 1),
            "disk_gb_per_day": None if self.disk_gb_per_day is None else round(self.disk_gb_per_day, 3),
            "watts": None if self.watts is None else round(self.watts, 1),
            "machine": self.suggestion,
        }


def sizes(measured: Measurement, wish: Wish, counts: Sequence[int]) -> list[Size]:
    """The machine for each number of streams.

    Raises:
        UsageError: the detector was not measured.
    """
    cost = cost_of(measured, detector=wish.detector, fps=wish.fps, stream=wish.stream)
    known = measured.detectors.get(detector_key(wish.detector))
    if cost is None or known is None:
        told = ", ".join(sorted(measured.detectors)) or "none"
        raise UsageError(
            f"the detector {detector_key(wish.detector)} was not measured on this machine",
            remedy=f"Run 'vigie bench --model {wish.detector}'; measured: {told}.",
        )
    return [_size(measured, wish, cost, known, count) for count in counts]


def _size(measured: Measurement, wish: Wish, cost: Cost, known: MeasuredDetector, streams: int) -> Size:
    busy = cost.cores * streams
    cores = busy / USABLE_SHARE
    workers = math.ceil(cores) + 1  # one more waits, to take over from one that dies
    power, alert_kb = measured.power, measured.alert_kb
    is_disk_known = alert_kb is not None and wish.alerts_per_day is not None
    return Size(
        streams=streams,
        cores_busy=busy,
        cores=cores,
        memory_mb=SYSTEM_MB + measured.supervisor_mb + workers * known.worker_mb + streams * known.stream_mb,
        network_mbit_s=wish.mbit_s * streams,
        disk_gb_per_day=(alert_kb or 0.0) * (wish.alerts_per_day or 0.0) * streams / _KB_PER_GB
        if is_disk_known
        else None,
        watts=None if power is None else power.idle_watts + power.watts_per_core * busy,
    )


def _next(wanted: float, sold: Sequence[int]) -> int:
    return next((size for size in sold if size >= wanted), sold[-1])
