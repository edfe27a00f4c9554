"""Worker processes kept alive: cameras handed out, dead workers replaced, their cameras handed out again."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import Empty, Queue
from typing import Protocol, TypeAlias

import structlog

from config.model import SiteSettings
from core.contracts import Clock
from core.engine import worker
from core.engine.messages import Assign, FromWorker, Stop, SwitchRules
from core.engine.worker import WorkerSetup
from core.errors import StoreError
from core.logs import OnceGate
from core.types import RuleState, UtcSeconds

HANG_S = 60.0
"""A worker silent for so long is stuck: it is replaced. A heartbeat comes every second, but not during the first imports,
which take long on a cold disk with a virus scanner."""

WAKE_S = 0.25
"""How soon a thread that listens to a worker notices that it is to stop."""

QUICK_DEATH_S = 20.0
"""A worker that died younger than this is replaced with growing delays, so that a crash loop does not burn the CPU."""

LONGEST_RESTART_S = 15.0
MAX_DOUBLINGS = 8

STOP_S = 10.0
"""Longest wait for all workers to end by themselves."""

LAST_WORDS_S = 3.0
"""Longest wait, after a kill, for what the killed had said to be taken."""

BURY_S = 2.0
"""Longest wait for a process whose pipe has ended."""

_log = structlog.get_logger(component="pool")


WorkerMain: TypeAlias = Callable[[Connection, WorkerSetup], None]
"""The body of a worker process. Importable by name, for it is spawned."""

StatesOf: TypeAlias = Callable[[str], Mapping[str, RuleState]]
"""What operators switched of a camera's rules, by camera id."""


class WorkerEvents(Protocol):
    """Who listens to the workers. Called from the worker's own reader thread."""

    def said(self, worker_index: int, message: FromWorker) -> None:
        """A worker sent a message."""

    def died(self, worker_index: int, camera_ids: Sequence[str], exit_code: int | None) -> None:
        """A worker ended without being told; its cameras are handed out again."""


@dataclass(slots=True)
class _Slot:
    """One place for a worker; the process in it may be replaced. Its thread alone starts, hears and buries it."""

    index: int
    camera_ids: tuple[str, ...]
    process: BaseProcess | None = None
    connection: Connection | None = None
    started_at: float = 0.0
    quick_deaths: int = 0
    thread: threading.Thread | None = field(default=None, repr=False)
    switched: Queue[str] = field(default_factory=Queue, repr=False)
    """Cameras whose rules were switched and whose worker does not know yet."""


class WorkerPool:
    """``workers`` processes, each with its share of the cameras, for as long as the service runs."""

    def __init__(
        self,
        site: SiteSettings,
        site_path: Path,
        *,
        events: WorkerEvents,
        last_alerts: Callable[[str], Mapping[str, UtcSeconds]],
        states: StatesOf,
        clock: Clock,
        log_level: str,
        target: WorkerMain = worker.main,
    ) -> None:
        self._target = target
        self._setup = WorkerSetup(site=site, site_path=site_path, log_level=log_level)
        self._events = events
        self._last_alerts = last_alerts
        self._states = states
        self._clock = clock
        self._context = multiprocessing.get_context("spawn")
        self._stopping = threading.Event()
        self._gate = OnceGate(_log)
        self._slots = [_Slot(index, cameras) for index, cameras in enumerate(shares(site))]

    def start(self, fronts: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """Starts every worker; returns without waiting for them. ``fronts``: what each VMS's front hands to workers."""
        self._setup = replace(self._setup, fronts=fronts or {})
        for slot in self._slots:
            slot.thread = threading.Thread(
                target=self._keep_alive, args=(slot,), name=f"pool-{slot.index}", daemon=True
            )
            slot.thread.start()

    def stop(self) -> None:
        """Tells every worker to end, hears it to its last word, and kills the one that does not end. May be repeated."""
        self._stopping.set()
        if self._ended_within(STOP_S):
            return
        for slot in self._slots:
            if process := slot.process:
                _log.error("a worker did not end in time: it is killed", worker=slot.index)
                process.kill()
        if not self._ended_within(LAST_WORDS_S):
            _log.error("what a worker said last could not be taken in time")

    def switch(self, camera_id: str) -> None:
        """Tells the worker of a camera what is switched of its rules; from any thread, returns at once."""
        for slot in self._slots:
            if camera_id in slot.camera_ids:
                slot.switched.put(camera_id)

    def process_ids(self) -> list[int]:
        """Process ids of the workers alive now."""
        processes = [process for slot in self._slots if (process := slot.process)]
        return [process.pid for process in processes if process.pid and process.is_alive()]

    def is_settled(self, worker_index: int) -> bool:
        """False while a worker that died young has not yet outlived that age: it may die again."""
        slot = self._slots[worker_index]
        return slot.quick_deaths == 0 or self._age(slot) > QUICK_DEATH_S

    def _ended_within(self, seconds: float) -> bool:
        until = self._clock.monotonic() + seconds
        threads = [slot.thread for slot in self._slots if slot.thread]
        for thread in threads:
            thread.join(max(0.0, until - self._clock.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _age(self, slot: _Slot) -> float:
        return self._clock.monotonic() - slot.started_at

    def _keep_alive(self, slot: _Slot) -> None:
        while not self._stopping.is_set():
            exit_code = self._one_life(slot)
            if self._stopping.is_set():
                return
            delay_s = self._restart_delay(slot)
            # A crash loop is one failure: said once, until a worker has lived longer.
            log = _log.error if slot.quick_deaths <= 1 else _log.debug
            log("a worker died", worker=slot.index, exit_code=exit_code, cameras=slot.camera_ids)
            self._events.died(slot.index, slot.camera_ids, exit_code)
            self._stopping.wait(delay_s)

    def _one_life(self, slot: _Slot) -> int | None:
        try:
            self._listen(slot, self._start_process(slot))
        except Exception as error:  # noqa: BLE001 - thread edge: no process or memory left, no database: tried again
            log = _log.error if slot.quick_deaths == 0 else _log.debug
            log("a worker could not be started", worker=slot.index, exc_info=error)
        return self._bury(slot)

    def _restart_delay(self, slot: _Slot) -> float:
        if self._age(slot) > QUICK_DEATH_S:
            slot.quick_deaths = 0
            return 0.0
        slot.quick_deaths += 1
        doublings = min(slot.quick_deaths - 2, MAX_DOUBLINGS)
        return 0.0 if slot.quick_deaths == 1 else min(2.0**doublings, LONGEST_RESTART_S)

    def _start_process(self, slot: _Slot) -> Connection:
        ours, theirs = self._context.Pipe(duplex=True)
        slot.connection = ours
        slot.started_at = self._clock.monotonic()
        process = self._context.Process(
            target=self._target,
            args=(theirs, self._setup),
            name=f"vigie-worker-{slot.index}",
            daemon=True,
        )
        try:
            process.start()
        finally:
            theirs.close()
        slot.process = process
        assignments = [
            Assign(camera_id=name, last_alerts=dict(self._last_alerts(name)), states=dict(self._states(name)))
            for name in slot.camera_ids
        ]
        with suppress(OSError):  # it died at once: listening says so
            for assignment in assignments:
                ours.send(assignment)
        return ours

    def _listen(self, slot: _Slot, connection: Connection) -> None:
        """Passes messages on until the pipe ends or stays silent for ``HANG_S``; says Stop when it is time."""
        heard_at = self._clock.monotonic()
        is_told = False
        while self._clock.monotonic() - heard_at < HANG_S:
            try:
                if self._stopping.is_set() and not is_told:
                    is_told = True
                    connection.send(Stop())
                self._pass_switches(slot, connection)
                raw = connection.recv_bytes() if connection.poll(WAKE_S) else None
            except (EOFError, OSError):
                return
            if raw is not None:
                self._pass_on(slot, raw)
                heard_at = self._clock.monotonic()
        _log.error("a worker is stuck: it is replaced", worker=slot.index, silent_s=HANG_S)

    def _pass_switches(self, slot: _Slot, connection: Connection) -> None:
        with suppress(Empty):
            while True:
                camera_id = slot.switched.get_nowait()
                try:
                    connection.send(SwitchRules(camera_id=camera_id, states=dict(self._states(camera_id))))
                except StoreError as error:
                    self._gate.lost("store", "what is switched cannot be read", camera=camera_id, cause=error.line())
                    slot.switched.put(camera_id)
                    return
                self._gate.recovered("store", "what is switched can be read again")

    def _pass_on(self, slot: _Slot, raw: bytes) -> None:
        try:
            self._events.said(slot.index, pickle.loads(raw))  # noqa: S301 - from our own child
        except Exception:  # noqa: BLE001 - thread edge: one bad message may not cost the worker's cameras
            _log.exception("a worker's message is lost", worker=slot.index)

    def _bury(self, slot: _Slot) -> int | None:
        process, connection = slot.process, slot.connection
        slot.process = slot.connection = None
        if connection:
            connection.close()
        if process is None:
            return None
        process.join(BURY_S)
        if process.is_alive():
            process.kill()
            process.join(BURY_S)
        return process.exitcode


def shares(site: SiteSettings) -> list[tuple[str, ...]]:
    """Which cameras each worker gets: enabled ones, dealt in turn; no worker without a camera."""
    cameras = [camera.id for camera in site.cameras if camera.enabled]
    hands = [tuple(cameras[index :: site.workers]) for index in range(site.workers)]
    return [hand for hand in hands if hand]
