"""The SDK bridge as the connector uses it: questions in, events out; its child process is started when it is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import structlog

from connectors.genetec.sdk.frames import Frame
from connectors.genetec.sdk.launch import Launch
from connectors.genetec.sdk.life import Life
from connectors.protocols.mailbox import Mailbox
from core.contracts import Clock
from core.errors import (
    AuthenticationRefused,
    ProtocolViolation,
    ReplyLost,
    VigieError,
    VmsError,
    VmsRefused,
    VmsUnavailable,
)

FIRST_RETRY_S, LONGEST_RETRY_S = 0.5, 30.0
"""Wait before a new child: doubled while children die young."""

LONG_LIFE_S = 5.0
"""A child that lived so long was a good one."""

REFUSED_RETRY_S = 60.0
"""A log-on that was refused is not tried sooner: too many tries lock an account."""

_MAX_EVENTS = 10_000

_log = structlog.get_logger(component="genetec-sdk")


class Bridge:
    """Keeps at most one child. Safe from any thread."""

    def __init__(self, launch: Callable[[], Launch], clock: Clock, *, timeout_s: float) -> None:
        """``launch`` says how to start; it may raise ``VigieError``, and is asked anew for each life."""
        self._launch = launch
        self._clock = clock
        self._timeout_s = timeout_s
        self._starting = threading.Lock()
        self._lock = threading.Lock()
        self._life: Life | None = None
        self._began_at = 0.0
        self._next_start = float("-inf")
        self._retry_s = FIRST_RETRY_S
        self._refusal: VmsError | None = None
        self._closed = False
        self._listeners: dict[Mailbox[Frame], str] = {}
        self.lives = 0
        """How many children were started; what was set up in one must be set up again in the next."""

    @property
    def life(self) -> Life | None:
        """The present child, for those who look after it."""
        return self._life

    def ask(self, what: str, **given: Any) -> Any:
        """Has the SDK do one thing; starts a child where there is none.

        Raises ``VmsUnavailable`` where it certainly had no effect, ``ReplyLost`` where it may have had one, else what
        the SDK answered.
        """
        return self._alive().ask(what, given, self._timeout_s)

    def listen(self, event: str) -> Mailbox[Frame]:
        """Events of one kind from now on. It fails with ``VmsUnavailable`` as soon as one may have been missed."""
        life = self._alive()
        mailbox: Mailbox[Frame] = Mailbox(_MAX_EVENTS)
        with self._lock:
            self._listeners[mailbox] = event
        if not life.is_alive or not life.is_connected:
            mailbox.fail(VmsUnavailable("the SDK has no connection to the Directory"))
        return mailbox

    def unlisten(self, mailbox: Mailbox[Frame]) -> None:
        """That one hears no more."""
        with self._lock:
            self._listeners.pop(mailbox, None)
        mailbox.close()

    def close(self) -> None:
        """Ends the child, also one that is starting. May be called twice."""
        self._closed = True
        life = self._life
        if life is not None:
            life.stop()
        self._fail_listeners("the bridge is closed")

    # Lives

    def _alive(self) -> Life:
        with self._starting:
            life = self._life
            if self._closed:
                raise VmsUnavailable("the SDK bridge is closed")
            if life is not None and life.is_alive:
                return life
            if life is not None:
                self._mourn(life)
            return self._start()

    def _mourn(self, life: Life) -> None:
        """The next child comes the later the younger this one died."""
        self._life = None
        lived_s = self._clock.monotonic() - self._began_at
        if lived_s >= LONG_LIFE_S:
            self._retry_s = FIRST_RETRY_S
        _log.warning("the SDK bridge ended", pid=life.pid, lived_s=round(lived_s, 1), restart_s=self._retry_s)
        self._wait_before_next(self._retry_s)
        self._retry_s = min(self._retry_s * 2, LONGEST_RETRY_S)

    def _wait_before_next(self, wait_s: float) -> None:
        self._next_start = self._clock.monotonic() + wait_s

    def _start(self) -> Life:
        wait_s = self._next_start - self._clock.monotonic()
        if wait_s > 0:
            if self._refusal is not None:
                raise type(self._refusal)(str(self._refusal), remedy=self._refusal.remedy)
            raise VmsUnavailable(f"the SDK bridge starts again in {wait_s:.1f} s")
        self._refusal = None
        try:
            life = self._started(self._launch())
        except VigieError as error:
            self._life = None
            failure = _nothing_got_in(error)
            self._not_started(failure)
            raise failure from error.__cause__
        _log.info("the SDK bridge is logged on", pid=life.pid)
        return life

    def _started(self, launch: Launch) -> Life:
        self._began_at = self._clock.monotonic()
        life = self._life = Life(launch, self._clock, self._hear)
        self.lives += 1
        if self._closed:  # meanwhile, and it did not see this one
            life.stop()
        life.wait_ready()
        return life

    def _not_started(self, error: VigieError) -> None:
        if isinstance(error, VmsError) and not error.recovers:
            self._refusal = error
            self._wait_before_next(REFUSED_RETRY_S)
        else:
            self._wait_before_next(self._retry_s)
            self._retry_s = min(self._retry_s * 2, LONGEST_RETRY_S)

    # Events; called in a life's reader

    def _hear(self, frame: Frame | None) -> None:
        if frame is None:
            self._fail_listeners("the SDK bridge ended")
        elif frame["kind"] == "lost":
            self._fail_listeners(str(frame.get("cause", "the Directory is lost")))
        elif frame["kind"] == "event":
            self._hand_out(frame)

    def _hand_out(self, frame: Frame) -> None:
        with self._lock:
            listening = [mailbox for mailbox, event in self._listeners.items() if event == frame["event"]]
        for mailbox in listening:
            try:
                mailbox.put(frame, timeout_s=0.0)
            except TimeoutError:
                mailbox.fail(VmsUnavailable("events came faster than they were taken"))

    def _fail_listeners(self, why: str) -> None:
        with self._lock:
            failed, self._listeners = self._listeners, {}
        for mailbox in failed:
            mailbox.fail(VmsUnavailable(why))


def _nothing_got_in(error: VigieError) -> VigieError:
    """What keeps the SDK from starting concerns every delivery, none of which was begun: none may be given up for it."""
    if isinstance(error, ReplyLost | ProtocolViolation):
        return VmsUnavailable(str(error), remedy=error.remedy)
    if isinstance(error, VmsRefused) and type(error) is not AuthenticationRefused:
        return AuthenticationRefused(str(error), remedy=error.remedy)
    return error
