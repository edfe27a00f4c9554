"""What lies ready for a VMS that fetches by itself: asked for in turn, and in nobody's way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final
from uuid import UUID

from core.store.store import SETTLE_S
from core.types import Delivery

MAX_ASIDE: Final = 512
"""More than a pull point's queue takes; beyond, what follows waits as behind any other delivery."""

OVERDUE_S: Final = 5.0
"""So late, an answer goes before what was never sent: people and the next start go by what is known to be taken."""


class Aside:
    """Lives as long as the relay, as what it names does in the connector. Every ``now`` is ``Clock.monotonic()``."""

    def __init__(self) -> None:
        self._due: dict[UUID, tuple[float, Delivery]] = {}

    @property
    def keys(self) -> Collection[UUID]:
        """Of all that stand aside."""
        return tuple(self._due)

    def put(self, delivery: Delivery, now: float) -> None:
        """It was handed over, or is still not fetched: to be asked for in ``SETTLE_S``."""
        if len(self._due) < MAX_ASIDE:
            asked = replace(delivery, may_have_arrived=True, attempts=delivery.attempts + 1)
            self._due[delivery.key] = now + SETTLE_S, asked

    def remove(self, delivery: Delivery) -> None:
        """It is dealt with now; whatever comes of it decides where it goes."""
        self._due.pop(delivery.key, None)

    def recall(self, camera_id: str) -> None:
        """One of the camera is not there any more: all of them go in their order again, behind it."""
        self._due = {key: item for key, item in self._due.items() if item[1].camera_id != camera_id}

    def first(self, now: float) -> Delivery | None:
        """The one that waited longest, if it is due."""
        due_at, delivery = next(iter(self._due.values()), (now, None))  # all wait equally long: the first is due first
        return delivery if due_at <= now else None

    def wait_s(self, now: float) -> float:
        """How long none is due."""
        due_at, _ = next(iter(self._due.values()), (float("inf"), None))
        return max(0.0, due_at - now)
