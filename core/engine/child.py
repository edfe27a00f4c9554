"""One worker process as the supervisor sees it: started, told, heard to its last word, and buried."""

from __future__ import annotations

import pickle
import threading
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from typing import Protocol, TypeAlias

import structlog

from core.contracts import Clock
from core.engine.messages import FromWorker, Stop, ToWorker
from core.engine.outbound import Outbound
from core.engine.worker import WorkerSetup
from core.errors import StoreError
from core.logs import OnceGate, describe

HANG_S = 60.0
"""A worker silent for so long is stuck. A heartbeat comes every second, but not during the first imports,
which take long on a cold disk with a virus scanner."""

WAKE_S = 0.1
"""How soon the thread of a worker notices that there is something to tell. Cameras of a dead worker wait for it."""

BURY_S = 2.0
"""Longest wait for a process whose pipe has ended, and for what writes it."""

_log = structlog.get_logger(component="pool")

WorkerMain: TypeAlias = Callable[[Connection, WorkerSetup], None]
"""The body of a worker process. Importable by name, for it is spawned."""

Order: TypeAlias = Callable[[], ToWorker]
"""Makes a message when it can be sent, from what is known then. Raises ``StoreError`` where that cannot be read yet."""


class Parent(Protocol):
    """Who has the child. Called from the child's own thread."""

    def heard(self, child: Child, message: FromWorker) -> None:
        """It said something."""

    def ended(self, child: Child, exit_code: int | None) -> None:
        """It is gone, heard to its last word; without an exit code it never was. Says no more."""


class Child:
    """A process and the thread that starts, hears and buries it. Other methods may be called from any thread."""

    def __init__(
        self, parent: Parent, context: SpawnContext, target: WorkerMain, setup: WorkerSetup, clock: Clock
    ) -> None:
        self.seat: int | None = None
        """Number of the worker that it is; None while it is spare, and once its worker is closed. The parent's."""
        self.is_ready = False
        """Whether it has imported everything. The parent's."""
        self.failure = ""
        """Why it could not be started or heard."""
        self._parent = parent
        self._context = context
        self._target = target
        self._setup = setup
        self._clock = clock
        self._process: BaseProcess | None = None
        self._outbound: Outbound | None = None
        self._orders: deque[Order] = deque()
        self._stopping = threading.Event()
        self._gate = OnceGate(_log)
        self.thread = threading.Thread(target=self._live, name="pool-child", daemon=True)

    def start(self) -> None:
        """Starts thread and process; returns without waiting for them."""
        self.thread.start()

    def tell(self, order: Order) -> None:
        """Sends it soon, in the order told, from the child's own thread; what cannot be read yet waits until it can."""
        self._orders.append(order)

    def end(self) -> None:
        """Tells it to end, after all that it was told before."""
        self._stopping.set()

    def kill(self) -> None:
        """Ends it without asking."""
        if process := self._process:
            process.kill()

    @property
    def process_id(self) -> int | None:
        """Its process id while it lives."""
        process = self._process
        return process.pid if process and process.is_alive() else None

    def _live(self) -> None:
        ours: Connection | None = None
        try:
            ours = self._start_process()
            self._listen(ours)
        except Exception as error:  # noqa: BLE001 - thread edge: no process or memory left: the parent tries again
            self.failure = describe(error)
            _log.debug("a worker could not be started", exc_info=error)
        self._parent.ended(self, self._bury(ours))

    def _start_process(self) -> Connection:
        ours, theirs = self._context.Pipe(duplex=True)
        process = self._context.Process(
            target=self._target, args=(theirs, self._setup), name="vigie-worker", daemon=True
        )
        try:
            process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._process = process
        self._outbound = Outbound(ours)
        return ours

    def _listen(self, ours: Connection) -> None:
        """Passes messages on until the pipe ends or stays silent for ``HANG_S``; says Stop when it is time."""
        heard_at = self._clock.monotonic()
        is_told = False
        while self._clock.monotonic() - heard_at < HANG_S:
            self._pass_orders()
            if self._stopping.is_set() and not is_told:
                is_told = True
                self._send(Stop())
            try:
                raw = ours.recv_bytes() if ours.poll(WAKE_S) else None
            except (EOFError, OSError):
                return
            if raw is not None:
                self._pass_on(raw)
                heard_at = self._clock.monotonic()
        _log.error("a worker is stuck: it is replaced", worker=self.seat, silent_s=HANG_S)

    def _send(self, message: ToWorker) -> None:
        if outbound := self._outbound:
            outbound.send(message)

    def _pass_orders(self) -> None:
        while self._orders:
            try:
                message = self._orders[0]()
            except StoreError as error:
                self._gate.lost("store", "what a worker needs cannot be read", cause=error.line())
                return
            self._gate.recovered("store", "what a worker needs can be read again")
            self._orders.popleft()
            self._send(message)

    def _pass_on(self, raw: bytes) -> None:
        try:
            self._parent.heard(self, pickle.loads(raw))  # noqa: S301 - from our own child
        except Exception:  # noqa: BLE001 - thread edge: one bad message may not cost the worker's cameras
            _log.exception("a worker's message is lost", worker=self.seat)

    def _bury(self, ours: Connection | None) -> int | None:
        process = self._process
        if process is None:
            return None
        process.join(BURY_S)
        if process.is_alive():
            process.kill()
            process.join(BURY_S)
        if self._outbound:
            self._outbound.close(BURY_S)
        if ours:
            ours.close()
        return process.exitcode
