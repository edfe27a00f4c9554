"""One life of the true service under so many streams: what it did in a window, and what that cost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from config.load import load_site
from core import registry
from core.capacity.machine import package_joules
from core.engine.service import Service
from core.errors import VigieError
from core.services import services_for
from core.types import Alert

START_S: Final = 90.0
"""Longest wait until every stream is analysed: many open their model and log in at once."""

WARM_FRAMES: Final = 20
"""Pictures that every stream has analysed before anything counts: the burst of a stream's start is over then."""

_HEARD_S: Final = 5.0
"""Longest wait for the statistics of a camera, which come with a heartbeat every second."""

_LOOK_S: Final = 0.02
_MIB: Final = 1024 * 1024
_MOST_ALERTS: Final = 100_000


class Reading(NamedTuple):
    """The statistics of one camera when they arrived, on the monotonic clock."""

    at: float
    values: Mapping[str, float]


class TakenAlert(NamedTuple):
    """An alert in the supervisor's hands."""

    delay_s: float
    """From capture in the bridge on: the stream, its queues, decoding, analysis and the pipe."""
    at: float
    """On the monotonic clock."""
    alert: Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What happened between two moments. Times in seconds; memory in MiB, at the end."""

    began_at: float
    """On the monotonic clock."""
    wall_s: float
    cpu_s: float
    supervisor_cpu_s: float
    server_cpu_s: float
    others_cpu_s: float
    before: Mapping[str, Reading]
    after: Mapping[str, Reading]
    supervisor_mb: float
    workers_mb: float
    joules: float | None
    alerts: tuple[TakenAlert, ...]
    """Taken by the supervisor in the window, the soonest first."""

    def rates(self, name: str) -> list[float]:
        """How fast a counter grew for each camera, per second."""
        return [_rate(self.before[camera], self.after[camera], name) for camera in self.before]

    def total(self, name: str) -> float:
        """By how much a counter grew in the window, all cameras together."""
        return sum(self.rates(name)) * self.wall_s

    def counted(self) -> list[dict[str, float]]:
        """By how much every counter of each camera grew between its two readings."""
        return [
            {
                name: value - self.before[camera].values.get(name, 0.0)
                for name, value in self.after[camera].values.items()
            }
            for camera in self.before
        ]


def _rate(before: Reading, after: Reading, name: str) -> float:
    return (after.values.get(name, 0.0) - before.values.get(name, 0.0)) / (after.at - before.at)


class _TimedService(Service):
    """The service, which also notes each alert that it takes."""

    def __init__(self, site_path: Path) -> None:
        site = load_site(site_path, registry.kinds())
        super().__init__(site, site_path, services_for(site_path), log_level="error")
        self.taken: deque[TakenAlert] = deque(maxlen=_MOST_ALERTS)

    def accept(self, alert: Alert) -> None:
        delay_s = time.time() - alert.captured_at
        self.taken.append(TakenAlert(delay_s, time.monotonic(), alert))
        super().accept(alert)


def measure_life(site_path: Path, seconds: float, server_pid: int, *, bystanders: Collection[int] = ()) -> Window:
    """Runs the site until all its streams are analysed, then for the window.

    ``server_pid`` is the process that sends the streams, ``bystanders`` are other children of this process that do not
    belong to the service.

    Raises:
        VigieError: a stream does not come, or a worker dies.
    """
    service = _TimedService(site_path)
    service.start()
    try:
        cameras = [camera.id for camera in service.site.cameras]
        _await_warm(service, cameras)
        return _window(service, cameras, seconds, _Processes(server_pid, frozenset(bystanders)))
    finally:
        service.stop()


def _await_warm(service: Service, cameras: list[str]) -> None:
    until = time.monotonic() + START_S
    while any(_statistics(service, camera).get("frames_analysed", 0.0) < WARM_FRAMES for camera in cameras):
        if time.monotonic() > until:
            causes = "; ".join(
                f"{health.component}: {health.cause}" for health in service.report_health() if health.cause
            )
            raise VigieError(
                f"not every stream was analysed within {START_S:g} s" + (f" ({causes})" if causes else ""),
                remedy="Measure fewer streams, or a lighter model.",
            )
        time.sleep(_LOOK_S * 10)


class _Processes(NamedTuple):
    """Which is which: this process is the supervisor, and its other children are the service's."""

    server: int
    bystanders: frozenset[int]

    def workers(self) -> list[psutil.Process]:
        return [
            child
            for child in psutil.Process().children()
            if child.pid != self.server and child.pid not in self.bystanders
        ]


class _Clocks(NamedTuple):
    at: float
    supervisor: float
    workers: Mapping[int, float]
    """By process id: workers, and the spare that waits to replace one."""
    server: float
    machine_busy: float
    joules: float | None


def _window(service: _TimedService, cameras: list[str], seconds: float, processes: _Processes) -> Window:
    try:
        before = _fresh(service, cameras)
        began = _clocks(processes)
        time.sleep(seconds)
        ended = _clocks(processes)
        after = _fresh(service, cameras)
        supervisor_mb, workers_mb = _memory_mb(processes)
    except psutil.NoSuchProcess as error:
        raise VigieError("a process of the bench died while it was measured") from error
    if began.workers.keys() != ended.workers.keys():
        raise VigieError("a worker died while it was measured", remedy="See the log above.")
    supervisor_s, server_s = ended.supervisor - began.supervisor, ended.server - began.server
    ours = supervisor_s + sum(ended.workers.values()) - sum(began.workers.values())
    return Window(
        began_at=began.at,
        wall_s=ended.at - began.at,
        cpu_s=ours,
        supervisor_cpu_s=supervisor_s,
        server_cpu_s=server_s,
        others_cpu_s=max(0.0, ended.machine_busy - began.machine_busy - ours - server_s),
        before=before,
        after=after,
        supervisor_mb=supervisor_mb,
        workers_mb=workers_mb,
        joules=_drawn(began.joules, ended.joules),
        alerts=tuple(sorted((taken for taken in list(service.taken) if began.at <= taken.at <= ended.at), key=_delay)),
    )


def _delay(taken: TakenAlert) -> float:
    return taken.delay_s


def _fresh(service: Service, cameras: list[str]) -> dict[str, Reading]:
    """The next statistics of every camera, each with the moment at which they came."""
    old = {camera: _statistics(service, camera) for camera in cameras}
    readings: dict[str, Reading] = {}
    until = time.monotonic() + _HEARD_S
    while len(readings) < len(cameras):
        for camera in cameras:
            if camera not in readings and (values := _statistics(service, camera)) is not old[camera]:
                readings[camera] = Reading(time.monotonic(), values)
        if time.monotonic() > until:
            raise VigieError("a worker did not tell its statistics in time", remedy="Measure fewer streams.")
        time.sleep(_LOOK_S)
    return readings


_NOTHING: Final[Mapping[str, float]] = {}


def _statistics(service: Service, camera: str) -> Mapping[str, float]:
    return service.statistics().get(f"camera/{camera}", _NOTHING)


def _clocks(processes: _Processes) -> _Clocks:
    machine = psutil.cpu_times()
    idle = machine.idle + getattr(machine, "iowait", 0.0)
    return _Clocks(
        at=time.monotonic(),
        supervisor=_cpu(psutil.Process()),
        workers={child.pid: _cpu(child) for child in processes.workers()},
        server=_cpu(psutil.Process(processes.server)),
        # Guests are counted within user time already.
        machine_busy=sum(machine) - idle - getattr(machine, "guest", 0.0) - getattr(machine, "guest_nice", 0.0),
        joules=package_joules(),
    )


def _memory_mb(processes: _Processes) -> tuple[float, float]:
    """Of the supervisor, and of its workers."""
    workers = sum(worker.memory_info().rss for worker in processes.workers())
    return psutil.Process().memory_info().rss / _MIB, workers / _MIB


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _drawn(before: float | None, after: float | None) -> float | None:
    """None too where the counter started over."""
    return None if before is None or after is None or after < before else after - before
