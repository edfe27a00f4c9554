"""The queues of those who subscribed. Each pull point gets every message once, in order, and keeps it until it is sent.

Confined to one event loop. Facts: SPEC:Core "Real-time Pull-Point Notification Interface".
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from connectors.onvif.device.event_faults import creation_failed, resource_unknown, unable_to_get_messages
from connectors.onvif.device.filters import TopicFilter
from connectors.onvif.device.ledger import Ledger
from connectors.onvif.device.notifications import Notification
from core.contracts import Clock
from core.types import UtcSeconds

PULL_POINT_PATH: Final = "/onvif/pull_point/"
"""What the addresses of pull points begin with; the name follows."""

DEFAULT_LIFETIME_S: Final = 60.0
"""Of a pull point whose client asks for no time."""

MAX_QUEUED: Final = 1_000
"""Messages that one pull point keeps. A subscriber that is so far behind gets no new alerts until it pulls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A message in a queue. ``key``: of the alert whose taking it proves; None for states that fall or are repeated."""

    notification: Notification
    key: UUID | None = None


class PullPoint:
    """One subscription. ``name`` is unguessable and stands in its address."""

    def __init__(self, clock: Clock, topics: TopicFilter, lifetime_s: float, *, changed_only: bool) -> None:
        self.name = uuid4().hex
        self.topics = topics
        self._clock = clock
        self._changed_only = changed_only
        self._lifetime_s = lifetime_s
        self._ends_at = clock.monotonic() + lifetime_s
        self._queue: deque[Queued] = deque()
        self._raised: set[object] = set()
        self._turn = 0
        self._pulls = 0
        self._made_at = clock.monotonic()
        self._pulled_at = float("-inf")
        self._wake = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether its time ran out."""
        return self._clock.monotonic() >= self._ends_at

    @property
    def terminates_at(self) -> UtcSeconds:
        """When it ends unless somebody pulls or renews."""
        return self._clock.utc() + self._ends_at - self._clock.monotonic()

    @property
    def queued(self) -> int:
        """Messages that wait."""
        return len(self._queue)

    @property
    def pulls(self) -> int:
        """Requests that wait for a message now."""
        return self._pulls

    @property
    def age_s(self) -> float:
        """How long it exists."""
        return self._clock.monotonic() - self._made_at

    def is_attended(self, within_s: float) -> bool:
        """Whether somebody pulls, or did so just now: who waits for messages comes again at once."""
        return self._pulls > 0 or self._clock.monotonic() - self._pulled_at <= within_s

    def has_room(self, messages: int) -> bool:
        """Whether so many messages of a new alert fit."""
        return len(self._queue) + messages <= MAX_QUEUED

    def renew(self, lifetime_s: float) -> None:
        """A new termination time, counted from now; later pulls keep it up."""
        self._lifetime_s = lifetime_s
        self._ends_at = self._clock.monotonic() + lifetime_s

    def offer(self, messages: Sequence[Queued]) -> None:
        """Queues messages of an alert, and wakes whoever pulls."""
        for message in messages:
            if message.notification.state:
                self._raised.add(message.notification.subject)
            self._queue.append(message)
        self._wake.set()

    def lower(self, fallen: Notification) -> None:
        """The state fell: told to those who were told that it was up."""
        if fallen.subject in self._raised:
            self._raised.discard(fallen.subject)
            self.offer([Queued(notification=fallen)])

    def synchronise(self, present: Sequence[Notification]) -> None:
        """Queues the present state of every wanted property; takes the place of an earlier one that still waits."""
        if self._changed_only:
            return
        waiting = [item for item in self._queue if item.notification.operation != "Initialized"]
        self._queue = deque(waiting)
        self.offer([Queued(notification=item) for item in present if self.topics.wants(item.topic)])

    async def pull(self, timeout_s: float, limit: int) -> Sequence[Queued]:
        """Takes up to ``limit`` messages, at once or as soon as there is one; none when time runs out.

        Of two pulls at a time the later one goes on and the earlier gets the fault: the specification would refuse the
        later one, but then a client whose connection died unnoticed would lose what is written into that connection.
        """
        self._turn += 1
        turn = self._turn
        self._wake.set()  # whoever still pulls must give way
        self._extend(timeout_s)
        self._pulls += 1
        try:
            async with asyncio.timeout(timeout_s):
                while not self._queue:
                    self._wake.clear()
                    await self._wake.wait()
                    self._require_turn(turn)
        except TimeoutError:
            self._require_turn(turn)
        finally:
            self._pulls -= 1
            self._pulled_at = self._clock.monotonic()
        self._extend(timeout_s)
        return [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]

    def give_back(self, messages: Sequence[Queued]) -> None:
        """Puts what was not sent to the front again."""
        self._queue.extendleft(reversed(messages))
        self._wake.set()

    def end(self) -> Sequence[Queued]:
        """Ends it: whoever pulls gets the fault. Returns what nobody will get."""
        left = tuple(self._queue)
        self._queue.clear()
        self._ends_at = self._clock.monotonic()
        self._turn = 0
        self._wake.set()
        return left

    def _extend(self, timeout_s: float) -> None:
        """Pulling keeps it alive, for at least the pull's own time-out after the answer."""
        self._ends_at = max(self._ends_at, self._clock.monotonic() + max(timeout_s, self._lifetime_s))

    def _require_turn(self, turn: int) -> None:
        if not self._turn:
            raise resource_unknown(self._clock.utc())
        if self._turn != turn:
            raise unable_to_get_messages(self._clock.utc())


class PullPoints:
    """All pull points, and the proof of what their subscribers were sent.

    ``present`` gives the state of every property now, as ``Initialized``; ``joined`` is called with each new one.
    """

    def __init__(
        self,
        clock: Clock,
        limit: int,
        ledger: Ledger,
        present: Callable[[], Sequence[Notification]],
        joined: Callable[[PullPoint], None],
    ) -> None:
        self._clock = clock
        self._limit = limit
        self._ledger = ledger
        self._present = present
        self._joined = joined
        self._points: dict[str, PullPoint] = {}
        self.broken = 0
        """Answers with messages that could not be sent whole."""

    def live(self) -> Sequence[PullPoint]:
        """Those whose time has not run out; the others end here."""
        for point in [point for point in self._points.values() if point.is_over]:
            self.end(point)
        return tuple(self._points.values())

    def create(self, topics: TopicFilter, lifetime_s: float | None, *, changed_only: bool) -> PullPoint:
        """A new one, which is told the present states, and nothing that others have. Raises ``Fault`` when all are in use."""
        if len(self.live()) >= self._limit:
            raise creation_failed(self._clock.utc(), self._limit)
        point = PullPoint(self._clock, topics, lifetime_s or DEFAULT_LIFETIME_S, changed_only=changed_only)
        self._points[point.name] = point
        point.synchronise(self._present())
        self._joined(point)
        return point

    def at(self, path: str) -> PullPoint:
        """The live one of that address. Raises ``Fault`` where there is none."""
        self.live()
        point = self._points.get(path.removeprefix(PULL_POINT_PATH)) if path.startswith(PULL_POINT_PATH) else None
        if point is None:
            raise resource_unknown(self._clock.utc())
        return point

    def synchronise(self, point: PullPoint) -> None:
        """Repeats the present states to it."""
        point.synchronise(self._present())

    def end(self, point: PullPoint) -> None:
        """Ends it. Alerts that only it held become unknown, so that they are published again."""
        self._points.pop(point.name, None)
        for message in point.end():
            if message.key is not None:
                self._ledger.dropped(message.key, point.name)

    def settle(self, point: PullPoint, messages: Sequence[Queued], is_written: bool) -> None:
        """What became of an answer: written, its alerts are taken; broken, its messages wait again, before all others."""
        if not is_written:
            self.broken += 1
        if not is_written and point.name in self._points:
            point.give_back(messages)
            return
        settle = self._ledger.written if is_written else self._ledger.dropped
        for message in messages:
            if message.key is not None:
                settle(message.key, point.name)
