"""Where each alert stands: queued for whom, and whether somebody has it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias
from uuid import UUID

from connectors.onvif.device.notifications import Notification

AlertState: TypeAlias = Literal["taken", "waiting", "unknown"]
"""``taken``: a subscriber was sent all of it. ``waiting``: queued. ``unknown``: never seen, or no queue holds it any more."""

_REMEMBERED: Final = 4_096
"""Taken alerts that are recognised when they come again; the core hands over one at a time."""


@dataclass(slots=True)
class _Waiting:
    rises: Sequence[Notification]
    holders: dict[str, int] = field(default_factory=dict)
    """Pull point → messages of the alert that its subscriber was not sent yet."""
    settled: asyncio.Event = field(default_factory=asyncio.Event)


class Ledger:
    """Confined to one event loop. A holder is the name of a pull point."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, _Waiting] = {}
        self._taken: OrderedDict[UUID, None] = OrderedDict()
        self.taken = 0
        """Alerts taken since start."""

    def state_of(self, key: UUID) -> AlertState:
        """Where the alert stands."""
        if key in self._taken:
            return "taken"
        return "waiting" if key in self._waiting else "unknown"

    def holders(self, key: UUID) -> AbstractSet[str]:
        """Who has it in the queue, or is being sent it."""
        return self._waiting[key].holders.keys() if key in self._waiting else frozenset()

    def rises(self, key: UUID) -> Sequence[Notification]:
        """All messages of an alert that nobody has yet; none of another one."""
        return self._waiting[key].rises if key in self._waiting else ()

    def waiting(self) -> Sequence[tuple[UUID, Sequence[Notification]]]:
        """The alerts that nobody has yet, in the order they came, with all their messages."""
        return [(key, waiting.rises) for key, waiting in self._waiting.items()]

    def queued(self, key: UUID, rises: Sequence[Notification], holder: str, messages: int) -> None:
        """So many of the alert's messages were queued for that holder."""
        self._waiting.setdefault(key, _Waiting(rises)).holders[holder] = messages

    def written(self, key: UUID, holder: str) -> None:
        """One more message was sent to the holder; with the last one the alert is taken."""
        waiting = self._waiting.get(key)
        if waiting is None or holder not in waiting.holders:
            return
        waiting.holders[holder] -= 1
        if waiting.holders[holder] == 0:
            del self._waiting[key]
            self._remember(key)
            waiting.settled.set()

    def dropped(self, key: UUID, holder: str) -> None:
        """The holder will never send the rest of it; without another holder the alert is unknown again."""
        waiting = self._waiting.get(key)
        if waiting is None:
            return
        waiting.holders.pop(holder, None)
        if not waiting.holders:
            del self._waiting[key]
            waiting.settled.set()

    async def wait_taken(self, key: UUID, timeout_s: float) -> bool:
        """Waits until the alert is taken; False when time runs out or nobody holds it any more."""
        waiting = self._waiting.get(key)
        if waiting is not None:
            try:
                async with asyncio.timeout(timeout_s):
                    await waiting.settled.wait()
            except TimeoutError:
                return False
        return self.state_of(key) == "taken"

    def _remember(self, key: UUID) -> None:
        self.taken += 1
        self._taken[key] = None
        while len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)
