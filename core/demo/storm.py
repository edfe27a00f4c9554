"""Minutes of everything that can go wrong on one VMS, then a count: lost, doubled, how soon video is back, growth."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.clock import SystemClock
from core.demo.footprint import Footprint, footprint, growth
from core.demo.one_vms import OneVms
from core.demo.tally import Tally, percentile
from core.engine.service import Service
from core.types import DeliveryState, Json

RESUME_LIMIT_S = 5.0
"""Video is to be back so soon after its server is."""

MOST_THREADS_MORE = 2
MOST_HANDLES_MORE = 8
MOST_MIB_MORE = 12.0
"""More is growth; less is what queues, caches and the allocator do."""

RESTART_EVERY_S = 40.0
DOWN_S = 4.0
SAMPLE_S = 2.0
JUDGE_EVERY_S = 5.0
DRAIN_S = 300.0
_LOOKS_BETWEEN_DROPS = 199
"""Each video connection looks at the plan five times a second: of eight, one is dropped every five seconds."""

_PACKETS_BETWEEN_DROPS = 999
"""Each packet to each viewer looks at the plan: of eight cameras, one is dropped about every five seconds."""

_WEB = ",".join([*["ok"] * 25, *["503"] * 5, *["ok"] * 20, "drop", *["ok"] * 10, "accept-then-drop"])
"""Requests to the Web SDK, in turn: a storm of 503, and connections cut before and after it was done."""

LOOK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """How one simulator is made to misbehave."""

    arguments: Sequence[str]
    """Of the simulator, from its start."""
    calm: Mapping[str, Sequence[str]]
    """Fault plans that end the storm."""
    restart: str
    """Act that takes the video server away for some ``seconds``."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Into the VMS's settings."""
    judged: str = "alarm"
    """Action whose deliveries operators judge, by the alarm that each of them is or triggers."""


STORMS: Mapping[str, Storm] = {
    "xprotect": Storm(
        arguments=(
            *("--jwt-seconds", "20", "--soap-seconds", "20", "--recycle-every", "30"),
            *("--drop-share", "0.05", "--slow-list-seconds", "30", "--fault", "slow-list=ok,ok,ok,slow"),
            *("--fault", f"video={','.join(['ok'] * _LOOKS_BETWEEN_DROPS + ['drop'])}"),
        ),
        calm={"slow-list": (), "video": ()},
        restart="recorder-restart",
    ),
    "security-center": Storm(
        arguments=(
            *("--role-restart-every", "30", "--role-restart-seconds", "4", "--stream-seconds", "13"),
            *("--keep-alive", "5", "--fault", f"web={_WEB}", "--fault", "stream=ok,503,ok,drop"),
            *("--fault", f"video={','.join(['ok'] * _PACKETS_BETWEEN_DROPS + ['drop'])}"),
        ),
        calm={"web": (), "stream": (), "video": ()},
        restart="media-restart",
        judged="event",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StormResult:
    """What is left when it is over."""

    seconds: float
    cameras: int
    alerts: int
    parked: int
    tally: Tally
    doubles_on_askable: int
    restarts: int
    resumes_s: Sequence[float]
    """Per restart and camera: from the server's return to the next pictures, seen up to a second late."""
    never_resumed: int
    verdicts: int
    judged: int
    start: Footprint
    end: Footprint
    grown: Footprint

    @property
    def is_good(self) -> bool:
        """Nothing lost, nothing doubled where it can be asked, video back in time, no growth."""
        nothing_wrong = len(self.tally.lost) + len(self.tally.waiting) + self.parked + self.doubles_on_askable == 0
        is_back = self.restarts > 0 and self.never_resumed == 0 and max(self.resumes_s, default=0.0) <= RESUME_LIMIT_S
        is_steady = (
            self.grown.threads <= MOST_THREADS_MORE
            and self.grown.handles <= MOST_HANDLES_MORE
            and self.grown.rss_mib <= MOST_MIB_MORE
        )
        return self.alerts > 0 and self.verdicts == self.judged > 0 and nothing_wrong and is_back and is_steady

    def as_json(self) -> dict[str, Json]:
        """The document of ``--json``."""
        return {
            "seconds": round(self.seconds, 1),
            "cameras": self.cameras,
            "alerts": self.alerts,
            "accepted": dict(self.tally.accepted),
            "lost": len(self.tally.lost),
            "waiting": len(self.tally.waiting),
            "parked": self.parked,
            "doubles": len(self.tally.duplicates),
            "doubles_on_askable": self.doubles_on_askable,
            "restarts": self.restarts,
            "resume_s": {"p50": percentile(self.resumes_s, 0.5), "max": max(self.resumes_s, default=None)},
            "never_resumed": self.never_resumed,
            "judged": self.judged,
            "verdicts": self.verdicts,
            "start": _as_json(self.start),
            "end": _as_json(self.end),
            "grown": _as_json(self.grown),
        }


class StormBench:
    """Drives one storm. The service runs in this process, its workers in theirs."""

    def __init__(self, bench: OneVms, service: Service, storm: Storm, say: Callable[[str], None]) -> None:
        self._bench = bench
        self._service = service
        self._storm = storm
        self._say = say
        self._clock = SystemClock()
        self._samples: list[Footprint] = []
        self._resumes: list[float] = []
        self._awaited: dict[str, float] = {}
        self._back_at = 0.0
        self._restarts = self._never = 0
        self._judged: set[Any] = set()

    def run(self, seconds: float) -> StormResult:
        """Storms for so long, then lets the outbox drain and counts."""
        started_at = self._clock.monotonic()
        duties = [
            _Duty(self._restart, RESTART_EVERY_S, started_at + RESTART_EVERY_S / 2),
            _Duty(self._sample, SAMPLE_S, started_at),
            _Duty(self._judge, JUDGE_EVERY_S, started_at + JUDGE_EVERY_S),
            _Duty(self._watch, LOOK_S, started_at),
        ]
        while (now := self._clock.monotonic()) - started_at < seconds:
            for duty in duties:
                duty.do_when_due(now)
            threading.Event().wait(LOOK_S / 2)
        self._never += len(self._awaited)
        self._calm()
        return self._result(self._clock.monotonic() - started_at)

    def _restart(self) -> None:
        self._never += len(self._awaited)
        self._bench.simulator.act(self._storm.restart, seconds=DOWN_S)
        self._restarts += 1
        self._back_at = self._clock.monotonic() + DOWN_S
        self._awaited = dict.fromkeys(self._cameras(), -1.0)

    def _watch(self) -> None:
        """Pictures counted when the server came back, and whether there are more now."""
        now = self._clock.monotonic()
        if not self._awaited or now < self._back_at:
            return
        statistics = self._service.statistics()
        for name, seen in list(self._awaited.items()):
            count = statistics.get(name, {}).get("packets_in", 0.0)
            if seen < 0.0:
                self._awaited[name] = count
            elif count > seen:
                self._resumes.append(now - self._back_at)
                del self._awaited[name]

    def _sample(self) -> None:
        self._samples.append(footprint([os.getpid(), *self._service.worker_process_ids()]))

    def _judge(self) -> None:
        for delivery in self._bench.delivered(self._service, self._storm.judged):
            if delivery.alert_id not in self._judged:
                self._bench.simulator.act("close-alarm", token=delivery.token, state="Closed", reason="False alarm")
                self._judged.add(delivery.alert_id)
                return

    def _calm(self) -> None:
        """The storm is over; what it held up must arrive now."""
        self._say("the storm is over: waiting for what it held up")
        for plan, outcomes in self._storm.calm.items():
            self._bench.simulator.set_fault(plan, outcomes)
        self._service.stop_watching()
        until = self._clock.monotonic() + DRAIN_S
        while self._clock.monotonic() < until and (self._service.backlog() or self._verdicts() < len(self._judged)):
            threading.Event().wait(1.0)

    def _verdicts(self) -> int:
        return len(self._service.store.feedback.verdicts(limit=None))

    def _cameras(self) -> list[str]:
        return [f"camera/{camera.id}" for camera in self._service.site.cameras]

    def _result(self, seconds: float) -> StormResult:
        store = self._service.store
        tally = self._bench.tally(store)
        askable = self._service.connector(self._bench.vms_id).askable
        counts = store.delivery_counts(state=DeliveryState.PARKED)
        return StormResult(
            seconds=seconds,
            cameras=len(self._service.site.cameras),
            alerts=len(store.alerts(limit=None)),
            parked=sum(counts.values()),
            tally=tally,
            doubles_on_askable=sum(delivery.action in askable for delivery in tally.duplicates),
            restarts=self._restarts,
            resumes_s=self._resumes,
            never_resumed=self._never,
            verdicts=self._verdicts(),
            judged=len(self._judged),
            start=self._samples[0],
            end=self._samples[-1],
            grown=growth(self._samples),
        )


@dataclass(slots=True)
class _Duty:
    action: Callable[[], None]
    every_s: float
    due_at: float

    def do_when_due(self, now: float) -> None:
        if now >= self.due_at:
            self.due_at = now + self.every_s
            self.action()


def _as_json(value: Footprint) -> dict[str, Json]:
    return {"threads": value.threads, "handles": value.handles, "rss_mib": round(value.rss_mib, 1)}
