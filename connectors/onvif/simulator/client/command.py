"""``vigie simulate onvif-client``: the ONVIF driver of a VMS, which adds a device, pulls its events, plays its streams."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from connectors.onvif.settings import SERVICE_PATH
from connectors.onvif.simulator.client.driver import Driver, DriverOptions, Play
from connectors.onvif.simulator.client.roles import ROLES, Login, RoleName, StreamMethod
from connectors.onvif.simulator.client.soap import Account
from connectors.protocols.simulation import Act, Announcement, Ledger, Simulation, run_simulator
from core.clock import SystemClock
from core.errors import UsageError
from core.types import Json

_LARGEST_PORT = 65_535


class OnvifClientSimulator:
    """The sub-command."""

    name = "onvif-client"
    help = "a simulated VMS driver that adds an ONVIF device and judges what it sees"

    def configure(self, parser: object) -> None:
        """Adds its arguments to an ``argparse.ArgumentParser``."""
        assert isinstance(parser, argparse.ArgumentParser)
        parser.add_argument("--url", required=True, help=f"the device: https://host[:port], or with {SERVICE_PATH}")
        parser.add_argument("--user", default="vms", help="the account that logs in (default: %(default)s)")
        parser.add_argument("--password", default="vigie-demo", help="its password, for tests on this machine only")
        parser.add_argument(
            "--role", choices=[*RoleName], default=RoleName.XPROTECT, help="whose driver (default: %(default)s)"
        )
        parser.add_argument("--login", choices=[*Login], help="how it logs in (default: as the role does)")
        parser.add_argument(
            "--stream-method",
            choices=[*StreamMethod],
            help="how streams are fetched (default: https where --url is, else as the role does)",
        )
        parser.add_argument(
            "--play", choices=[*Play], default=Play.BOTH, help="which tracks are played (default: %(default)s)"
        )
        parser.add_argument(
            "--pull-every", type=_seconds, default=5.0, metavar="S", help="period of the pulls (default: %(default)s s)"
        )
        parser.add_argument("--ca", type=Path, metavar="FILE", help="CA of the device (default: the system's)")
        parser.add_argument(
            "--check", action="store_true", help="one pass, then a report: exit code 1 where an expectation is broken"
        )
        parser.add_argument(
            "--seconds", type=_seconds, default=10.0, metavar="S", help="length of that pass (default: %(default)s s)"
        )
        parser.add_argument(
            "--admin-port", type=_port, default=0, metavar="N", help="port of ledger and acts, on 127.0.0.1"
        )
        parser.add_argument("--json", action="store_true", help="announce, or report, as one JSON line")
        parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input closes")
        parser.set_defaults(host="127.0.0.1", cameras=None, certs=None, fault=[], video=None)

    def run(self, arguments: object) -> int:
        """Runs until told to stop and returns 0; with ``--check`` runs so long, and returns 1 where something is broken."""
        assert isinstance(arguments, argparse.Namespace)
        options = driver_options(arguments)
        if not arguments.check:
            return run_simulator(arguments, start)
        report = checked(options, arguments.seconds)
        sys.stdout.write(f"{json.dumps(report) if arguments.json else _as_text(report)}\n")
        return 0 if report["is_satisfied"] else 1


COMMAND = OnvifClientSimulator()


@asynccontextmanager
async def start(simulation: Simulation) -> AsyncIterator[Announcement]:
    """Drives until the context is left."""
    options = driver_options(simulation.arguments)
    driver = Driver(options, simulation.ledger, simulation.clock)
    simulation.acts.update(_acts(driver))
    driver.start()
    try:
        yield Announcement(
            simulator="onvif-client",
            url=options.url,
            ca=str(options.ca or ""),
            cameras=(),
            extra={"role": options.role.name.value, "stream_method": options.chosen_method.value},
        )
    finally:
        await asyncio.to_thread(driver.stop)


def checked(options: DriverOptions, seconds: float) -> dict[str, Json]:
    """One pass of so many seconds; the driver's report, with each stream that did not come among the violations."""
    clock = SystemClock()
    driver = Driver(options, Ledger(clock), clock)
    driver.start()
    try:
        time.sleep(seconds)
    finally:
        driver.stop()
    driver.conclude()
    return driver.report()


def driver_options(arguments: argparse.Namespace) -> DriverOptions:
    """What the command line says. Raises ``UsageError``."""
    if arguments.ca is not None and not arguments.ca.is_file():
        raise UsageError(f"--ca {arguments.ca} is no file", remedy="Give the PEM file of the site's CA.")
    return DriverOptions(
        url=_service_address(arguments.url),
        role=ROLES[RoleName(arguments.role)],
        account=Account(user=arguments.user, password=arguments.password),
        login=Login(arguments.login) if arguments.login else None,
        method=StreamMethod(arguments.stream_method) if arguments.stream_method else None,
        pull_every_s=arguments.pull_every,
        play=Play(arguments.play),
        ca=arguments.ca,
    )


def _acts(driver: Driver) -> dict[str, Act]:
    """What an administrator of the VMS does, and what happens to its driver."""

    async def add_again(_order: Mapping[str, Json]) -> Json:
        return (await asyncio.to_thread(driver.add)).as_json()

    async def restart_metadata(order: Mapping[str, Json]) -> Json:
        channel = order.get("channel")
        if channel is not None and (not isinstance(channel, int) or isinstance(channel, bool)):
            raise UsageError("channel is no number", remedy='Write {"channel": 0}, or nothing for all.')
        return {"sessions": driver.restart_metadata(channel)}

    async def drop_subscription(_order: Mapping[str, Json]) -> Json:
        driver.drop_subscription()
        return {}

    async def synchronise(_order: Mapping[str, Json]) -> Json:
        driver.synchronise()
        return {}

    async def report(_order: Mapping[str, Json]) -> Json:
        return driver.report()

    return {
        "re-add": add_again,
        "restart-metadata": restart_metadata,
        "drop-subscription": drop_subscription,
        "synchronise": synchronise,
        "report": report,
    }


def _service_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise UsageError(f"--url {text!r} is no address of a device", remedy="Write https://host[:port].")
    return text if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}{SERVICE_PATH}"


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 86_400.0:  # noqa: PLR2004 - a day
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, more than 0")
    return value


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > _LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to {_LARGEST_PORT}")
    return int(text)


def _as_text(report: Mapping[str, Json]) -> str:
    lines = [f"driver {report['role']}: {'satisfied' if report['is_satisfied'] else 'NOT satisfied'}"]
    if not report["is_added"]:
        lines.append("  the device could not be added")
    expectations = report["expectations"]
    assert isinstance(expectations, list)
    for one in expectations:
        assert isinstance(one, dict)
        assert isinstance(one["violations"], dict)
        lines.append(f"  {_mark(one)} {one['expected']} ({one['source']}; {one['looked_at']} looks)")
        lines += [f"      {times} x {seen}" for seen, times in one["violations"].items()]
    lines.append(f"  events: {report['events']}, ignored: {report['events_ignored']}, pulls: {report['pulls']}")
    channels = report["channels"]
    assert isinstance(channels, list)
    return "\n".join([*lines, *(f"  {json.dumps(channel)}" for channel in channels)])


def _mark(one: Mapping[str, Json]) -> str:
    if one["violations"]:
        return "BROKEN "
    return "ok     " if one["looked_at"] else "unseen "
