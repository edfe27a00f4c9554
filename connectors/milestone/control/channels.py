"""What XProtect tells back: user-defined events and camera states on one channel, operators' verdicts on another."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from connectors.milestone.access.routes import Routes
from connectors.milestone.access.session import XProtectSession
from connectors.milestone.control.ess import EssSource
from connectors.milestone.control.ess_link import EssDialer
from connectors.milestone.control.ess_memory import EssMemory
from connectors.milestone.control.event_lines import EventLineSource
from connectors.milestone.control.verdicts import VerdictSource
from connectors.milestone.inventory.inventory import Inventory
from connectors.milestone.publish.alarm_service import AlarmService
from connectors.milestone.settings import MilestoneSettings
from core.contracts import Clock, ControlSource
from core.errors import RequestInvalid
from core.types import ControlMessage, UtcSeconds

EVENTS = "events"
VERDICTS = "verdicts"
CHANNELS = (EVENTS, VERDICTS)
"""Names of the channels that ``open_control`` opens."""


def open_control(
    channel: str,
    since: UtcSeconds,
    settings: MilestoneSettings,
    session: XProtectSession,
    inventory: Inventory,
    alarm_service: AlarmService,
    clock: Clock,
    *,
    memory: EssMemory,
    ca: Path | None,
    cameras: Collection[str] = (),
) -> ControlSource:
    """A fresh, unconnected source of one channel.

    ``memory`` outlives sources: the connector keeps one, so that a new source goes on where the last one was cut off.
    ``ca`` is the site's CA file. ``cameras`` are the device ids whose states are told; every camera that this account
    may see when empty. ``close`` of a source takes effect at once where it listens, and within ``timeout_s`` where it
    awaits the answer to a request.
    """
    if channel == EVENTS:
        dialer = EssDialer(settings, session, ca, clock)
        return _EventSource(
            session.routes,
            EssSource(settings, session, inventory, dialer, clock, memory=memory, since=since, cameras=cameras),
            EventLineSource(settings, inventory, alarm_service, clock, memory=memory, since=since),
        )
    if channel == VERDICTS:
        return VerdictSource(settings, session, alarm_service, clock, since=since)
    raise RequestInvalid(f"XProtect has no control channel {channel!r}", remedy=f"Known: {', '.join(CHANNELS)}.")


class _EventSource(ControlSource):
    """Events by the WebSocket where the release has it, else by the alarm service."""

    def __init__(self, routes: Routes, pushed: EssSource, asked: EventLineSource) -> None:
        self._routes = routes
        self._pushed = pushed
        self._asked = asked

    def messages(self) -> Iterator[ControlMessage]:
        source: ControlSource = self._pushed if self._routes.has_events_websocket() else self._asked
        yield from source.messages()

    def close(self) -> None:
        self._pushed.close()
        self._asked.close()
