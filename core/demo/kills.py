"""Workers killed without warning while cameras are watched: what it costs their own cameras, and the others nothing."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from core.clock import SystemClock
from core.demo.result import DemoResult
from core.demo.run import DemoBench
from core.demo.tally import percentile
from core.demo.truth import LOOP_S, Span, Truth, compare_with_loop
from core.engine.service import Service
from core.errors import VigieError
from core.types import DeliveryState, HealthLevel, Json

TAKE_OVER_LIMIT_S = 5.0
GAP_LIMIT_S = 1.0

LOOK_S = 0.05
WARM_UP_S = 15.0
"""Until the gaps of the start have left the figures (``analytics/gaps.py`` looks ten seconds back)."""

READY_S = 90.0
DRAIN_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KillsResult:
    """What is left when it is over."""

    seconds: float
    cameras: int
    workers: int
    kills: int
    spare_kills: int
    """Of these, those that hit the spare, which has no camera."""
    comparison: DemoResult
    truth: Truth
    parked: int
    video_back_s: Sequence[float]
    """Per kill and camera: until the next worker has its video."""
    analysed_again_s: Sequence[float]
    """Until it analyses it, seen up to a second late."""
    never: int
    """Cameras that nobody had taken over when it ended."""
    unwatched_s: float
    """Of video, over all cameras."""
    gaps_s: Mapping[str, float]
    """Longest wait between two analysed pictures by camera, apart from the deaths of its own worker."""

    @property
    def is_good(self) -> bool:
        """Every alert in the VMS once, taken over in time, nobody else noticed."""
        comparison, truth = self.comparison, self.truth
        nothing_wrong = comparison.lost + comparison.waiting + comparison.duplicates + self.parked + self.never == 0
        is_whole = comparison.alerts > 0 and not truth.missed and not truth.repeated
        is_soon = max(self.analysed_again_s, default=0.0) <= TAKE_OVER_LIMIT_S
        return nothing_wrong and is_whole and is_soon and max(self.gaps_s.values(), default=0.0) < GAP_LIMIT_S

    def as_json(self) -> dict[str, Json]:
        """The document of ``--json``."""
        watchable_s = self.seconds * self.cameras
        return {
            "seconds": round(self.seconds, 1),
            "cameras": self.cameras,
            "workers": self.workers,
            "kills": self.kills,
            "spare_kills": self.spare_kills,
            **self.comparison.as_json(),
            "parked": self.parked,
            "expected_while_watched": self.truth.expected,
            "missed_while_watched": len(self.truth.missed),
            "expected_while_learning": self.truth.expected_learning,
            "missed_while_learning": self.truth.missed_learning,
            "repeated": len(self.truth.repeated),
            "video_back_s": _spread(self.video_back_s),
            "analysed_again_s": _spread(self.analysed_again_s),
            "never_taken_over": self.never,
            "unwatched_s": round(self.unwatched_s, 1),
            "unwatched_share": round(self.unwatched_s / watchable_s, 4) if watchable_s else None,
            "gap_s": {name: round(gap, 3) for name, gap in self.gaps_s.items()},
            "good": self.is_good,
        }


@dataclass(slots=True)
class _Loss:
    """A camera without a worker."""

    killed_at: float
    victim: int
    begun: float
    """In capture time, when it was lost first: its next worker may be killed, too."""
    analysed_before: float
    is_back: bool = False


@dataclass(slots=True)
class _Figures:
    video_back_s: list[float] = field(default_factory=list)
    analysed_again_s: list[float] = field(default_factory=list)
    unwatched: dict[str, list[Span]] = field(default_factory=lambda: defaultdict(list))
    gaps_s: dict[str, float] = field(default_factory=dict)
    spare_kills: int = 0


class KillBench:
    """Drives one run. The service runs in this process, its workers in theirs."""

    def __init__(self, bench: DemoBench, service: Service, rng: random.Random, say: Callable[[str], None]) -> None:
        self._bench = bench
        self._service = service
        self._rng = rng
        self._say = say
        self._clock = SystemClock()
        self._cameras = [camera.id for camera in service.site.cameras]
        self._lost: dict[str, _Loss] = {}
        self._counted_from: dict[str, float] = {}
        self._figures = _Figures()

    def run(self, seconds: float, kills: int) -> KillsResult:
        """Kills at random moments, then lets the outbox drain and counts."""
        self._wait_until_watched()
        workers = len(self._service.owners())
        began, began_utc = self._clock.monotonic(), self._clock.utc()
        due = sorted(began + self._rng.uniform(0.0, seconds) for _ in range(kills))
        while (now := self._clock.monotonic()) - began < seconds or self._is_waiting(now - began - seconds):
            if due and now >= due[0]:
                due.pop(0)
                self._kill(kills - len(due), kills)
            self._look()
            threading.Event().wait(LOOK_S)
        whole = began_utc, self._clock.utc()
        never = len(self._lost)
        self._service.stop_watching()
        self._drain()
        return self._result(whole, workers, kills, never)

    def _is_waiting(self, late_s: float) -> bool:
        return bool(self._lost) and late_s < READY_S

    def _wait_until_watched(self) -> None:
        self._say("waiting until every camera is analysed")
        until = self._clock.monotonic() + READY_S
        while not all(self._analysed(name) > 0.0 for name in self._cameras):
            if self._clock.monotonic() > until:
                raise VigieError(f"not every camera was analysed within {READY_S:.0f} s")
            threading.Event().wait(LOOK_S)
        threading.Event().wait(LOOP_S)  # the detector has seen the scene without anybody then

    def _kill(self, number: int, kills: int) -> None:
        owners = self._service.owners()
        victims = sorted(self._service.worker_process_ids())
        if not victims:
            return  # each of them was just killed
        victim = self._rng.choice(victims)
        cameras = owners.get(victim, ())
        self._say(f"kill {number} of {kills}: process {victim}, cameras {', '.join(cameras) or 'none: the spare'}")
        self._figures.spare_kills += not cameras
        now, utc = self._clock.monotonic(), self._clock.utc()
        with suppress(psutil.NoSuchProcess):
            psutil.Process(victim).kill()
        for name in cameras:
            earlier = self._lost.get(name)
            self._lost[name] = _Loss(now, victim, earlier.begun if earlier else utc, self._analysed(name))
            self._counted_from.pop(name, None)

    def _look(self) -> None:
        now = self._clock.monotonic()
        green = {health.component for health in self._service.health.all() if health.level is HealthLevel.GREEN}
        owners = {name: process for process, names in self._service.owners().items() for name in names}
        for name in self._cameras:
            loss = self._lost.get(name)
            if loss is None:
                self._note_gap(name, now)
            elif owners.get(name, loss.victim) != loss.victim and f"camera/{name}" in green:
                self._note_return(name, loss, now)

    def _note_return(self, name: str, loss: _Loss, now: float) -> None:
        if not loss.is_back:
            loss.is_back = True
            self._figures.video_back_s.append(now - loss.killed_at)
        if loss.is_back and self._analysed(name) not in {0.0, loss.analysed_before}:
            self._figures.analysed_again_s.append(now - loss.killed_at)
            if now - loss.killed_at > TAKE_OVER_LIMIT_S:
                self._say(f"{name} was taken over only after {now - loss.killed_at:.1f} s")
            self._figures.unwatched[name].append((loss.begun, self._clock.utc()))
            self._counted_from[name] = now + WARM_UP_S
            del self._lost[name]

    def _note_gap(self, name: str, now: float) -> None:
        if now >= self._counted_from.setdefault(name, now):
            gap = self._statistic(name, "longest_gap_s")
            self._figures.gaps_s[name] = max(gap, self._figures.gaps_s.get(name, 0.0))

    def _analysed(self, name: str) -> float:
        return self._statistic(name, "frames_analysed")

    def _statistic(self, name: str, figure: str) -> float:
        return self._service.statistics().get(f"camera/{name}", {}).get(figure, 0.0)

    def _drain(self) -> None:
        until = self._clock.monotonic() + DRAIN_S
        while self._service.backlog() and self._clock.monotonic() < until:
            threading.Event().wait(1.0)

    def _result(self, whole: Span, workers: int, kills: int, never: int) -> KillsResult:
        store, figures = self._service.store, self._figures
        raised: dict[tuple[str, str], list[float]] = defaultdict(list)
        for alert in store.alerts(limit=None):
            raised[alert.camera_id, alert.rule_id].append(alert.captured_at)
        truth = compare_with_loop(raised, figures.unwatched, whole)
        for (camera, rule), due in truth.missed:
            self._say(f"missed: {rule} of {camera}, {due - whole[0]:.1f} s after the start")
        parked = sum(store.delivery_counts(state=DeliveryState.PARKED).values())
        return KillsResult(
            seconds=whole[1] - whole[0],
            cameras=len(self._cameras),
            workers=workers,
            kills=kills,
            spare_kills=figures.spare_kills,
            comparison=self._bench.compare(store),
            truth=truth,
            parked=parked,
            video_back_s=figures.video_back_s,
            analysed_again_s=figures.analysed_again_s,
            never=never,
            unwatched_s=sum(end - begin for spans in figures.unwatched.values() for begin, end in spans),
            gaps_s=figures.gaps_s,
        )


def _spread(values: Sequence[float]) -> dict[str, Json]:
    figures = {"p50": percentile(values, 0.5), "p95": percentile(values, 0.95), "max": max(values, default=None)}
    return {"count": len(values), **{name: None if v is None else round(v, 2) for name, v in figures.items()}}
