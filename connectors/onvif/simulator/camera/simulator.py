"""Starts the whole simulated bridge: SOAP, events, snapshots and streams."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

from connectors.onvif.simulator.camera.acts import Acts
from connectors.onvif.simulator.camera.addresses import STREAM_URI_OUTCOMES
from connectors.onvif.simulator.camera.device import PATH, DeviceService
from connectors.onvif.simulator.camera.disasters import SOAP_OUTCOMES, WEB_OUTCOMES, Disasters
from connectors.onvif.simulator.camera.events import EVENT_OUTCOMES, EventService, PullPointService
from connectors.onvif.simulator.camera.login import REALM, Gate
from connectors.onvif.simulator.camera.media import MediaService
from connectors.onvif.simulator.camera.media2 import Media2Service
from connectors.onvif.simulator.camera.options import Options
from connectors.onvif.simulator.camera.port import WebPort
from connectors.onvif.simulator.camera.pull_points import PullPoints
from connectors.onvif.simulator.camera.services import Service
from connectors.onvif.simulator.camera.site import Camera, Profile, Site, stable_id
from connectors.onvif.simulator.camera.snapshots import Snapshots
from connectors.onvif.simulator.camera.streams import (
    VIDEO_OUTCOMES,
    Accounts,
    BridgeRtspServer,
    is_away,
    is_stalled,
    mounts_of,
)
from connectors.protocols.certificate_change import certificate_act
from connectors.protocols.clips import Clip
from connectors.protocols.rtsp.mount import MulticastGroups
from connectors.protocols.rtsp.one_port import one_port
from connectors.protocols.serving import background
from connectors.protocols.simulation import Announcement, Simulation
from connectors.protocols.variants import Variants, smaller
from connectors.protocols.varied_feed import SetClock, VariedFeed
from core.errors import UsageError
from core.types import Json, VmsCamera

FAULTS: Mapping[str, frozenset[str]] = {
    "auth": frozenset({"refuse"}),
    "soap": SOAP_OUTCOMES,
    "pull": SOAP_OUTCOMES,
    "snapshot": WEB_OUTCOMES,
    "events": EVENT_OUTCOMES,
    "stream-uri": STREAM_URI_OUTCOMES,
    "video": VIDEO_OUTCOMES,
    "clock": frozenset({"jump"}),
}
"""Every fault that can be ordered, with its outcomes."""

_TTL: Final = 1


@asynccontextmanager
async def start(simulation: Simulation) -> AsyncIterator[Announcement]:
    """Serves until the context is left."""
    options = Options.of(simulation.arguments)
    site = await _site(simulation, options)
    users = {options.username: options.password}
    tls = None if options.http_only else simulation.authority.server_context(simulation.names)
    if tls:
        simulation.acts["change-certificate"] = certificate_act(simulation, tls)
    async with AsyncExitStack() as stack:
        for profile in site.profiles:
            await stack.enter_async_context(background(profile.feed.run()))
        server = partial(_rtsp_server, simulation, site, Accounts(users, simulation.faults))
        rtsp = await stack.enter_async_context(server(options.rtsp_port, None))
        site.rtsp_port = rtsp.port
        if tls:
            rtsps = await stack.enter_async_context(server(options.rtsps_port, tls))
            site.rtsps_port = rtsps.port
        web = _web_port(simulation, options, site, users)
        site.web_port = await stack.enter_async_context(
            one_port(web.app(), rtsp, simulation.host, options.port, ssl_context=tls)
        )
        site.web = f"{'https' if tls else 'http'}://{site.host}:{site.web_port}"
        yield _announcement(site)


def _rtsp_server(
    simulation: Simulation, site: Site, users: Mapping[str, str], port: int, tls: ssl.SSLContext | None
) -> BridgeRtspServer:
    server = BridgeRtspServer(
        simulation.host, port, mounts_of(site), users, clock=site.clock, realm=REALM, ssl_context=tls
    )
    server.is_stalled = partial(is_stalled, site.faults)
    server.is_away = partial(is_away, site.faults)
    return server


def _web_port(simulation: Simulation, options: Options, site: Site, users: Mapping[str, str]) -> WebPort:
    ledger = simulation.ledger
    points = PullPoints(site.clock, options.max_subscriptions)
    gate = Gate(users, options.login, site.clock, options.nonce_s)
    acts = Acts(site, points, ledger, gate.forget)
    acts.begin()
    simulation.acts.update(acts.all())
    others: list[Service] = [EventService(site, points, ledger).service()]
    if site.has_media2:
        others.append(Media2Service(site).service())
    if site.has_media:
        others.append(MediaService(site).service())
    device = DeviceService(site, options.login, lambda: others)
    return WebPort(
        services=(device.service(), *others),
        pull_points=PullPointService(site, points),
        snapshots=Snapshots(site),
        gate=gate,
        disasters=Disasters(faults=simulation.faults, slow_s=options.slow_s),
        ledger=ledger,
    )


async def _site(simulation: Simulation, options: Options) -> Site:
    faults = simulation.faults
    site = Site(
        clock=SetClock(
            simulation.clock,
            lambda: options.clock_skew_s + (options.jump_s if faults.current("clock") == "jump" else 0.0),
        ),
        faults=faults,
        host=simulation.address,
        inputs=dict.fromkeys(options.inputs, False),
        is_rtsps_only=options.rtsps_only,
        has_media=options.has_media,
        has_media2=options.has_media2,
        has_snapshots=options.has_snapshots,
    )
    variants = {id(clip): Variants(clip) for _, clip in simulation.videos}
    halves: dict[int, Variants] = {}
    for number, (name, clip) in enumerate(simulation.videos):
        streams = [variants[id(clip)]]
        if options.has_substreams:
            halves[id(clip)] = halves.get(id(clip)) or Variants(await _smaller(clip))
            streams.append(halves[id(clip)])
        site.cameras.append(_camera(site, number, name, streams))
    if options.multicast:
        site.multicast = _groups(site, options)
    return site


async def _smaller(clip: Clip) -> Clip:
    return await asyncio.to_thread(smaller, clip)


def _camera(site: Site, number: int, name: str, streams: list[Variants]) -> Camera:
    device = stable_id("camera", f"{number}|{name}")
    camera = Camera(device=device, name=name, source=f"source-{number}")
    camera.profiles = tuple(
        Profile(
            token=f"profile-{number}-{kind}",
            name=name if kind == "main" else f"{name} ({kind})",
            encoder=f"encoder-{number}-{kind}",
            path=f"/live/{device}" if kind == "main" else f"/live/{device}/{kind}",
            feed=VariedFeed(variants, site.clock, partial(site.picture, camera)),
        )
        for kind, variants in zip(("main", "small"), streams, strict=False)
    )
    return camera


def _groups(site: Site, options: Options) -> dict[str, MulticastGroups]:
    if options.multicast_port % 2:
        raise UsageError("--multicast-port is odd", remedy="RTP takes an even port, RTCP the next one.")
    assert options.multicast is not None
    return {
        profile.token: MulticastGroups(video=(str(options.multicast + index), options.multicast_port), ttl=_TTL)
        for index, profile in enumerate(site.profiles)
    }


def _announcement(site: Site) -> Announcement:
    extra: dict[str, Json] = {
        "service": site.web + PATH,
        "rtsp": f"rtsp://{site.host}:{site.rtsp_port}/live",
        "rtsps": f"rtsps://{site.host}:{site.rtsps_port}/live" if site.rtsps_port is not None else None,
        "inputs": list(site.inputs),
    }
    return Announcement(
        simulator="onvif-camera",
        url=site.web,
        cameras=tuple(VmsCamera(device=camera.device, name=camera.name) for camera in site.cameras),
        extra=extra,
    )
