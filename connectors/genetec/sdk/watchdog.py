"""Ends the process when something in it takes too long, whatever its threads wait for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HUNG = 70
"""Exit code: the SDK did not come back from a call."""

_LOOK_S = 0.2


class Watchdog:
    """``run`` is a thread's body; ``limit`` belongs to the one thread that is watched, ``stop`` may come from any."""

    def __init__(self, exit_now: Callable[[int], object]) -> None:
        self._exit_now = exit_now
        self._lock = threading.Lock()
        self._deadline = float("inf")
        self._end: float | None = None
        self._over = threading.Event()

    @property
    def is_stopping(self) -> bool:
        """Whether ``stop`` was called."""
        return self._end is not None

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """What is within must end in time."""
        self._deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self._deadline = float("inf")

    def stop(self, seconds: float) -> None:
        """The whole process must end in time; said again, the first time counts."""
        with self._lock:
            if self._end is None:
                self._end = time.monotonic() + seconds

    def run(self) -> None:
        """Looks until one limit has passed."""
        while not self._over.wait(_LOOK_S):
            now = time.monotonic()
            if self._end is not None and now > self._end:
                self._over.set()
                self._exit_now(0)
            elif now > self._deadline:
                self._over.set()
                self._exit_now(HUNG)
