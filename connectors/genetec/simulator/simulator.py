"""Puts the simulated system together and runs it."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from connectors.genetec.simulator.acts import OperatorActs, ServerActs
from connectors.genetec.simulator.alarms import AlarmDesk
from connectors.genetec.simulator.commands import Commands
from connectors.genetec.simulator.events import EventDesk
from connectors.genetec.simulator.media import MediaCamera, media_mounts
from connectors.genetec.simulator.privileges import Privileges
from connectors.genetec.simulator.reports import Reports
from connectors.genetec.simulator.restarts import Restart, RolePorts
from connectors.genetec.simulator.sessions import Sessions
from connectors.genetec.simulator.site import CustomEvent, Entity, Site
from connectors.genetec.simulator.streams import StreamSettings
from connectors.genetec.simulator.websdk import RoleSettings, WebSdkRole
from connectors.protocols.live import LiveFeed
from connectors.protocols.recordings import CameraRecording, FeedRecording
from connectors.protocols.rtsp.server import RtspServer
from connectors.protocols.serving import background
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
    desks = _Desks.build(simulation, site, sessions)
    role = _role(simulation, desks, sessions)
    async with AsyncExitStack() as stack:
        media = await _media_gateway(simulation, desks, stack)
        media_restart = Restart(name="the Media Gateway", close=media.close, open=media.start)
        stack.push_async_callback(media_restart.end)
        ports = await _role_ports(simulation, role, stack)
        role_restart = Restart(name="the role", close=ports.close, open=ports.open)
        stack.push_async_callback(role_restart.end)
        if arguments.role_restart_every is not None:
            repeated = role_restart.every(arguments.role_restart_every, arguments.role_restart_seconds)
            await stack.enter_async_context(background(repeated))
        simulation.acts.update(OperatorActs(site=site, alarms=desks.alarms, events=desks.events).by_name())
        simulation.acts.update(ServerActs(role=role, role_restart=role_restart, media_restart=media_restart).by_name())
        yield Announcement(
            simulator="security-center",
            url=ports.url,
            cameras=tuple(VmsCamera(device=camera.guid, name=camera.name) for camera in site.cameras),
            extra={
                "rtsp": f"rtsp://{simulation.address}:{media.port}",
                "stream_port": ports.stream_port,
                "application_id": arguments.application_id,
                "alarm": alarm.guid if alarm else "",
                "custom_events": {str(event.number): event.name for event in site.custom_events.values()},
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desks:
    """What is written down and told."""

    site: Site
    alarms: AlarmDesk
    events: EventDesk

    @classmethod
    def build(cls, simulation: Simulation, site: Site, sessions: Sessions) -> _Desks:
        ledger, clock = simulation.ledger, simulation.clock
        alarms = AlarmDesk(site, sessions, ledger, clock, is_terse=simulation.arguments.terse)
        return cls(site=site, alarms=alarms, events=EventDesk(site, sessions, alarms, ledger, clock))


def _role(simulation: Simulation, desks: _Desks, sessions: Sessions) -> WebSdkRole:
    arguments = simulation.arguments
    streams = StreamSettings(
        keep_alive_s=arguments.keep_alive, slow_s=arguments.slow, longest_s=arguments.stream_seconds
    )
    settings = RoleSettings(
        base_uri=arguments.base_uri, streams=streams, slow_s=arguments.slow, flat_errors=arguments.flat_errors
    )
    privileges = Privileges(arguments.deny)
    reports = Reports(desks.site, desks.alarms, simulation.ledger, arguments.report_limit, privileges)
    commands = Commands(desks.site, desks.alarms, desks.events, reports, privileges)
    return WebSdkRole(settings, sessions, commands, simulation.faults)


async def _role_ports(simulation: Simulation, role: WebSdkRole, stack: AsyncExitStack) -> RolePorts:
    arguments = simulation.arguments
    ports = RolePorts(
        role=role,
        host=simulation.host,
        address=simulation.address,
        base_uri=arguments.base_uri,
        tls=simulation.authority.server_context(simulation.names),
        port=arguments.port,
        stream_port=arguments.stream_port,
        redirects=not arguments.no_stream_redirect,
    )
    await ports.open()
    stack.push_async_callback(ports.close)
    return ports


def _provision(site: Site, arguments: argparse.Namespace) -> Entity | None:
    """The custom events and the alarm that each of them triggers, as an administrator would set them up."""
    for name in _users(arguments):
        site.user(name)
    if arguments.fresh:
        return None
    alarm = site.add_alarm(arguments.alarm, arguments.reactivation_threshold)
    for text in arguments.custom_event or ["5000:Vigie"]:
        event = _custom_event(text)
        site.add_custom_event(event)
        if not arguments.no_event_to_action:
            site.link(event, alarm)
    for text in arguments.control_event:
        site.add_custom_event(_custom_event(text))
    return alarm


def _custom_event(text: str) -> CustomEvent:
    number, colon, name = text.partition(":")
    if not colon or not number.isdigit() or not name:
        raise UsageError(f"{text!r} is not NUMBER:NAME", remedy='Write for example "5000:Vigie".')
    return CustomEvent(number=int(number), name=name, entity_type="Camera")


def _users(arguments: argparse.Namespace) -> dict[str, str]:
    users = {arguments.username: arguments.password}
    for text in arguments.extra_user:
        name, equals, password = text.partition("=")
        if not equals or not name:
            raise UsageError("--extra-user is not NAME=PASSWORD", remedy="Write name and password with '=' between.")
        users[name] = password
    return users


async def _media_gateway(simulation: Simulation, desks: _Desks, stack: AsyncExitStack) -> RtspServer:
    cameras: dict[str, MediaCamera] = {}
    for entity, (_, clip) in zip(desks.site.cameras, simulation.videos, strict=True):
        feed = LiveFeed(clip, simulation.clock)
        await stack.enter_async_context(background(feed.run()))
        recording = await _recording(simulation, feed, stack)
        cameras[entity.guid] = MediaCamera(entity=entity, feed=feed, recording=recording)

    def note_reach(camera: Entity, is_lost: bool) -> None:
        if recording := cameras[camera.guid].recording:
            recording.note_reach(simulation.clock.utc(), is_lost=is_lost)

    desks.events.reach_observers.append(note_reach)
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


async def _recording(simulation: Simulation, feed: LiveFeed, stack: AsyncExitStack) -> CameraRecording | None:
    """What was recorded of a feed before the start, and is from now on."""
    reach_s, gap_s = simulation.arguments.recorded_seconds, simulation.arguments.recording_gap
    if not reach_s:
        return None
    recorded = FeedRecording(feed.clip, simulation.clock.utc(), reach_s, gap_s)
    await stack.enter_async_context(background(recorded.follow(feed)))
    return CameraRecording(recorded)
