"""What Security Center tells back: custom events and camera states on one channel, operators' verdicts on another.

Each channel has an event stream of its own. Unverified: that one account may have two; where it may not, they take turns,
and what one misses its reports tell at the next link.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from connectors.genetec.access.websdk import WebSdk
from connectors.genetec.control.camera_states import CameraStates
from connectors.genetec.control.event_stream import EventStreams
from connectors.genetec.control.events import EventSource
from connectors.genetec.control.memory import ControlMemory
from connectors.genetec.control.verdicts import VerdictSource
from connectors.genetec.publish.publisher import actions_of
from connectors.genetec.settings import GenetecSettings
from core.contracts import Clock, ControlSource
from core.errors import RequestInvalid
from core.types import UtcSeconds

EVENTS = "events"
VERDICTS = "verdicts"
CHANNELS = (EVENTS, VERDICTS)
"""Names of the channels that ``Control.open`` opens."""


def channels_of(settings: GenetecSettings) -> tuple[str, ...]:
    """Only an alarm that an event of ours triggered can be traced to its alert."""
    return CHANNELS if "event" in actions_of(settings) else (EVENTS,)


@dataclass(slots=True, kw_only=True)
class Control:
    """Opens channels; what outlives their connections is kept here. Thread-safe."""

    settings: GenetecSettings
    sdk: WebSdk
    streams: EventStreams
    clock: Clock
    cameras: Collection[str] = ()
    """Device ids of the cameras whose states are told."""
    _memory: ControlMemory = field(default_factory=ControlMemory)
    _states: CameraStates = field(default_factory=CameraStates)

    def open(self, channel: str, since: UtcSeconds) -> ControlSource:
        """A fresh, unconnected source of one channel.

        Its ``close`` takes effect at once where it listens, and within ``timeout_s`` where it awaits an answer.
        """
        if channel == EVENTS:
            return EventSource(
                self.settings,
                self.streams,
                self.sdk,
                self.clock,
                memory=self._memory,
                states=self._states,
                since=since,
                cameras=self.cameras,
            )
        if channel == VERDICTS:
            return VerdictSource(self.settings, self.streams, self.sdk, self.clock, memory=self._memory, since=since)
        raise RequestInvalid(
            f"Security Center has no control channel {channel!r}", remedy=f"Known: {', '.join(CHANNELS)}."
        )
