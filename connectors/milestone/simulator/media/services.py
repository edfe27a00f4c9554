"""Ways of video beside the recorder's port: the Open Network Bridge, and VPS drivers that dial processing services."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from connectors.milestone.simulator.arguments import pair, port
from connectors.milestone.simulator.media.bridge import bridge
from connectors.milestone.simulator.media.vps_driver import drive, tls_context, web_socket_url
from connectors.milestone.simulator.site import Camera, Site
from connectors.protocols.serving import background
from connectors.protocols.simulation import Simulation
from core.errors import UsageError
from core.types import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaOptions:
    """As parsed."""

    bridge_port: int
    bridge_users: Mapping[str, str]
    vps: tuple[tuple[str, str], ...]
    """Camera (name or id) and URL of its processing service."""
    vps_ca: Path | None

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> MediaOptions:
        """From the parsed command line."""
        return cls(
            bridge_port=arguments.bridge_port,
            bridge_users=dict(arguments.bridge_user) or {arguments.username: arguments.password},
            vps=tuple(arguments.vps),
            vps_ca=arguments.vps_ca,
        )


def add_media_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares them."""
    group = parser.add_argument_group("video beside the recorder's port")
    group.add_argument(
        "--bridge-port",
        type=port,
        default=0,
        metavar="N",
        help="Open Network Bridge, RTSP; 554 on a real site (default: a free one)",
    )
    group.add_argument(
        "--bridge-user",
        action="append",
        default=[],
        type=pair,
        metavar="NAME=PASSWORD",
        help="a user of the bridge's own list (default: the account that may log in)",
    )
    group.add_argument(
        "--vps",
        action="append",
        default=[],
        type=pair,
        metavar="CAMERA=URL",
        help="a VPS hardware: its driver pushes the camera (name or id) to this processing service",
    )
    group.add_argument(
        "--vps-ca", type=Path, metavar="FILE", help="CA of the processing services (default: the simulated site's)"
    )


@asynccontextmanager
async def media(simulation: Simulation, site: Site, options: MediaOptions) -> AsyncIterator[dict[str, Json]]:
    """Serves until the context is left; yields what to announce.

    Raises ``UsageError`` for a camera, URL or CA file that cannot be used, or a port that is taken.
    """
    stop, ca = asyncio.Event(), options.vps_ca or simulation.authority.ca
    tls_context(ca)
    async with AsyncExitStack() as stack:
        rtsp = await stack.enter_async_context(bridge(simulation, site, options.bridge_port, options.bridge_users))
        for name, url in options.vps:
            driving = _drive(simulation, site, _camera(site, name), web_socket_url(url), ca, stop)
            await stack.enter_async_context(background(driving))
        yield {"bridge": f"{simulation.address}:{rtsp.port}"}
        stop.set()


async def _drive(simulation: Simulation, site: Site, camera: Camera, url: str, ca: Path, stop: asyncio.Event) -> None:
    assert camera.feed is not None
    await drive(
        url,
        camera.camera_id,
        camera.feed,
        ca=ca,
        ledger=simulation.ledger,
        stop=stop,
        clock=simulation.clock,
        delivers=lambda: site.delivers(camera),
    )


def _camera(site: Site, name: str) -> Camera:
    found = site.camera_named(name)
    if found is None or not site.is_in_use(found):
        raise UsageError(f"--vps {name}: there is no such enabled camera")
    return found
