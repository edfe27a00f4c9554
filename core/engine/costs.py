"""What each camera costs in processor time: as workers tell it, and before that as somebody estimates."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from config.model import AnalysisSettings, CameraSettings
from core.contracts import Clock
from core.engine.messages import Heartbeat

WINDOW_S = 10.0
"""A figure is taken over so long."""

NEWEST_SHARE = 0.3
"""Weight of the newest figure against what was known: a busy minute shall not move cameras about."""

_OWN = ("decode_s", "inference_s")


class Budget(Protocol):
    """What is known of this machine: what a camera will cost, and how much one worker can do."""

    def estimate(self, camera: CameraSettings, analysis: AnalysisSettings) -> float | None:
        """Cores that the camera will need; None where nobody knows: it is then admitted."""

    def per_worker(self) -> float | None:
        """Cores that one worker may spend; None where nobody knows: everything is then admitted."""


class UnknownBudget:
    """A machine that nobody has measured: everything is admitted."""

    def estimate(self, camera: CameraSettings, analysis: AnalysisSettings) -> float | None:  # noqa: ARG002 - see Budget
        """As ``Budget.estimate``."""
        return None

    def per_worker(self) -> float | None:
        """As ``Budget.per_worker``."""
        return None


@dataclass(slots=True)
class _Known:
    began: float
    spent_s: float
    cores: float | None = None


class MeasuredCosts:
    """Cores that each camera needs, from the heartbeats of its worker. Not thread-safe: the pool holds its lock.

    A camera's own part is decoding and inference. What its process spends beside (streams, tracking, rules, messages)
    is shared out evenly among the cameras of the process.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._processes: dict[int, tuple[float, float]] = {}
        self._rest: dict[int, float] = {}

    def take(self, worker_index: int, heartbeat: Heartbeat) -> None:
        """Notes what a worker told."""
        now = self._clock.monotonic()
        spent = {name: _own_s(values) for name, values in heartbeat.statistics.items()}
        self._take_rest(worker_index, now, heartbeat.processor_s - sum(spent.values()), len(spent))
        for name, spent_s in spent.items():
            known = self._known.get(name)
            if known is None or spent_s < known.spent_s:  # a new process counts from 0
                self._known[name] = _Known(now, spent_s, known.cores if known else None)
            elif now - known.began >= WINDOW_S:
                cores = (spent_s - known.spent_s) / (now - known.began) + self._rest.get(worker_index, 0.0)
                self._known[name] = _Known(now, spent_s, _smoothed(known.cores, cores))

    def cores(self, camera_id: str) -> float | None:
        """What a camera needs; None before it was measured."""
        known = self._known.get(camera_id)
        return None if known is None else known.cores

    def moved(self, camera_id: str) -> None:
        """Another process counts for it from now on; what is known stays."""
        if known := self._known.get(camera_id):
            known.spent_s = math.inf

    def keep(self, camera_ids: Collection[str]) -> None:
        """Forgets every other camera."""
        self._known = {name: known for name, known in self._known.items() if name in camera_ids}

    def _take_rest(self, worker_index: int, now: float, rest_s: float, cameras: int) -> None:
        began, before_s = self._processes.get(worker_index, (now, rest_s))
        if rest_s < before_s:
            self._rest.pop(worker_index, None)
            self._processes[worker_index] = (now, rest_s)
        elif now - began >= WINDOW_S and cameras:
            self._rest[worker_index] = (rest_s - before_s) / (now - began) / cameras
            self._processes[worker_index] = (now, rest_s)
        else:
            self._processes[worker_index] = (began, before_s)


def _own_s(values: Mapping[str, float]) -> float:
    return sum(values.get(name, 0.0) for name in _OWN)


def _smoothed(before: float | None, newest: float) -> float:
    return newest if before is None else before + NEWEST_SHARE * (newest - before)
