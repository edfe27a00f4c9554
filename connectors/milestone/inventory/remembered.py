"""A value that is asked for once and then now and again, by whoever needs it first; old rather than none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import structlog

from core.contracts import Clock
from core.errors import VmsError, VmsUnavailable

_log = structlog.get_logger(component="milestone")

_Value = TypeVar("_Value")

_RETRY_S = 30.0
"""While asking fails the old value is used, and asking is tried again after so long."""
_WAIT_S = 600.0
"""Longest wait for the first value that another thread is asking for: several full lists of a large site."""


@dataclass(frozen=True, slots=True)
class _Held(Generic[_Value]):
    value: _Value
    asked_at: float
    ask_again_at: float


class Remembered(Generic[_Value]):
    """Thread-safe. ``fetch`` gets the value so far, None at first; ``what`` names the value in the log.

    Threads that waited for a first value that could not be had fail with the one that asked, instead of asking one
    after the other.
    """

    def __init__(self, what: str, fetch: Callable[[_Value | None], _Value], clock: Clock, *, keep_s: float) -> None:
        self._what = what
        self._fetch = fetch
        self._clock = clock
        self._keep_s = keep_s
        self._asking = threading.Lock()
        self._storing = threading.Lock()
        self._held: _Held[_Value] | None = None
        self._failure: VmsError | None = None
        self._failures = 0

    @property
    def known(self) -> _Value | None:
        """What is known, however old, without asking."""
        held = self._held
        return held.value if held is not None else None

    @property
    def age_s(self) -> float | None:
        """Since when nobody could tell better; None while nothing is known."""
        held = self._held
        return self._clock.monotonic() - held.asked_at if held is not None else None

    def get(self) -> _Value:
        """The value; asks when it is old. Raises ``VmsError`` only where nothing is known."""
        held, failures = self._held, self._failures
        if held is not None and self._clock.monotonic() < held.ask_again_at:
            return held.value
        if not self._asking.acquire(timeout=0.0 if held is not None else _WAIT_S):
            return held.value if held is not None else self._nobody_answered()
        try:
            if self._held is not held or (held is None and failures != self._failures):
                return self._other_threads_result()
            return self._ask(held)
        finally:
            self._asking.release()

    def refresh(self, fetch: Callable[[], _Value], *, unless_younger_s: float = 0.0) -> _Value:
        """Asks now by ``fetch``, unless the value is that young. Raises ``VmsError``; the old value is kept then."""
        if not self._asking.acquire(timeout=_WAIT_S):
            self._nobody_answered()
        try:
            held = self._held
            if held is not None and self._clock.monotonic() - held.asked_at < unless_younger_s:
                return held.value
            return self._store(fetch())
        finally:
            self._asking.release()

    def change(self, change: Callable[[_Value], _Value]) -> None:
        """Alters what is known, if anything is; its age stays."""
        with self._storing:
            if self._held is not None:
                self._held = replace(self._held, value=change(self._held.value))

    def _ask(self, held: _Held[_Value] | None) -> _Value:
        try:
            return self._store(self._fetch(held.value if held is not None else None))
        except VmsError as error:
            self._failures += 1
            known, self._failure = self._failure, error
            if held is None:
                raise
            if known is None:
                _log.warning(
                    "old_knowledge_is_used", what=self._what, age_s=round(self.age_s or 0.0), reason=str(error)
                )
            with self._storing:
                self._held = replace(self._held or held, ask_again_at=self._clock.monotonic() + _RETRY_S)
            return self._held.value

    def _store(self, value: _Value) -> _Value:
        now = self._clock.monotonic()
        with self._storing:
            was_failing, self._failure = self._failure is not None and self._held is not None, None
            self._held = _Held(value, now, now + self._keep_s)
        if was_failing:
            _log.info("knowledge_is_fresh_again", what=self._what)
        return value

    def _other_threads_result(self) -> _Value:
        if self._held is not None:
            return self._held.value
        failure = self._failure
        assert failure is not None
        raise type(failure)(str(failure), remedy=failure.remedy) from failure

    def _nobody_answered(self) -> _Value:
        raise VmsUnavailable(f"{self._what}: another thread is still waiting for the VMS")
