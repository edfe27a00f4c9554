"""Which cameras Security Center has lost: as it says that they are on line, and as events tell of signal and transmission."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

from connectors.genetec.control.event_kinds import (
    SIGNAL_LOST,
    SIGNAL_RECOVERED,
    TRANSMISSION_LOST,
    TRANSMISSION_RECOVERED,
)
from core.types import CameraReported, UtcSeconds

OFF_LINE: Final = "off line"
_SIGNAL: Final = "signal lost"
_TRANSMISSION: Final = "transmission lost"

CAMERA_EVENTS: Final[Mapping[str, tuple[str, bool]]] = {
    SIGNAL_LOST: (_SIGNAL, True),
    SIGNAL_RECOVERED: (_SIGNAL, False),
    TRANSMISSION_LOST: (_TRANSMISSION, True),
    TRANSMISSION_RECOVERED: (_TRANSMISSION, False),
}
"""Event type → what it is about, and whether it is lost."""


class CameraStates:
    """The last word on each camera; outlives connections. Thread-safe.

    A camera is lost while anything about it is. Events may come twice and late: an older one changes nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[str, dict[str, tuple[bool, UtcSeconds]]] = {}
        self._told: dict[str, str] = {}

    def linked(self) -> None:
        """A new listener: what it is told first is everything."""
        with self._lock:
            self._told.clear()

    def event(self, device: str, kind: str, at: UtcSeconds) -> CameraReported | None:
        """What an event of this kind (a key of ``CAMERA_EVENTS``) changes."""
        about, is_lost = CAMERA_EVENTS[kind]
        return self._changed(device, about, is_lost=is_lost, at=at)

    def on_line(self, device: str, is_on_line: bool, at: UtcSeconds) -> CameraReported | None:
        """What the entity's own state changes."""
        return self._changed(device, OFF_LINE, is_lost=not is_on_line, at=at)

    def _changed(self, device: str, about: str, *, is_lost: bool, at: UtcSeconds) -> CameraReported | None:
        with self._lock:
            states = self._states.setdefault(device, {})
            if about not in states or at >= states[about][1]:
                states[about] = (is_lost, at)
            cause = ", ".join(sorted(name for name, (lost, _) in states.items() if lost))
            if self._told.get(device) == cause:
                return None
            self._told[device] = cause
            return CameraReported(device=device, is_lost=bool(cause), at=at, cause=cause)
