"""A connection that one thread uses and any thread may end: video feeds and control links hold theirs so."""

from __future__ import annotations

import threading
from typing import Generic, Protocol, TypeVar

import structlog

_log = structlog.get_logger(component="engine")


class Source(Protocol):
    """What is held."""

    def close(self) -> None:
        """Ends it, from any thread."""


_Source = TypeVar("_Source", bound=Source)


class Held(Generic[_Source]):
    """At most one source, closed once; after ``end`` every further one is closed at once."""

    def __init__(self, what: str) -> None:
        """``what`` it is, for the log."""
        self._what = what
        self._lock = threading.Lock()
        self._source: _Source | None = None
        self.stopping = threading.Event()
        """Set by ``end``."""

    def hold(self, source: _Source) -> _Source:
        """Keeps a fresh source until ``close``."""
        with self._lock:
            self._source = source
        if self.stopping.is_set():
            self.close()
        return source

    def end(self) -> None:
        """Closes the source, and each that may still come."""
        self.stopping.set()
        self.close()

    def close(self) -> None:
        """Closes the source, if there is one."""
        with self._lock:
            source, self._source = self._source, None
        if source is None:
            return
        try:
            source.close()
        except Exception:  # noqa: BLE001 - a defect in one connector may not end what holds its source, nor the others
            _log.exception("a source did not close cleanly", source=self._what)


class Backoff:
    """Growing waits between tries, up to a bound."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = first_s

    @property
    def is_grown(self) -> bool:
        """Whether the next wait is longer than the first."""
        return self._next_s > self._first_s

    def reset(self) -> None:
        """Begins with the first wait again."""
        self._next_s = self._first_s

    def next(self) -> float:
        """How long to wait this time."""
        wait_s = self._next_s
        self._next_s = min(wait_s * 2, self._longest_s)
        return wait_s
