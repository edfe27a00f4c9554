"""Analysis workers kept alive: cameras placed by what they cost, dead workers replaced at once by a warm spare.

A *seat* is one worker for as long as the service runs; the process (*child*) in it may be replaced. One child more than
there are seats has imported everything and waits: it takes the seat of the next that dies.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeAlias

import structlog

from config.model import CameraSettings, SiteSettings
from core.contracts import Clock
from core.engine import worker
from core.engine.child import Child, WorkerMain
from core.engine.costs import Budget, MeasuredCosts, UnknownBudget
from core.engine.messages import Assign, FromWorker, Heartbeat, Ready, Released, SettingsChanged, SwitchRules, Unassign
from core.engine.placement import best_move, place
from core.engine.progress import STUCK_S, Progress
from core.engine.worker import WorkerSetup
from core.engine.workers import worker_count
from core.types import RuleState, UtcSeconds

SETTLED_S = 20.0
"""A worker that lived so long is sound."""

QUICK_DEATH_S = 10.0
"""A worker that died younger, counted from when it got its cameras, is replaced with growing delays from the third
time on, so that a crash loop does not burn the CPU."""

FREE_DEATHS = 2
MOST_QUICK_DEATHS_HELPED = 1
"""After so many another worker still stands in: two deaths may be chance, three are not."""

LONGEST_RESTART_S = 15.0
MAX_DOUBLINGS = 8

SPARE_REST_S = 5.0
"""A spare that died is replaced after so long: nobody waits for it."""

STOP_S = 10.0
"""Longest wait for all workers to end by themselves."""

LAST_WORDS_S = 3.0
"""Longest wait, after a kill, for what the killed had said to be taken."""

_log = structlog.get_logger(component="pool")

StatesOf: TypeAlias = Callable[[str], Mapping[str, RuleState]]
"""What operators switched of a camera's rules, by camera id."""


class WorkerEvents(Protocol):
    """Who listens to the workers. Called from a worker's own reader thread, or from who changed the settings."""

    def said(self, worker_index: int, message: FromWorker) -> None:
        """A worker sent a message."""

    def died(self, worker_index: int, camera_ids: Sequence[str], exit_code: int | None) -> None:
        """A worker ended without being told; its cameras are handed out again."""

    def stuck(self, worker_index: int, camera_id: str, what: str) -> None:
        """A camera's ``what`` (decoding, analysis) hangs; its worker is replaced, and said to have died."""

    def refused(self, camera_id: str, cause: str) -> None:
        """A camera does not fit into the budget: nobody watches it."""

    def closed(self, worker_index: int) -> None:
        """No camera belongs to this worker any more: it ends, and says nothing from now on."""


@dataclass(slots=True)
class _Seat:
    index: int
    child: Child | None = None
    taken_at: float = 0.0
    quick_deaths: int = 0
    is_resting: bool = False
    """Whether its next child is held back, for the last ones died young."""
    is_bereaved: bool = False
    """Whether it lost its last child, and its cameras are not under suspicion."""

    @property
    def is_ready(self) -> bool:
        """Whether its child could take a camera at once."""
        return self.child is not None and self.child.is_ready


class WorkerPool:
    """The workers of a site, each with the cameras that were placed on it."""

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
        budget: Budget | None = None,
    ) -> None:
        self._target = target
        self._setup = WorkerSetup(site=site, site_path=site_path, log_level=log_level)
        self._events = events
        self._last_alerts = last_alerts
        self._states = states
        self._clock = clock
        self._budget = budget or UnknownBudget()
        self._context = multiprocessing.get_context("spawn")
        self._stopping = threading.Event()
        self._lock = threading.RLock()
        self._costs = MeasuredCosts(clock)
        self._progress = Progress(clock)
        self._seats: dict[int, _Seat] = {}
        self._children: set[Child] = set()
        self._spare: Child | None = None
        self._homes: dict[str, int] = {}
        """Where cameras belong: seat by camera id."""
        self._holders: dict[str, int] = {}
        """Where cameras are: they may still have to be let go of there."""
        self._leaving: set[str] = set()
        """Cameras that their holder was asked to let go of."""
        self._refused: dict[str, str] = {}

    def start(self, fronts: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """Starts every worker; returns without waiting for them. ``fronts``: what each VMS's front hands to workers."""
        with self._lock:
            self._setup = replace(self._setup, fronts=fronts or {})
            self._place()

    def apply(self, site: SiteSettings, changed: Iterable[str] = ()) -> None:
        """Takes up a changed site: cameras come, go, and ``changed`` ones are told; nobody else notices."""
        with self._lock:
            self._setup = replace(self._setup, site=site)
            for child in self._children:
                child.tell(lambda: SettingsChanged(site=site))
            watched = self._watched()
            self._costs.keep(watched)
            for name in self._homes.keys() - watched.keys():
                del self._homes[name]
            self._place()
            for name in changed:
                if name in self._holders and name not in self._leaving:
                    self._assign(name, self._seats[self._holders[name]])

    def balance(self) -> None:
        """Admits what fits by now, and moves a camera off a worker that has too much to do. Meant for once a minute."""
        with self._lock:
            if self._stopping.is_set() or self._homes.keys() != self._holders.keys():
                return
            self._place()
            costs = {name: self._costs.cores(name) for name in self._homes}
            workers = worker_count(self._setup.site)
            if move := best_move(costs, self._homes, workers=workers, budget=self._budget.per_worker()):
                _log.info("a camera moves to a worker with less to do", camera=move.camera_id, worker=move.seat)
                self._homes[move.camera_id] = move.seat
                self._hand_out()

    def stop(self) -> None:
        """Tells every worker to end, hears it to its last word, and kills the one that does not end. May be repeated."""
        with self._lock:
            self._stopping.set()
            children = list(self._children)
        for child in children:
            child.end()
            if child.seat is None:
                child.kill()  # it has nothing to say, and would hear of it only after its imports
        if self._ended_within(children, STOP_S):
            return
        for child in children:
            if child.process_id is not None:
                _log.error("a worker did not end in time: it is killed", worker=child.seat)
                child.kill()
        if not self._ended_within(children, LAST_WORDS_S):
            _log.error("what a worker said last could not be taken in time")

    def switch(self, camera_id: str) -> None:
        """Tells the worker of a camera what is switched of its rules; from any thread, returns at once."""
        with self._lock:
            seat = self._seats.get(self._holders.get(camera_id, -1))
            if seat and seat.child:
                seat.child.tell(lambda: SwitchRules(camera_id=camera_id, states=dict(self._states(camera_id))))

    def process_ids(self) -> list[int]:
        """Process ids of the workers alive now, the spare included."""
        with self._lock:
            return [found for child in self._children if (found := child.process_id) is not None]

    def owners(self) -> dict[int, tuple[str, ...]]:
        """The cameras that each worker holds now, by its process id; the spare holds none."""
        with self._lock:
            return {
                process_id: tuple(self._held_by(seat.index))
                for seat in self._seats.values()
                if seat.child and (process_id := seat.child.process_id) is not None
            }

    def is_settled(self, worker_index: int) -> bool:
        """False while a worker that died young has not yet outlived that age: it may die again."""
        seat = self._seats.get(worker_index)
        return seat is None or seat.quick_deaths == 0 or self._age(seat) > SETTLED_S

    def heard(self, child: Child, message: FromWorker) -> None:
        """A child said something; from its own thread."""
        with self._lock:
            seat = child.seat
            if isinstance(message, Ready):
                child.is_ready = True
                self._keep_spare()
                self._hand_out()
            if seat is None:
                return
            if isinstance(message, Released) and self._holders.get(message.camera_id) == seat:
                self._let_go(message.camera_id)
                self._hand_out()
            if isinstance(message, Heartbeat):
                self._look_at(seat, child, message)
        self._events.said(seat, message)  # without the lock: storing an alert may take long

    def ended(self, child: Child, exit_code: int | None) -> None:
        """A child is gone; from its own thread, which replaces it."""
        with self._lock:
            self._children.discard(child)
            is_spare = child is self._spare
            if is_spare:
                self._spare = None
            seat = next((seat for seat in self._seats.values() if seat.child is child), None)
            if seat:
                seat.child, seat.is_resting = None, True
        if is_spare:
            self._stopping.wait(SPARE_REST_S)
            with self._lock:
                self._keep_spare()
        elif seat and not self._stopping.is_set():
            self._replace(seat, exit_code, child.failure)

    def _replace(self, seat: _Seat, exit_code: int | None, failure: str) -> None:
        with self._lock:
            delay_s = self._restart_delay(seat)
            seat.is_bereaved = seat.quick_deaths <= MOST_QUICK_DEATHS_HELPED
            held = self._held_by(seat.index)
            for name in held:
                self._let_go(name)
                if (home := self._seats.get(self._homes.get(name, -1))) and home is not seat:
                    home.is_bereaved = False  # who stood in died, too: its cameras are under suspicion
        # A crash loop is one failure: said once, until a worker has lived longer.
        log = _log.error if seat.quick_deaths <= 1 else _log.debug
        log("a worker died", worker=seat.index, exit_code=exit_code, cause=failure, cameras=held)
        self._events.died(seat.index, held, exit_code)
        self._stopping.wait(delay_s)
        with self._lock:
            seat.is_resting = False
            self._hand_out()

    # Placing; with the lock held

    def _watched(self) -> dict[str, CameraSettings]:
        return {camera.id: camera for camera in self._setup.site.cameras if camera.enabled}

    def _place(self) -> None:
        site = self._setup.site
        watched = self._watched()
        costs = {name: self._cost(camera) for name, camera in watched.items()}
        placing = place(costs, workers=worker_count(site), present=self._homes, budget=self._budget.per_worker())
        self._homes = placing.seats
        before, self._refused = self._refused, placing.refused
        for name, cause in placing.refused.items():
            if name not in before:
                _log.error("a camera is refused", camera=name, cause=cause)
            self._events.refused(name, cause)
        self._hand_out()

    def _cost(self, camera: CameraSettings) -> float | None:
        measured = self._costs.cores(camera.id)
        return self._budget.estimate(camera, self._setup.site.analysis_of(camera)) if measured is None else measured

    def _hand_out(self) -> None:
        """Makes cameras be where they belong: asks for what is elsewhere, hands out what nobody holds."""
        if self._stopping.is_set():
            return
        for index in set(self._homes.values()):
            self._child_of(self._seats.setdefault(index, _Seat(index)))
        for name, holder in self._holders.items():
            if name not in self._leaving and self._is_away(name, holder):
                self._ask_for(name, self._seats[holder])
        for name, home in self._homes.items():
            if name not in self._holders and (host := self._host(self._seats[home])):
                self._assign(name, host)
        for seat in list(self._seats.values()):
            if not self._held_by(seat.index) and not self._at_home(seat.index):
                self._close(seat)

    def _host(self, seat: _Seat) -> _Seat | None:
        """Who takes a camera of a seat now: while its new child still imports, another worker stands in.

        But not for a camera that may be the cause: one that does harm costs one stand-in at most.
        """
        if seat.is_resting:
            return None
        ready = [other for other in self._seats.values() if other.is_ready]
        if not seat.is_bereaved or seat.is_ready or not ready:
            return seat
        return min(ready, key=lambda other: len(self._held_by(other.index)))

    def _is_away(self, name: str, holder: int) -> bool:
        """Whether a camera should leave its holder now: its own worker can take it, or nobody shall."""
        home = self._homes.get(name)
        return home is None or (home != holder and self._seats[home].is_ready)

    def _child_of(self, seat: _Seat) -> None:
        if seat.child is None and not seat.is_resting:
            seat.child, self._spare = self._spare or self._born(), None
            seat.child.seat = seat.index
            seat.taken_at = self._clock.monotonic()
            self._keep_spare()

    def _close(self, seat: _Seat) -> None:
        """No worker without a camera."""
        del self._seats[seat.index]
        if seat.child:
            seat.child.seat = None
            seat.child.end()
        self._events.closed(seat.index)

    def _keep_spare(self) -> None:
        """There is one more process than seats, once these have begun to work: they come first."""
        is_busy = any(child.seat is not None and not child.is_ready for child in self._children)
        if self._spare is None and not is_busy and not self._stopping.is_set():
            self._spare = self._born()

    def _born(self) -> Child:
        child = Child(self, self._context, self._target, self._setup, self._clock)
        self._children.add(child)
        child.start()
        return child

    def _assign(self, name: str, seat: _Seat) -> None:
        if seat.child:
            self._holders[name] = seat.index
            seat.child.tell(
                lambda: Assign(
                    camera_id=name, last_alerts=dict(self._last_alerts(name)), states=dict(self._states(name))
                )
            )

    def _ask_for(self, name: str, seat: _Seat) -> None:
        if seat.child:
            self._leaving.add(name)
            seat.child.tell(lambda: Unassign(camera_id=name))

    def _let_go(self, name: str) -> None:
        self._holders.pop(name, None)
        self._leaving.discard(name)
        self._progress.forget(name)
        self._costs.moved(name)

    def _held_by(self, index: int) -> list[str]:
        return [name for name, holder in self._holders.items() if holder == index]

    def _at_home(self, index: int) -> list[str]:
        return [name for name, home in self._homes.items() if home == index]

    # Ageing

    def _look_at(self, seat: int, child: Child, heartbeat: Heartbeat) -> None:
        mine = {name: values for name, values in heartbeat.statistics.items() if self._holders.get(name) == seat}
        self._costs.take(seat, heartbeat)
        for name, what in self._progress.stuck(mine).items():
            _log.error("analysis hangs: its worker is replaced", camera=name, what=what, seconds=STUCK_S)
            self._progress.forget(name)
            self._events.stuck(seat, name, what)
            child.kill()

    def _age(self, seat: _Seat) -> float:
        return self._clock.monotonic() - seat.taken_at

    def _restart_delay(self, seat: _Seat) -> float:
        if self._age(seat) > QUICK_DEATH_S:
            seat.quick_deaths = 0
            return 0.0
        seat.quick_deaths += 1
        doublings = min(seat.quick_deaths - FREE_DEATHS - 1, MAX_DOUBLINGS)
        return 0.0 if doublings < 0 else min(2.0**doublings, LONGEST_RESTART_S)

    def _ended_within(self, children: Sequence[Child], seconds: float) -> bool:
        until = self._clock.monotonic() + seconds
        for child in children:
            child.thread.join(max(0.0, until - self._clock.monotonic()))
        return not any(child.thread.is_alive() for child in children)
