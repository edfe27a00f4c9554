"""Event types that are listened to: their names, and the numbers that reports may show instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from connectors.genetec.access.rows import number_in

CUSTOM_EVENT: Final = "CustomEvent"

SIGNAL_LOST: Final = "CameraSignalLost"
SIGNAL_RECOVERED: Final = "CameraSignalRecovered"
TRANSMISSION_LOST: Final = "CameraTransmissionLost"
TRANSMISSION_RECOVERED: Final = "CameraTransmissionRecovered"

ACKNOWLEDGED: Final = "AlarmAcknowledged"
ACKNOWLEDGED_ALTERNATE: Final = "AlarmAcknowledgedAlternate"
FORCIBLY_ACKNOWLEDGED: Final = "AlarmForciblyAcked"

NUMBERS: Final[Mapping[int, str]] = {
    3: ACKNOWLEDGED,
    15: CUSTOM_EVENT,
    81: ACKNOWLEDGED_ALTERNATE,
    1371: SIGNAL_LOST,
    1372: SIGNAL_RECOVERED,
    1375: TRANSMISSION_LOST,
    1380: TRANSMISSION_RECOVERED,
    2385: FORCIBLY_ACKNOWLEDGED,
}
"""``EventType`` of the SDK (public samples)."""


def kind_of(value: Any) -> str:
    """The name of an event type, told by name or by number; empty where there is none."""
    number = number_in(value)
    return NUMBERS.get(number, str(number)) if number is not None else str(value or "").strip()
