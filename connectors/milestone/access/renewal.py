"""Renews tokens ahead of their end in one thread, so that nobody who needs one waits for a login."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable

import structlog

from connectors.milestone.access.tokens import Grant, Lease
from core.contracts import Clock

_log = structlog.get_logger(component="milestone")

_JOIN_S = 5.0
"""Longest wait for the thread at the end; a login under way has its own time-out."""
_SHORTEST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 3600.0


class Renewal:
    """Looks after leases. The thread starts with the first token and ends with ``close``, or with the owner itself."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._leases: list[Lease] = []
        self._pause = _Pause()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        weakref.finalize(self, self._pause.end)

    def lease(self, fetch: Callable[[str], Grant], *, share: float) -> Lease:
        """A lease that is looked after."""
        made = Lease(fetch, self._clock, share=share, renewed=self._set)
        self._leases.append(made)
        return made

    def step(self) -> float:
        """Renews what is due; returns the seconds until something is due again."""
        for lease in self._leases:
            lease.renew_ahead()
        return self._next_pause()

    def close(self) -> None:
        """Ends the thread."""
        with self._lock:
            self._pause.end()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_S)

    def _set(self) -> None:
        """A lease has a new token: its pause is measured here, where the token came, and not when the thread gets to it."""
        self._pause.set(self._next_pause())
        with self._lock:
            if self._thread is None and not self._pause.is_over:
                self._thread = threading.Thread(
                    target=_run, args=(weakref.ref(self), self._pause), name="xprotect-tokens", daemon=True
                )
                self._thread.start()

    def _next_pause(self) -> float:
        now = self._clock.monotonic()
        pauses = [due - now for lease in self._leases if (due := lease.due_at) is not None]
        return min(max(min(pauses, default=_LONGEST_PAUSE_S), _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S)


class _Pause:
    """The time until the next step, which may be changed while it runs."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._seconds = _LONGEST_PAUSE_S
        self._is_set = False
        self.is_over = False

    def set(self, seconds: float) -> None:
        with self._changed:
            self._seconds, self._is_set = seconds, True
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self.is_over = True
            self._changed.notify_all()

    def wait(self) -> bool:
        """Waits it out; False when it is all over."""
        with self._changed:
            while True:
                self._is_set = False
                if self.is_over:
                    return False
                if not self._changed.wait_for(lambda: self._is_set or self.is_over, self._seconds):
                    return True


def _run(owner: weakref.ref[Renewal], pause: _Pause) -> None:
    """Holds the owner only while it works, so that an owner whom everybody forgot can go."""
    while pause.wait():
        renewal = owner()
        if renewal is None:
            return
        try:
            pause.set(renewal.step())
        except Exception:  # noqa: BLE001 - a defect here must not end the renewals; callers renew on demand as well
            _log.exception("token_renewal_failed")
            pause.set(_LONGEST_PAUSE_S)
        del renewal
