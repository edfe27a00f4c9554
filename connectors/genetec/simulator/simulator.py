"""Puts the simulated system together and runs it."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from connectors.genetec.simulator.alarms import AlarmDesk
from connectors.genetec.simulator.commands import Commands
from connectors.genetec.simulator.events import EventDesk
from connectors.genetec.simulator.media import media_mounts
from connectors.genetec.simulator.reports import Reports
from connectors.genetec.simulator.sessions import Sessions
from connectors.genetec.simulator.site import CustomEvent, Entity, Site
from connectors.genetec.simulator.websdk import RoleSettings, WebSdkRole
from connectors.protocols.live import LiveFeed
from connectors.protocols.rtsp.server import RtspServer
from connectors.protocols.serving import background, listening
from connectors.protocols.simulation import Announcement, Simulation
from core.errors import UsageError
from core.types import VmsCamera


@asynccontextmanager
async def start(simulation: Simulation) -> AsyncIterator[Announcement]:
    """Runs the Web SDK's two ports and the Media Gateway until the context is left."""
    arguments = simulation.arguments
    site = Site([name for name, _ in simulation.videos])
    alarm = _provision(site, arguments)
    sessions = Sessions(
        simulation.clock,
        _users(arguments),
        arguments.application_id,
        timeout_s=arguments.session_timeout,
        licensed_users=arguments.licensed_users,
    )
    role = _role(simulation, site, sessions)
    async with AsyncExitStack() as stack:
        rtsp = await _media_gateway(simulation, site, stack)
        tls = simulation.authority.server_context(simulation.names)
        stream_port = await stack.enter_async_context(
            listening(role.stream_app(), simulation.host, arguments.stream_port, ssl_context=tls)
        )
        base = f"{simulation.address}:{{}}/{arguments.base_uri}"
        stream_url = f"https://{base.format(stream_port)}/events"
        port = await stack.enter_async_context(
            listening(role.app(stream_url), simulation.host, arguments.port, ssl_context=tls)
        )
        stack.callback(role.close_streams)
        yield Announcement(
            simulator="security-center",
            url=f"https://{base.format(port)}",
            cameras=tuple(VmsCamera(device=camera.guid, name=camera.name) for camera in site.cameras),
            extra={
                "rtsp": f"rtsp://{simulation.address}:{rtsp.port}",
                "stream_port": stream_port,
                "application_id": arguments.application_id,
                "alarm": alarm.guid,
                "custom_events": {str(event.number): event.name for event in site.custom_events.values()},
            },
        )


def _role(simulation: Simulation, site: Site, sessions: Sessions) -> WebSdkRole:
    arguments, ledger, clock = simulation.arguments, simulation.ledger, simulation.clock
    alarms = AlarmDesk(site, sessions, ledger, clock)
    desk = EventDesk(site, sessions, alarms, ledger, clock)
    settings = RoleSettings(
        base_uri=arguments.base_uri,
        keep_alive_s=arguments.keep_alive,
        slow_s=arguments.slow,
        flat_errors=arguments.flat_errors,
    )
    commands = Commands(site, alarms, desk, Reports(site, alarms, ledger, arguments.report_limit))
    return WebSdkRole(settings, sessions, commands, simulation.faults)


def _provision(site: Site, arguments: argparse.Namespace) -> Entity:
    """The custom events and the alarm that each of them triggers, as an administrator would set them up."""
    alarm = site.add_alarm(arguments.alarm, arguments.reactivation_threshold)
    for text in arguments.custom_event or ["5000:Vigie"]:
        number, colon, name = text.partition(":")
        if not colon or not number.isdigit() or not name:
            raise UsageError(f"--custom-event {text!r} is not NUMBER:NAME", remedy='Write for example "5000:Vigie".')
        event = CustomEvent(number=int(number), name=name, entity_type="Camera")
        site.add_custom_event(event)
        if not arguments.no_event_to_action:
            site.link(event, alarm)
    return alarm


def _users(arguments: argparse.Namespace) -> dict[str, str]:
    users = {arguments.username: arguments.password}
    for text in arguments.extra_user:
        name, equals, password = text.partition("=")
        if not equals or not name:
            raise UsageError("--extra-user is not NAME=PASSWORD", remedy="Write name and password with '=' between.")
        users[name] = password
    return users


async def _media_gateway(simulation: Simulation, site: Site, stack: AsyncExitStack) -> RtspServer:
    cameras: dict[str, tuple[Entity, LiveFeed]] = {}
    for camera, (_, clip) in zip(site.cameras, simulation.videos, strict=True):
        feed = LiveFeed(clip, simulation.clock)
        await stack.enter_async_context(background(feed.run()))
        cameras[camera.guid] = (camera, feed)
    mounts = media_mounts(cameras, simulation.faults)
    server = RtspServer(
        simulation.host,
        simulation.arguments.rtsp_port,
        mounts,
        _users(simulation.arguments),
        clock=simulation.clock,
        realm="Media Gateway",
    )
    return await stack.enter_async_context(server)
