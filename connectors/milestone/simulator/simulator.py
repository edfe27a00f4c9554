"""Starts the whole simulated site: management server, recorder and event server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address

from connectors.milestone.simulator.alarms import AlarmBook, AlarmsRest
from connectors.milestone.simulator.bookmarks import BookmarkBook, BookmarksRest
from connectors.milestone.simulator.config_rest import ConfigRest
from connectors.milestone.simulator.event_server import EventServer
from connectors.milestone.simulator.events import EventBook, EventsRest
from connectors.milestone.simulator.gateway import HTML_ERRORS, Gateway
from connectors.milestone.simulator.idp import IdentityProvider
from connectors.milestone.simulator.imageserver import VIDEO_OUTCOMES, RecorderSite
from connectors.milestone.simulator.options import Options
from connectors.milestone.simulator.publishing import OUTCOMES, PublishGate
from connectors.milestone.simulator.recorder import RecorderPort
from connectors.milestone.simulator.server_command import ServerCommand
from connectors.milestone.simulator.site import Camera, Site, stable_id
from connectors.milestone.simulator.tokens import Tokens
from connectors.protocols.live import LiveFeed
from connectors.protocols.serving import background, listening
from connectors.protocols.simulation import Announcement, Simulation
from core.types import Json, VmsCamera

FAULTS: Mapping[str, frozenset[str]] = {
    "publish": OUTCOMES,
    "video": VIDEO_OUTCOMES,
    "idp": frozenset({"503"}),
    "token-expired": frozenset({"now"}),
    "html-error": HTML_ERRORS,
}
"""Every fault that can be ordered, with its outcomes."""

_FIRST_ADDRESS = IPv4Address("10.20.0.1")


@asynccontextmanager
async def start(simulation: Simulation) -> AsyncIterator[Announcement]:
    """Serves until the context is left."""
    options = Options.of(simulation.arguments)
    servers = _Servers.build(simulation, options)
    site = servers.site
    host, scheme = simulation.address, "http" if options.http_only else "https"
    tls = None if options.http_only else simulation.authority.server_context(simulation.names)
    async with AsyncExitStack() as stack:
        for camera in site.cameras:
            if camera.feed is not None:
                await stack.enter_async_context(background(camera.feed.run()))
        recorder_port = await stack.enter_async_context(
            servers.recorder.listening(simulation.host, options.recorder_port, tls)
        )
        gateway_port = await stack.enter_async_context(
            listening(servers.gateway.app(), simulation.host, options.port, ssl_context=tls)
        )
        site.recorder_url = f"{scheme}://{host}:{recorder_port}/"
        site.gateway_url = f"{scheme}://{host}:{gateway_port}/"
        extra: dict[str, Json] = {"recorder": site.recorder_url, "event_server": None}
        if options.takes_analytics_events:
            event_port = await stack.enter_async_context(
                listening(servers.event_server.app(), simulation.host, options.event_port)
            )
            extra["event_server"] = f"{host}:{event_port}"
        yield Announcement(
            simulator="xprotect",
            url=site.gateway_url.rstrip("/"),
            cameras=tuple(
                VmsCamera(device=camera.camera_id, name=camera.name) for camera in site.cameras if camera.is_enabled
            ),
            extra=extra,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Servers:
    site: Site
    gateway: Gateway
    recorder: RecorderPort
    event_server: EventServer

    @classmethod
    def build(cls, simulation: Simulation, options: Options) -> _Servers:
        clock, faults, ledger = simulation.clock, simulation.faults, simulation.ledger
        site = _site(simulation, options)
        tokens = Tokens(
            username=options.username,
            password=options.password,
            jwt_s=options.jwt_s,
            soap_s=options.soap_s,
            clock=clock,
            faults=faults,
        )
        gate = PublishGate(faults=faults, slow_s=options.slow_s)
        alarms = AlarmBook(clock=clock, ledger=ledger)
        bookmarks = BookmarkBook(clock=clock, ledger=ledger, user=options.username)
        events = EventBook(
            site=site, clock=clock, ledger=ledger, alarms=alarms, retention_days=options.event_retention_days
        )
        services = (
            IdentityProvider(site=site, tokens=tokens, faults=faults),
            ConfigRest(site=site, clock=clock),
            ServerCommand(site=site, tokens=tokens, bookmarks=bookmarks, gate=gate),
            AlarmsRest(site=site, book=alarms, gate=gate),
            BookmarksRest(site=site, book=bookmarks, gate=gate),
            EventsRest(site=site, book=events, gate=gate),
        )
        return cls(
            site=site,
            gateway=Gateway(site=site, tokens=tokens, faults=faults, services=services),
            recorder=RecorderPort(RecorderSite(site=site, tokens=tokens, faults=faults, clock=clock)),
            event_server=EventServer(site=site, book=events, gate=gate, allowed=options.allowed_addresses),
        )


def _site(simulation: Simulation, options: Options) -> Site:
    clock = simulation.clock
    enabled = [(name, LiveFeed(clip, clock)) for name, clip in simulation.videos]
    disabled: list[tuple[str, LiveFeed | None]] = [(name, None) for name in options.disabled_cameras]
    now = clock.utc()
    site = Site(
        host=simulation.address,
        created_at=now,
        cameras=tuple(_camera(name, feed, number) for number, (name, feed) in enumerate([*enabled, *disabled])),
    )
    site.add_events(site.analytics_events, "analytics event", options.analytics_events, now)
    site.add_events(site.user_defined_events, "user-defined event", options.user_defined_events, now)
    return site


def _camera(name: str, feed: LiveFeed | None, number: int) -> Camera:
    return Camera(
        camera_id=stable_id("camera", f"{number}|{name}"),
        name=name,
        hardware_id=stable_id("hardware", f"{number}|{name}"),
        address=f"http://{_FIRST_ADDRESS + number}/",
        stream_id=stable_id("stream", f"{number}|{name}"),
        feed=feed,
    )
