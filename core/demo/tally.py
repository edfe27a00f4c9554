"""Holds what the service meant to deliver against what each VMS says it accepted."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.types import Delivery, DeliveryState, UtcSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A delivery that a VMS must have, and the capture time of the frame that decided its alert."""

    delivery: Delivery
    captured_at: UtcSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Result of the comparison for one VMS."""

    accepted: Mapping[str, int]
    """Records in the VMS by kind, whoever caused them."""
    lost: tuple[Delivery, ...]
    """Meant, not in the VMS, and not waiting to be sent either."""
    waiting: tuple[Delivery, ...]
    """Not in the VMS yet, but safe in the outbox."""
    duplicates: tuple[Delivery, ...]
    """In the VMS more than once; one entry for each surplus record."""
    latencies_ms: tuple[float, ...]
    """From the decisive frame to the VMS's acceptance."""


_UNDERWAY = frozenset({DeliveryState.PENDING, DeliveryState.SENDING})


def tally(meant: Sequence[Meant], ledger: Sequence[Mapping[str, Any]]) -> Tally:
    """Looks for every delivery's key or token in every record of its kind."""
    texts = [(str(record["kind"]), json.dumps(record), float(record["accepted_at"])) for record in ledger]
    lost: list[Delivery] = []
    waiting: list[Delivery] = []
    duplicates: list[Delivery] = []
    latencies: list[float] = []
    for item in meant:
        arrivals = list(_arrivals(item.delivery, texts))
        if not arrivals:
            (waiting if item.delivery.state in _UNDERWAY else lost).append(item.delivery)
            continue
        duplicates.extend([item.delivery] * (len(arrivals) - 1))
        latencies.append((min(arrivals) - item.captured_at) * 1000)
    return Tally(
        accepted=Counter(kind for kind, _, _ in texts),
        lost=tuple(lost),
        waiting=tuple(waiting),
        duplicates=tuple(duplicates),
        latencies_ms=tuple(latencies),
    )


def percentile(values: Iterable[float], share: float) -> float | None:
    """Nearest-rank percentile; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _arrivals(delivery: Delivery, texts: Iterable[tuple[str, str, float]]) -> Iterable[UtcSeconds]:
    needles = (delivery.token, str(delivery.key))
    for kind, text, accepted_at in texts:
        if kind == delivery.action and any(needle in text for needle in needles):
            yield accepted_at
