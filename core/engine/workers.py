"""How many analysis processes a site gets on this machine."""

from __future__ import annotations

import os
import sys

import psutil

from config.model import SiteSettings

MOST_WORKERS = 64
MEMORY_PER_WORKER = 512 * 1024 * 1024
"""A worker with a model and some cameras, with room for the rest of the machine; see docs/settings.md for measured figures."""


def worker_count(site: SiteSettings) -> int:
    """As the settings say, else one per usable core, as far as memory lasts, and none without a camera."""
    if site.workers is not None:
        return site.workers
    cameras = sum(camera.enabled for camera in site.cameras)
    by_memory = psutil.virtual_memory().total // MEMORY_PER_WORKER
    return max(1, min(cameras, usable_cores(), by_memory, MOST_WORKERS))


def usable_cores() -> int:
    """Cores that this process may use: fewer than the machine has where it was given only some of them."""
    if sys.platform == "win32" or not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    return len(os.sched_getaffinity(0))
