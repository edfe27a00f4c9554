"""Takes alerts, and hands them to whoever subscribed. What nobody was sent stays the core's.

An alert is ``taken`` when an answer that held all its messages was completely written to a subscriber's connection. An
answer that broke gives its messages back, so a client that lost the connection at the very last byte may see an alert
again: it then carries the same id (``Delivery.token``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from lxml import etree

from connectors.onvif.device.calls import Operation
from connectors.onvif.device.ledger import AlertState, Ledger
from connectors.onvif.device.model import Channel, Device
from connectors.onvif.device.notifications import Notification, notifications_of, resting
from connectors.onvif.device.pull_points import PullPoint, PullPoints, Queued
from connectors.onvif.device.services import events
from core.errors import NotFoundInVms, VmsError, VmsRefused, VmsUnavailable
from core.types import Alert, Delivery, UtcSeconds

PULSE_S: Final = 1.0
"""How long a state stays true: long enough for a person to see it, short enough that the next alert rises again."""

SETTLED_S: Final = 10.0
"""A VMS that connects has made all its subscriptions by then; what none of them wants is not wanted."""

ACTION: Final = "event"
"""The delivery action of an alert's events; its key's token stands in the messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raised:
    notification: Notification
    timer: asyncio.TimerHandle


class EventHub:
    """Confined to the event loop of the device. ``close`` ends every pull point."""

    def __init__(self, device: Device, *, pulse_s: float = PULSE_S) -> None:
        self._device = device
        self._pulse_s = pulse_s
        self._ledger = Ledger()
        limit = events.max_pull_points(device)
        self._points = PullPoints(device.clock, limit, self._ledger, self._present, self._catch_up)
        self._raised: dict[object, _Raised] = {}
        self._published = 0
        self._refused_full = 0

    def operations(self) -> Sequence[Operation]:
        """Everything that the event service and its pull points answer."""
        return events.operations(self._device, self._points)

    def publish(self, alert: Alert, key: UUID) -> None:
        """Queues the alert for every subscriber that wants it and does not have it yet; once taken it is not told again.

        Raises ``VmsUnavailable`` when nobody is there to take it, ``VmsRefused`` when everybody leaves it out by a topic
        filter (the alerts behind it must not wait for it), ``NotFoundInVms`` for a camera that is no channel.
        """
        if self._ledger.state_of(key) == "taken":
            return
        rises = notifications_of(alert, self._channel(alert), Delivery.token_of(key))
        wanted = [(point, _wanted(point, rises, key)) for point in self._points.live()]
        wanted = [(point, messages) for point, messages in wanted if messages]
        if not wanted:
            raise self._nobody_wants(alert)
        holders = self._ledger.holders(key)
        fresh = [(point, messages) for point, messages in wanted if point.name not in holders]
        room = [(point, messages) for point, messages in fresh if point.has_room(len(messages))]
        self._refused_full += len(fresh) - len(room)
        if not holders and not room:
            raise self._all_full()
        if room:
            self._tell(key, rises, room)

    async def wait_taken(self, key: UUID, timeout_s: float) -> bool:
        """Waits until a subscriber was sent it; False when time runs out, or nobody holds it any more."""
        return await self._ledger.wait_taken(key, timeout_s)

    def state_of(self, key: UUID) -> AlertState:
        """Where it stands. ``unknown`` also after a restart: pull points and their queues do not survive one."""
        points = self._points.live()
        if rises := self._ledger.rises(key):
            self._tell_more(key, rises, points)
        return self._ledger.state_of(key)

    def is_awaited(self, key: UUID, within_s: float) -> bool:
        """Whether one of those who hold it pulls now, or did within that time."""
        holders = self._ledger.holders(key)
        return any(point.name in holders and point.is_attended(within_s) for point in self._points.live())

    def notification(self, alert: Alert, channel: Channel) -> Sequence[etree._Element]:
        """The alert as ``wsnt:NotificationMessage`` elements for ``tt:Event`` of a metadata document."""
        key = Delivery.derive_key(alert.alert_id, self._device.settings.id, ACTION)
        return [item.element() for item in notifications_of(alert, channel, Delivery.token_of(key))]

    def statistics(self) -> Mapping[str, float]:
        """Counters since start, and how many subscribe now and what waits for them."""
        points = self._points.live()
        return {
            "subscribers": len(points),
            "pulls_waiting": sum(point.pulls for point in points),
            "queued_messages": sum(point.queued for point in points),
            "alerts_published": self._published,
            "alerts_taken": self._ledger.taken,
            "answers_broken": self._points.broken,
            "alerts_refused_full": self._refused_full,
        }

    def close(self) -> None:
        """Ends every pull point and timer. May be called twice."""
        for raised in self._raised.values():
            raised.timer.cancel()
        self._raised.clear()
        for point in self._points.live():
            self._points.end(point)

    def _channel(self, alert: Alert) -> Channel:
        channel = self._device.channel(alert.camera_id)
        if channel is None:
            raise NotFoundInVms(
                f"camera {alert.camera_id} is no channel of the ONVIF device",
                remedy="Restart the service after cameras were added to the site file, then refresh the device in the VMS.",
            )
        return channel

    def _tell(
        self, key: UUID, rises: Sequence[Notification], targets: Sequence[tuple[PullPoint, Sequence[Queued]]]
    ) -> None:
        self._published += self._ledger.state_of(key) == "unknown"
        for rise in rises:
            self._fall(rise.subject, rise.at)
        for point, messages in targets:
            self._ledger.queued(key, rises, point.name, len(messages))
            point.offer(messages)
        for rise in rises:
            self._raise(rise)

    def _catch_up(self, point: PullPoint) -> None:
        """Who subscribes gets the alerts that nobody took yet: a VMS that crashed comes back by a new pull point."""
        for key, rises in self._ledger.waiting():
            self._tell_more(key, rises, [point])

    def _tell_more(self, key: UUID, rises: Sequence[Notification], points: Sequence[PullPoint]) -> None:
        """Those who had no room when it came, or came later and had none: who holds it may never fetch it."""
        holders = self._ledger.holders(key)
        wanted = [(point, _wanted(point, rises, key)) for point in points if point.name not in holders]
        room = [(point, messages) for point, messages in wanted if messages and point.has_room(len(messages))]
        if room:
            self._tell(key, rises, room)

    def _raise(self, rise: Notification) -> None:
        if rise.state is not None:
            falls_at = rise.at + self._pulse_s
            timer = asyncio.get_running_loop().call_later(self._pulse_s, self._fall, rise.subject, falls_at)
            self._raised[rise.subject] = _Raised(notification=rise, timer=timer)

    def _fall(self, subject: object, at: UtcSeconds) -> None:
        """A state that is up falls: when its pulse ends, or at once before the next alert, so that every alert rises."""
        raised = self._raised.pop(subject, None)
        if raised is None:
            return
        raised.timer.cancel()
        for point in self._points.live():
            point.lower(raised.notification.fallen(at))

    def _present(self) -> Sequence[Notification]:
        now = self._device.clock.utc()
        rest = (item for channel in self._device.channels for item in resting(channel))
        up = {subject: raised.notification for subject, raised in self._raised.items()}
        return [up.get(item.subject, item).initialized(now) for item in rest]

    def _nobody_wants(self, alert: Alert) -> VmsError:
        points = self._points.live()
        if points and min(point.age_s for point in points) > SETTLED_S:
            return VmsRefused(
                f"everybody who subscribed leaves out the events of rule {alert.rule_id} of camera {alert.camera_id}",
                remedy=f"Widen the topic filter in the VMS of {self._device.settings.id} if it is to have them.",
            )
        return VmsUnavailable(
            f"nobody is subscribed to the events of camera {alert.camera_id}",
            remedy=f"Add the device to the VMS of {self._device.settings.id}, or look there why it is not connected; "
            "a subscription's topic filter may also leave these events out.",
        )

    def _all_full(self) -> VmsUnavailable:
        return VmsUnavailable(
            "everybody who subscribed has stopped fetching events: their queues are full",
            remedy=f"Look at the VMS of {self._device.settings.id}: its recording or event server may hang.",
        )


def _wanted(point: PullPoint, rises: Sequence[Notification], key: UUID) -> Sequence[Queued]:
    return [Queued(notification=rise, key=key) for rise in rises if point.topics.wants(rise.topic)]
