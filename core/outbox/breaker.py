"""Leaves a VMS in peace that does not answer: a circuit breaker, pure in the time it is given."""

from __future__ import annotations

from enum import StrEnum


class BreakerState(StrEnum):
    """Closed lets everything through, open nothing, half-open one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitBreaker:
    """Opens after so many failures in a row; then lets one probe through at growing intervals.

    Every ``now`` is ``Clock.monotonic()``. For one caller that makes one attempt at a time.
    """

    def __init__(self, *, failures_to_open: int = 5, first_hold_s: float = 5.0, longest_hold_s: float = 30.0) -> None:
        self._failures_to_open = failures_to_open
        self._first_hold_s = first_hold_s
        self._longest_hold_s = longest_hold_s
        self._failures = 0
        self._hold_s = first_hold_s
        self._opens_at: float | None = None

    def state(self, now: float) -> BreakerState:
        """Where it stands."""
        if self._opens_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self._opens_at else BreakerState.HALF_OPEN

    def wait_s(self, now: float) -> float:
        """How long nothing may be tried; 0 when an attempt may be made."""
        return 0.0 if self._opens_at is None else max(0.0, self._opens_at - now)

    def succeeded(self) -> bool:
        """The VMS answered. True when this ends a time of being open."""
        was_open = self._opens_at is not None
        self._failures, self._hold_s, self._opens_at = 0, self._first_hold_s, None
        return was_open

    def failed(self, now: float) -> None:
        """The VMS did not answer: counts while closed, holds longer after a failed probe."""
        self._failures += 1
        if self._opens_at is not None:
            self._hold_s = min(self._hold_s * 2, self._longest_hold_s)
        if self._opens_at is not None or self._failures >= self._failures_to_open:
            self._opens_at = now + self._hold_s

    def trip(self, now: float, hold_s: float) -> None:
        """Opens at once, for so long."""
        self._opens_at = now + hold_s
