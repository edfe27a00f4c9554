"""From a bridge's notifications to what Vigie is told: events that the settings name, and cameras lost or back.

That a lost signal is ``VideoSource/SignalLoss`` with a Boolean is common practice, not in our notes, and which topic a
VMS's bridge sends, if any, is unverified; ``VideoLoss`` is XProtect's name of it (research, milestone.md §7).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

from connectors.onvif.client.notifications import Notification, Operation
from connectors.onvif.control.memory import PullPointMemory
from connectors.onvif.control.patterns import EventPattern
from core.contracts import Clock
from core.types import CameraReported, ControlMessage, EventSeen, UtcSeconds

LOSS_TOPICS: Final = frozenset({"SignalLoss", "VideoLoss"})
"""Parts of a topic that tell of a lost camera."""

LOSS_CAUSE: Final = "the VMS has no signal from this camera"

_SOURCE_ITEMS: Final = (
    "VideoSourceToken",
    "VideoSource",
    "Source",
    "VideoSourceConfigurationToken",
    "VideoSourceConfiguration",
    "Token",
)
"""Names under which a message tells its camera, the likeliest first (A3, A5)."""

_STATE_ITEMS: Final = ("State", "IsLost", "SignalLoss", "VideoLoss", "Loss", "IsSignalLoss")
_TRUTHS: Final = {"true": True, "1": True, "false": False, "0": False}
_NOTICEABLE_S: Final = 2.0
"""Clocks that differ by less agree: what is told is told in whole seconds."""


def is_loss_topic(topic: str) -> bool:
    """Whether a topic, without its prefixes, tells of lost cameras."""
    return not LOSS_TOPICS.isdisjoint(topic.split("/"))


class Telling:
    """Decides what is new. ``devices_of``: a token of a message → the devices of the settings that it means."""

    def __init__(
        self,
        patterns: Sequence[EventPattern],
        memory: PullPointMemory,
        clock: Clock,
        since: UtcSeconds,
        devices_of: Callable[[str], Collection[str]],
    ) -> None:
        self._patterns = patterns
        self._topics = frozenset(pattern.topic for pattern in patterns)
        self._memory = memory
        self._clock = clock
        self._since = since
        self._devices_of = devices_of

    def told(self, notification: Notification, bridge_ahead_s: float) -> Iterator[ControlMessage]:
        """What this message adds. Times are brought to our clock where the bridge's is wrong.

        A message counts as told only once the messages that it makes were taken: what follows it is told again else.
        """
        if notification.topic not in self._topics and not is_loss_topic(notification.topic):
            return
        at = self._local_time(notification, bridge_ahead_s)
        subject, said = notification.subject, _said(notification)
        last = self._memory.last_said(subject)
        if notification.operation is Operation.DELETED or said == last:
            return
        if is_loss_topic(notification.topic):
            yield from self._reports(notification, at)
        if self._is_news(notification, at, last):
            for pattern in self._patterns:
                is_there = notification.operation is Operation.INITIALIZED
                if pattern.matches(notification) and (pattern.asks_for_a_state or not is_there):
                    yield EventSeen(event=pattern.event, at=at, event_id=notification.event_id)
        self._memory.said(subject, said)

    def _is_news(self, notification: Notification, at: UtcSeconds, last: str | None) -> bool:
        """A present state is news where it differs from what was told last; at first, where it is younger."""
        if notification.operation is not Operation.INITIALIZED:
            return True
        if last is None:
            return at > self._since
        return _state_of(last) != notification.state

    def _reports(self, notification: Notification, at: UtcSeconds) -> Iterator[CameraReported]:
        is_lost = _first_truth(notification)
        token = next((notification.source[name] for name in _SOURCE_ITEMS if notification.source.get(name)), "")
        if is_lost is None or not token:
            return
        for device in self._devices_of(token):
            yield CameraReported(device=device, is_lost=is_lost, at=at, cause=LOSS_CAUSE if is_lost else "")

    def _local_time(self, notification: Notification, bridge_ahead_s: float) -> UtcSeconds:
        if notification.at is None:
            return self._clock.utc()
        return notification.at - (bridge_ahead_s if abs(bridge_ahead_s) > _NOTICEABLE_S else 0.0)


def _said(notification: Notification) -> str:
    return f"{notification.stamp}\n{notification.state}"


def _state_of(said: str) -> str:
    return said.partition("\n")[2]


def _first_truth(notification: Notification) -> bool | None:
    """The Boolean that tells the state; None where there is none."""
    named = [notification.data[name] for name in _STATE_ITEMS if name in notification.data]
    for value in [*named, *notification.data.values()]:
        if value.lower() in _TRUTHS:
            return _TRUTHS[value.lower()]
    return None
