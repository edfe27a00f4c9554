"""An event loop in a thread of its own, for servers that live in a program of threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, Final, Generic, TypeAlias, TypeVar

import structlog

from core.errors import UsageError, VmsUnavailable
from core.logs import describe

T = TypeVar("T")
R = TypeVar("R")

_START_S: Final = 10.0
_CLOSE_S: Final = 10.0

Serve: TypeAlias = Callable[[Callable[[T], None], asyncio.Event], Coroutine[Any, Any, None]]
"""Serves until the event is set; calls the first argument once, with what to tell when everything listens."""


class LoopThread(Generic[T]):
    """``what`` names the server for people. Started once; ``run`` and ``close`` may be called from any other thread."""

    def __init__(self, name: str, what: str) -> None:
        self._name = name
        self._what = what
        self._log = structlog.get_logger(component=name)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self, serve: Serve[T]) -> T:
        """What ``serve`` told once it listened. Raises ``VmsUnavailable`` where it cannot."""
        ready: Future[T] = Future()
        self._thread = threading.Thread(target=self._run, args=(serve, ready), name=self._name, daemon=True)
        self._thread.start()
        try:
            return ready.result(_START_S)
        except TimeoutError as error:
            self.close()
            raise VmsUnavailable(f"{self._what} did not start within {_START_S:g} s") from error

    def run(self, work: Coroutine[Any, Any, R], timeout_s: float) -> R:
        """Does the work on the loop and waits for it. Raises ``VmsUnavailable`` where the server does not run."""
        loop = self._loop
        if loop is None or self._thread is None or not self._thread.is_alive():
            work.close()
            raise VmsUnavailable(f"{self._what} does not run")
        try:
            waiting = asyncio.run_coroutine_threadsafe(work, loop)
        except RuntimeError as error:  # it ended just now
            work.close()
            raise VmsUnavailable(f"{self._what} does not run") from error
        try:
            return waiting.result(timeout_s)
        except TimeoutError as error:
            waiting.cancel()
            raise VmsUnavailable(f"{self._what} did not answer within {timeout_s:g} s") from error
        except CancelledError as error:
            raise VmsUnavailable(f"{self._what} was closed") from error

    def close(self) -> None:
        """Ends it. May be called twice."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            with suppress(RuntimeError):  # it ended by itself just now
                self._loop.call_soon_threadsafe(self._stop.set)
        thread.join(_CLOSE_S)

    def _run(self, serve: Serve[T], ready: Future[T]) -> None:
        """The thread's body."""
        try:
            asyncio.run(self._serve(serve, ready))
        except UsageError as error:
            ready.set_exception(VmsUnavailable(f"{self._what} {error}", remedy="Choose another port in the site file."))
        except Exception as error:  # noqa: BLE001 - thread edge: nobody else would tell of it
            self._log.exception(f"{self._what} ended by a defect")
            if not ready.done():
                ready.set_exception(VmsUnavailable(f"{self._what}: defect: {describe(error)}"))

    async def _serve(self, serve: Serve[T], ready: Future[T]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await serve(ready.set_result, self._stop)
