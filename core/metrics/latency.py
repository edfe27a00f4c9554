"""How long alerts take until the VMS has them, by what is done with them there."""

from __future__ import annotations

from dataclasses import dataclass

from core.metrics.histogram import HistogramReading, LatencyHistogram
from core.types import UtcSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyReading:
    """Seconds until the VMS accepted one action of an alert."""

    since_capture: HistogramReading
    """From the capture of the frame that decided. Holds what recorder and local clock differ by."""
    since_alert: HistogramReading
    """From when the alert was stored. Both moments are the local clock's."""


class LatencyBook:
    """The histograms of one VMS, an entry for each action that it ever accepted. Safe from any thread."""

    def __init__(self) -> None:
        self._actions: dict[str, tuple[LatencyHistogram, LatencyHistogram]] = {}

    def accepted(self, action: str, at: UtcSeconds, *, captured_at: UtcSeconds, stored_at: UtcSeconds | None) -> None:
        """The VMS has it. ``stored_at`` is None where the database could not tell."""
        since_capture, since_alert = self._actions.setdefault(action, (LatencyHistogram(), LatencyHistogram()))
        since_capture.observe(at - captured_at)
        if stored_at is not None:
            since_alert.observe(at - stored_at)

    def read(self) -> dict[str, LatencyReading]:
        """What is known now, by action."""
        return {
            action: LatencyReading(since_capture=since_capture.read(), since_alert=since_alert.read())
            for action, (since_capture, since_alert) in self._actions.copy().items()
        }
