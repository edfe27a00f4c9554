"""``vigie simulate vps-driver``: a recorder that does nothing but push video to a processing service."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import chain
from pathlib import Path

from connectors.milestone.simulator.arguments import port
from connectors.milestone.simulator.media.vps_driver import (
    DriverReport,
    drive,
    percentiles,
    retimed,
    tls_context,
    web_socket_url,
)
from connectors.protocols.live import LiveFeed
from connectors.protocols.serving import background
from connectors.protocols.simulation import Announcement, Simulation, run_simulator
from core.errors import UsageError
from core.types import Json, VmsCamera


class VpsDriverSimulator:
    """The sub-command. Announces on a line, and tells its counts on another one when it ends."""

    name = "vps-driver"
    help = "a simulated XProtect recorder that pushes video to a processing service and takes its boxes"

    def configure(self, parser: object) -> None:
        """Adds its arguments to an ``argparse.ArgumentParser``."""
        assert isinstance(parser, argparse.ArgumentParser)
        parser.add_argument(
            "--url", required=True, help="where to dial, such as wss://host:5001/vps; each camera's id is appended"
        )
        parser.add_argument(
            "--camera", action="append", required=True, metavar="ID=FILE", help="a camera and the video that it plays"
        )
        parser.add_argument("--fps", type=float, help="pictures per second (default: as in the video)")
        parser.add_argument("--ca", type=Path, metavar="FILE", help="CA of the service (default: the system's)")
        parser.add_argument(
            "--service-parameters", default="", metavar="TEXT", help="what the hardware's settings say to the service"
        )
        parser.add_argument(
            "--admin-port",
            type=port,
            default=0,
            metavar="N",
            help="port of the ledger, on 127.0.0.1 (default: a free one)",
        )
        parser.add_argument("--json", action="store_true", help="announce and report as one JSON line each")
        parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input closes")
        parser.set_defaults(host="127.0.0.1", cameras=None, shape=None, still=False, certs=None, fault=[])

    def run(self, arguments: object) -> int:
        """Runs until told to stop; returns 0."""
        assert isinstance(arguments, argparse.Namespace)
        if arguments.fps is not None and arguments.fps <= 0:
            raise UsageError("--fps must be more than 0")
        web_socket_url(arguments.url)
        tls_context(arguments.ca)
        arguments.video = [path for _, path in _cameras(arguments)]
        return run_simulator(arguments, start)


COMMAND = VpsDriverSimulator()


@asynccontextmanager
async def start(simulation: Simulation) -> AsyncIterator[Announcement]:
    """Drives until the context is left; then reports on standard output."""
    arguments, stop = simulation.arguments, asyncio.Event()
    names = [name for name, _ in _cameras(arguments)]
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as drivers:
        tasks = []
        for name, (_, clip) in zip(names, simulation.videos, strict=True):
            feed = LiveFeed(clip if arguments.fps is None else retimed(clip, arguments.fps), simulation.clock)
            await stack.enter_async_context(background(feed.run()))
            driver = drive(
                f"{arguments.url.rstrip('/')}/{name}",
                name,
                feed,
                ca=arguments.ca,
                ledger=simulation.ledger,
                stop=stop,
                service_parameters=arguments.service_parameters,
                clock=simulation.clock,
            )
            tasks.append(drivers.create_task(driver))
        yield Announcement(
            simulator="vps-driver",
            url=arguments.url,
            ca=str(arguments.ca or ""),
            cameras=tuple(VmsCamera(device=name, name=name) for name in names),
        )
        stop.set()
    _tell([task.result() for task in tasks], as_json=arguments.json)


def _cameras(arguments: argparse.Namespace) -> list[tuple[str, Path]]:
    pairs = [text.partition("=") for text in arguments.camera]
    for name, _, path in pairs:
        if not name or not path:
            raise UsageError(f"--camera {name!r} names no video", remedy="Write ID=FILE.")
    return [(name, Path(path)) for name, _, path in pairs]


def _tell(reports: list[DriverReport], *, as_json: bool) -> None:
    lag_ms = percentiles(list(chain.from_iterable(report.lags_ms for report in reports)))
    if as_json:
        cameras: list[Json] = [report.as_json() for report in reports]
        sys.stdout.write(json.dumps({"cameras": cameras, "lag_ms": lag_ms}) + "\n")
        return
    for report in reports:
        lag = percentiles(list(report.lags_ms))
        told = ", ".join(f"{name} {value} ms" for name, value in lag.items()) if isinstance(lag, dict) else "unknown"
        sys.stdout.write(
            f"{report.camera}: {report.pictures} pictures sent, {report.metadata} metadata received"
            f" ({report.unusable + report.broken} faulty); lag: {told}\n"
        )
