"""Pull points: what each subscriber still has to be told (SPEC:Core "Pull messages", OASIS WS-BaseNotification)."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from connectors.onvif.simulator.camera.topics import Message, matches
from core.contracts import Clock

DEFAULT_LIFE_S: Final = 60.0
LONGEST_LIFE_S: Final = 600.0
_MAX_WAITING: Final = 500
"""Messages that wait for one subscriber; then the oldest are lost and counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicFilter:
    """One ``wsnt:TopicExpression`` of a subscription, with the prefixes that are bound where it stands."""

    expression: str
    dialect: str
    prefixes: dict[str, str]

    def takes(self, topic: str) -> bool:
        """Whether a topic is asked for. Raises ``ValueError`` for what is no expression."""
        return matches(topic, self.expression, self.dialect, self.prefixes)


@dataclass(slots=True, kw_only=True)
class PullPoint:
    """One subscription. ``ends_at`` is monotonic time; each pull puts it off by ``life_s``."""

    token: str
    filters: tuple[TopicFilter, ...]
    life_s: float
    ends_at: float
    dropped: int = 0
    waiting: deque[Message] = field(default_factory=deque)
    is_over: bool = False
    _told: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, messages: Iterable[Message]) -> None:
        """Queues what the filters let through."""
        for message in messages:
            if self.filters and not any(one.takes(message.topic) for one in self.filters):
                continue
            if len(self.waiting) >= _MAX_WAITING:
                self.waiting.popleft()
                self.dropped += 1
            self.waiting.append(message)
            self._told.set()

    async def take(self, limit: int, timeout_s: float) -> list[Message]:
        """At most ``limit`` messages, at once where some wait; none once the time, or the subscription, is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not self.waiting and not self.is_over:
                    self._told.clear()
                    await self._told.wait()
        return [self.waiting.popleft() for _ in range(min(limit, len(self.waiting)))]

    def end(self) -> None:
        """Whoever pulls gets an answer now."""
        self.is_over = True
        self._told.set()


class PullPoints:
    """All of them, and the state of every property. One event loop only."""

    def __init__(self, clock: Clock, limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._points: dict[str, PullPoint] = {}
        self._states: dict[tuple[str, tuple[tuple[str, str], ...]], Message] = {}

    @property
    def is_full(self) -> bool:
        """Whether another subscriber would be one too many."""
        self._drop_expired()
        return len(self._points) >= self._limit

    def open(self, filters: tuple[TopicFilter, ...], life_s: float) -> PullPoint:
        """A new subscription; the state of every property comes first, as ``Initialized``."""
        point = PullPoint(
            token=secrets.token_hex(8), filters=filters, life_s=life_s, ends_at=self._clock.monotonic() + life_s
        )
        self._points[point.token] = point
        self.synchronise(point)
        return point

    def find(self, token: str) -> PullPoint | None:
        """The living subscription of that token."""
        self._drop_expired()
        return self._points.get(token)

    def prolong(self, point: PullPoint, life_s: float | None = None) -> None:
        """From now on it lives so long again."""
        point.life_s = point.life_s if life_s is None else life_s
        point.ends_at = self._clock.monotonic() + point.life_s

    def close(self, point: PullPoint) -> None:
        """Ends one."""
        self._points.pop(point.token, None)
        point.end()

    def close_all(self) -> int:
        """Ends every one, as a restart does; tells how many there were."""
        points = list(self._points.values())
        for point in points:
            self.close(point)
        return len(points)

    def synchronise(self, point: PullPoint) -> None:
        """Queues the present state of every property."""
        point.offer(state.initialized() for state in self._states.values())

    def tell(self, message: Message) -> int:
        """Queues an event everywhere, and remembers the state of a property; tells how many heard it."""
        if message.operation:
            self._states[message.what] = message
        self._drop_expired()
        for point in self._points.values():
            point.offer([message])
        return len(self._points)

    def remember(self, message: Message) -> None:
        """The state of a property before anything happened."""
        self._states[message.what] = message

    def _drop_expired(self) -> None:
        now = self._clock.monotonic()
        for point in [point for point in self._points.values() if point.ends_at <= now]:
            self.close(point)
