"""``vigie run SITE.yaml``: watch a site until told to stop."""

from __future__ import annotations

import argparse
import math
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from config.load import load_site
from core import registry
from core.capacity.budget import budget_for
from core.clock import SystemClock
from core.engine.service import Service
from core.engine.site_watch import SiteWatch
from core.logs import current_level
from core.services import services_for

WAKE_S = 0.5
"""On Windows Python handles a signal only between two waits."""


def stop_on_signals() -> threading.Event:
    """An event that SIGINT, SIGTERM and Windows' Ctrl-Break set."""
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    return stopping


def wait(stopping: threading.Event, seconds: float | None, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Until the event, or for so many seconds; does something ``meanwhile``, twice a second."""
    clock = SystemClock()
    until = math.inf if seconds is None else clock.monotonic() + seconds
    while (left := until - clock.monotonic()) > 0 and not stopping.wait(min(WAKE_S, left)):
        meanwhile()


class RunCommand:
    """The service in the foreground; a service manager starts exactly this."""

    name = "run"
    help = "watch a site until stopped"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("site", type=Path, metavar="SITE.yaml", help="the site file")
        parser.add_argument("--seconds", type=float, help="stop by itself after so long")

    def run(self, arguments: argparse.Namespace) -> int:
        stopping = stop_on_signals()
        site = load_site(arguments.site, registry.kinds())
        services, budget = services_for(arguments.site), budget_for(site)
        service = Service(site, arguments.site, services, log_level=current_level(), budget=budget)
        watch = SiteWatch(
            arguments.site,
            load=lambda: load_site(arguments.site, registry.kinds()),
            apply=service.apply,
            health=service.health,
        )
        service.start()
        try:
            wait(stopping, arguments.seconds, watch.look)
        finally:
            service.stop()
        return 0


COMMAND = RunCommand()
