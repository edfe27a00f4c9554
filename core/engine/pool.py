"""Worker processes kept alive: cameras handed out, dead workers replaced, their cameras handed out again."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol, TypeAlias

import structlog

from config.model import SiteSettings
from core.contracts import Clock
from core.engine import worker
from core.engine.messages import Assign, FromWorker, Stop
from core.types import UtcSeconds

HANG_S = 30.0
"""A worker silent for so long is stuck (a model loads in seconds, a heartbeat comes every second): it is replaced."""

QUICK_DEATH_S = 20.0
"""A worker that died younger than this is replaced with growing delays, so that a crash loop does not burn the CPU."""

LONGEST_RESTART_S = 15.0

STOP_S = 10.0
"""Longest wait for a worker to end by itself."""

_log = structlog.get_logger(component="pool")


WorkerMain: TypeAlias = Callable[[Connection, SiteSettings, Path, str], None]
"""The body of a worker process: pipe, site, site file, log level. Importable by name, for it is spawned."""


class WorkerEvents(Protocol):
    """Who listens to the workers. Called from the worker's own reader thread."""

    def said(self, worker_index: int, message: FromWorker) -> None:
        """A worker sent a message."""

    def died(self, worker_index: int, camera_ids: Sequence[str], exit_code: int | None) -> None:
        """A worker ended without being told; its cameras are handed out again."""


@dataclass(slots=True)
class _Slot:
    """One place for a worker; the process in it may be replaced."""

    index: int
    camera_ids: tuple[str, ...]
    process: BaseProcess | None = None
    connection: Connection | None = None
    started_at: float = 0.0
    quick_deaths: int = 0
    thread: threading.Thread | None = field(default=None, repr=False)


class WorkerPool:
    """``workers`` processes, each with its share of the cameras, for as long as the service runs."""

    def __init__(
        self,
        site: SiteSettings,
        site_path: Path,
        *,
        events: WorkerEvents,
        last_alerts: Callable[[str], Mapping[str, UtcSeconds]],
        clock: Clock,
        log_level: str,
        target: WorkerMain = worker.main,
    ) -> None:
        self._target = target
        self._site = site
        self._site_path = site_path
        self._events = events
        self._last_alerts = last_alerts
        self._clock = clock
        self._log_level = log_level
        self._context = multiprocessing.get_context("spawn")
        self._stopping = threading.Event()
        self._slots = [_Slot(index, cameras) for index, cameras in enumerate(shares(site))]

    def start(self) -> None:
        """Starts every worker; returns without waiting for them."""
        for slot in self._slots:
            slot.thread = threading.Thread(
                target=self._keep_alive, args=(slot,), name=f"pool-{slot.index}", daemon=True
            )
            slot.thread.start()

    def stop(self) -> None:
        """Tells every worker to end, waits, and kills the one that does not."""
        self._stopping.set()
        for slot in self._slots:
            self._say_stop(slot)
        for slot in self._slots:
            if slot.thread:
                slot.thread.join(STOP_S + 2)
            self._bury(slot)

    def process_ids(self) -> list[int]:
        """Process ids of the workers alive now."""
        return [
            slot.process.pid for slot in self._slots if slot.process and slot.process.pid and slot.process.is_alive()
        ]

    def _say_stop(self, slot: _Slot) -> None:
        if slot.connection is None:
            return
        try:
            slot.connection.send(Stop())
        except OSError:
            _log.debug("the worker had already ended", worker=slot.index)

    def _keep_alive(self, slot: _Slot) -> None:
        while not self._stopping.is_set():
            self._start_process(slot)
            self._listen(slot)
            exit_code = self._bury(slot)
            if self._stopping.is_set():
                return
            _log.error("a worker died", worker=slot.index, exit_code=exit_code, cameras=slot.camera_ids)
            self._events.died(slot.index, slot.camera_ids, exit_code)
            self._stopping.wait(self._restart_delay(slot))

    def _restart_delay(self, slot: _Slot) -> float:
        if self._clock.monotonic() - slot.started_at > QUICK_DEATH_S:
            slot.quick_deaths = 0
            return 0.0
        slot.quick_deaths += 1
        return 0.0 if slot.quick_deaths == 1 else min(2.0 ** (slot.quick_deaths - 2), LONGEST_RESTART_S)

    def _start_process(self, slot: _Slot) -> None:
        ours, theirs = self._context.Pipe(duplex=True)
        slot.connection = ours
        slot.started_at = self._clock.monotonic()
        slot.process = self._context.Process(
            target=self._target,
            args=(theirs, self._site, self._site_path, self._log_level),
            name=f"vigie-worker-{slot.index}",
            daemon=True,
        )
        slot.process.start()
        theirs.close()
        for camera_id in slot.camera_ids:
            ours.send(Assign(camera_id=camera_id, last_alerts=dict(self._last_alerts(camera_id))))

    def _listen(self, slot: _Slot) -> None:
        """Passes messages on until the pipe ends or stays silent for ``HANG_S``."""
        connection = slot.connection
        assert connection is not None
        try:
            while connection.poll(HANG_S):
                self._events.said(slot.index, connection.recv())
        except (EOFError, OSError):
            return
        _log.error("a worker is stuck: it is replaced", worker=slot.index, silent_s=HANG_S)

    def _bury(self, slot: _Slot) -> int | None:
        process, connection = slot.process, slot.connection
        slot.process = slot.connection = None
        if connection:
            connection.close()
        if process is None:
            return None
        process.join(STOP_S if self._stopping.is_set() else 1.0)
        if process.is_alive():
            process.kill()
            process.join(STOP_S)
        return process.exitcode


def shares(site: SiteSettings) -> list[tuple[str, ...]]:
    """Which cameras each worker gets: enabled ones, dealt in turn; no worker without a camera."""
    cameras = [camera.id for camera in site.cameras if camera.enabled]
    hands = [tuple(cameras[index :: site.workers]) for index in range(site.workers)]
    return [hand for hand in hands if hand]
