"""Puts together what tells the outside world of alarms and events: the SOAP alarm service and the WebSocket."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from aiohttp import web

from connectors.milestone.simulator.alarms.acts import AlarmActs
from connectors.milestone.simulator.alarms.book import AlarmBook
from connectors.milestone.simulator.alarms.lines import LineSessions, alarm_line, event_lines
from connectors.milestone.simulator.alarms.operations import Operations
from connectors.milestone.simulator.alarms.service import AlarmServer
from connectors.milestone.simulator.arguments import port
from connectors.milestone.simulator.events.book import EventBook
from connectors.milestone.simulator.events.camera_state import CameraStates
from connectors.milestone.simulator.events.ess_sessions import EssSessions
from connectors.milestone.simulator.events.websocket import EventsWebSocket
from connectors.milestone.simulator.idp.tokens import Tokens
from connectors.milestone.simulator.site import Site
from connectors.milestone.simulator.web.publishing import PublishGate
from connectors.protocols.arguments import seconds
from connectors.protocols.simulation import Simulation


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOptions:
    """As parsed."""

    alarm_port: int
    resume_s: float
    state_s: float

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> EventOptions:
        """From the parsed command line."""
        return cls(
            alarm_port=arguments.alarm_port,
            resume_s=arguments.ess_resume_seconds,
            state_s=arguments.ess_state_seconds,
        )


def add_event_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares all of them."""
    group = parser.add_argument_group("alarms and events")
    group.add_argument(
        "--alarm-port",
        type=port,
        default=0,
        metavar="N",
        help="SOAP alarm service; 22331 on a real site (default: a free one)",
    )
    group.add_argument(
        "--ess-resume-seconds",
        type=seconds,
        default=30.0,
        metavar="S",
        help="a session of the Events & State WebSocket can be resumed for so long (default: %(default)g)",
    )
    group.add_argument(
        "--ess-state-seconds",
        type=seconds,
        default=0.0,
        metavar="S",
        help="how long getState takes; minutes on large sites (default: %(default)g)",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventServices:
    """The servers, connected to the books whose changes they tell."""

    alarm_server: AlarmServer
    websocket: EventsWebSocket
    states: CameraStates

    @classmethod
    def build(
        cls,
        simulation: Simulation,
        options: EventOptions,
        *,
        site: Site,
        tokens: Tokens,
        gate: PublishGate,
        alarms: AlarmBook,
        events: EventBook,
        user: str,
        sockets: set[web.WebSocketResponse],
    ) -> EventServices:
        """Also adds the operators' acts to the simulation."""
        clock, faults = simulation.clock, simulation.faults
        states = CameraStates(site, clock)
        sessions = EssSessions(clock, options.resume_s, states.current)
        events.observers.append(sessions.publish)
        states.observers.append(sessions.publish)
        simulation.acts.update(AlarmActs(site=site, alarms=alarms, events=events).by_name())
        operations = Operations(
            site=site,
            alarms=alarms,
            events=events,
            alarm_sessions=LineSessions(lambda: map(alarm_line, alarms.alarms.values()), clock, faults),
            event_sessions=LineSessions(lambda: event_lines(events), clock, faults),
            user=user,
        )
        return cls(
            alarm_server=AlarmServer(tokens=tokens, gate=gate, operations=operations),
            websocket=EventsWebSocket(
                site=site,
                tokens=tokens,
                faults=faults,
                sessions=sessions,
                state_s=options.state_s,
                sockets=sockets,
            ),
            states=states,
        )
