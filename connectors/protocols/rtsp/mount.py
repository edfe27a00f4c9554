"""What a server offers under one path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from connectors.protocols.live import LiveFeed


class Flow(StrEnum):
    """What a mount's packets do at the moment: faults can be ordered."""

    OK = "ok"
    FREEZE = "freeze"
    """Nothing is sent, connections stay."""
    DROP = "drop"
    """Connections are closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A live video; ``flow`` is asked for every packet."""

    feed: LiveFeed
    name: str = ""
    flow: Callable[[], Flow] = lambda: Flow.OK


Mounts: TypeAlias = Callable[[str], Mount | None]
"""Path (decoded, no slash at the end) to what is there."""
