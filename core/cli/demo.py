"""``vigie demo``: the main job, shown on two simulated VMS on this machine."""

from __future__ import annotations

import argparse
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from core.cli.output import add_json_flag, print_json
from core.cli.run import stop_on_signals
from core.clock import SystemClock
from core.demo.result import DemoResult
from core.demo.run import DemoBench, demo_bench, work_folder
from core.demo.site import DEMO_RULES
from core.demo.view import summary, view
from core.engine.service import Service
from core.logs import configure_logging
from core.types import HealthLevel

DRAIN_S = 15.0
"""After the last frame: longest wait for the last deliveries."""

TICK_S = 0.5


class DemoCommand:
    """Simulators, a made scene or your own video, the true pipeline, and a comparison at the end."""

    name = "demo"
    help = "show the main job on two simulated VMS"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--seconds", type=float, default=40.0, help="how long to watch (default: %(default)s)")
        parser.add_argument("--video", type=Path, action="append", default=[], help="instead of the made scene")
        parser.add_argument("--keep", type=Path, metavar="DIR", help="keep site file, database and logs here")
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        configure_logging("error")
        console = Console(stderr=True)
        with ExitStack() as stack:
            folder = stack.enter_context(work_folder(arguments.keep))
            videos = [part for video in arguments.video for part in ("--video", str(video.resolve()))]
            bench = stack.enter_context(
                demo_bench(
                    folder,
                    rules=[dict(rule) for rule in DEMO_RULES],
                    simulator_arguments=videos,
                    say=lambda text: console.print(text, style="dim", highlight=False),
                )
            )
            result = _watch(bench, arguments.seconds, console)
        if arguments.json:
            print_json(result.as_json())
        else:
            summary(Console(file=sys.stdout), result)
        return 0 if result.is_good else 1


def _watch(bench: DemoBench, seconds: float, console: Console) -> DemoResult:
    stopping = stop_on_signals()
    service = bench.service()
    try:
        service.start()
        _show(service, seconds, console, stopping)
        service.stop_watching()
        _drain(service, stopping)
        result = bench.compare(service.store)
        if not result.is_good:
            _explain(service, console)
        return result
    finally:
        service.stop()


def _show(service: Service, seconds: float, console: Console, stopping: threading.Event) -> None:
    clock = SystemClock()
    until = clock.monotonic() + seconds
    with view(console) as shown:
        while (left := until - clock.monotonic()) > 0 and not stopping.is_set():
            shown.update(service, left)
            stopping.wait(min(TICK_S, left))


def _explain(service: Service, console: Console) -> None:
    for health in service.report_health():
        if health.level is not HealthLevel.GREEN:
            console.print(f"{health.component} {health.level.value}: {health.cause}", style="red", highlight=False)


def _drain(service: Service, stopping: threading.Event) -> None:
    clock = SystemClock()
    until = clock.monotonic() + DRAIN_S
    while service.backlog() and clock.monotonic() < until and not stopping.is_set():
        stopping.wait(TICK_S)


COMMAND = DemoCommand()
