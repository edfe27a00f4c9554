"""What the service costs this machine, process by process, so that growth can be told."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import psutil

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Sums over some processes at one moment."""

    threads: int
    handles: int
    """Open file descriptors; handles on Windows."""
    rss_mib: float


def footprint(process_ids: Iterable[int]) -> Footprint:
    """Of those processes that are alive."""
    threads = handles = 0
    rss = 0.0
    for process_id in process_ids:
        try:
            process = psutil.Process(process_id)
            threads += process.num_threads()
            handles += _handles(process)
            rss += process.memory_info().rss / _MIB
        except psutil.NoSuchProcess:
            continue
    return Footprint(threads=threads, handles=handles, rss_mib=rss)


def _handles(process: psutil.Process) -> int:
    if sys.platform == "win32":
        return process.num_handles()
    return process.num_fds()


def growth(samples: Sequence[Footprint]) -> Footprint:
    """Median of the last third less that of the middle third: what keeps growing after the start."""
    third = max(1, len(samples) // 3)
    before, after = samples[-2 * third : -third] or samples[:1], samples[-third:]
    return Footprint(
        threads=round(median(s.threads for s in after) - median(s.threads for s in before)),
        handles=round(median(s.handles for s in after) - median(s.handles for s in before)),
        rss_mib=median(s.rss_mib for s in after) - median(s.rss_mib for s in before),
    )
