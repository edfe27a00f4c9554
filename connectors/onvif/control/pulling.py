"""Keeps one pull point of a bridge: makes or resumes it, pulls, renews, and ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from connectors.onvif.client.client import OnvifClient
from connectors.onvif.client.events import Pulled, Subscription, TopicName
from connectors.onvif.client.faults import ActionNotSupported, FilterRefused, SubscriptionEnded
from connectors.onvif.client.notifications import Notification
from connectors.onvif.control.memory import PullPointMemory
from connectors.onvif.control.patterns import EventPattern
from connectors.onvif.control.telling import is_loss_topic
from connectors.onvif.settings import OnvifSettings
from core.contracts import Clock
from core.errors import VmsError, VmsRefused

LIFE_S: Final = 120
"""A pull point that nobody asks lives so long: a short outage leaves what waits in it to be resumed."""

WAIT_S: Final = 20
"""Longest wait of one pull. It ends early when a message comes, or the pull point is ended."""

_RENEW_BELOW_S: Final = LIFE_S / 2
_SWIFT_S: Final = 0.5
"""An empty answer this soon is against the standard ("never answer empty before the timeout", SPEC:Core)."""
_PACE_S: Final = 1.0
_LEAVE_S: Final = 2.0

_log = structlog.get_logger(component="onvif")


class Puller:
    """Runs in a thread of its own. ``closed`` ends it at its next answer, which ``leave`` brings about."""

    def __init__(
        self,
        settings: OnvifSettings,
        client: OnvifClient,
        memory: PullPointMemory,
        patterns: Sequence[EventPattern],
        clock: Clock,
        closed: threading.Event,
    ) -> None:
        self._settings = settings
        self._client = client
        self._events = client.events
        self._memory = memory
        self._patterns = patterns
        self._clock = clock
        self._closed = closed
        self._can_renew = True
        self._ahead_s = 0.0

    def run(self, linked: Callable[[], None], hand: Callable[[Notification, float], None]) -> None:
        """Until closed, or a ``VmsError``; ``linked`` once it is subscribed, ``hand`` with each message."""
        subscription, waiting = self._attached()
        try:
            linked()
            self._deal_with(subscription, waiting, hand)
            self._synchronise(subscription)
            while not self._closed.is_set():
                began = self._clock.monotonic()
                pulled = self._events.pull(subscription, WAIT_S)
                self._deal_with(subscription, pulled, hand)
                if not pulled.messages and self._clock.monotonic() - began < _SWIFT_S:
                    self._closed.wait(_PACE_S)
        except SubscriptionEnded:
            self._memory.release(subscription)
            raise
        finally:
            if self._closed.is_set():
                self.leave(subscription)

    def leave(self, subscription: Subscription | None) -> None:
        """Ends the pull point, if it is still ours; by this, a pull that waits is answered."""
        if subscription is None or not self._memory.release(subscription):
            return
        try:
            self._events.unsubscribe(subscription, _LEAVE_S)
        except VmsError as error:
            _log.info("the pull point is left to expire", vms=self._settings.id, reason=str(error))

    def _attached(self) -> tuple[Subscription, Pulled | None]:
        """The pull point that the last connection left, with what waits in it, or a new one."""
        wanted = frozenset(pattern.topic for pattern in self._patterns)
        old = self._memory.resumable(wanted)
        if old is not None:
            try:
                return old, self._events.pull(old, 1)
            except SubscriptionEnded:
                self._memory.release(old)
            except VmsRefused:
                self._memory.release(old)
                raise
        subscription = self._subscribed(self._topics(wanted))
        self._memory.keep(subscription, wanted)
        self._note_clock(subscription.bridge_ahead_s)
        return subscription, None

    def _subscribed(self, topics: Sequence[TopicName]) -> Subscription:
        try:
            return self._events.subscribe(topics, LIFE_S)
        except FilterRefused as error:
            if not topics:
                raise
            _log.warning("the bridge takes no event filter", vms=self._settings.id, reason=str(error))
            return self._events.subscribe((), LIFE_S)

    def _topics(self, wanted: frozenset[str]) -> list[TopicName]:
        """Those of the bridge that matter here; none, which means all, where not each that the settings name is there."""
        try:
            offered = self._events.topics()
        except ActionNotSupported:
            return []
        chosen = [topic for topic in offered if topic.path in wanted or is_loss_topic(topic.path)]
        missing = wanted - {topic.path for topic in chosen}
        for topic in sorted(wanted):
            if topic not in missing:
                self._memory.settled(topic)
            elif self._memory.complains_first_time(topic):
                remedy = "Run 'vigie check': it lists the topics that the bridge has."
                _log.warning("control_event_unknown", vms=self._settings.id, event_name=topic, remedy=remedy)
        return [] if missing else chosen

    def _synchronise(self, subscription: Subscription) -> None:
        try:
            self._events.synchronise(subscription)
        except ActionNotSupported as error:
            _log.info("the bridge does not tell present states", vms=self._settings.id, reason=str(error))

    def _deal_with(
        self, subscription: Subscription, pulled: Pulled | None, hand: Callable[[Notification, float], None]
    ) -> None:
        if pulled is None:
            return
        self._note_clock(pulled.bridge_ahead_s)
        if pulled.unreadable and self._memory.complains_first_time("unreadable"):
            _log.warning("events cannot be read", vms=self._settings.id, count=pulled.unreadable)
        for notification in pulled.messages:
            hand(notification, self._ahead_s)
        if self._can_renew and pulled.remaining_s is not None and pulled.remaining_s < _RENEW_BELOW_S:
            self._renew(subscription)

    def _renew(self, subscription: Subscription) -> None:
        try:
            self._events.renew(subscription, LIFE_S)
        except ActionNotSupported:
            self._can_renew = False

    def _note_clock(self, ahead_s: float | None) -> None:
        self._ahead_s = ahead_s or 0.0
        if abs(self._ahead_s) <= self._settings.clock_skew_s:
            self._memory.settled("clock")
        elif self._memory.complains_first_time("clock"):
            _log.warning(
                "the bridge's clock is wrong",
                vms=self._settings.id,
                ahead_s=round(self._ahead_s, 1),
                remedy="Give the VMS and this machine the same NTP time source.",
            )
