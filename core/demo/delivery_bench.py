"""Guarantee 1 put to the test: kill -9 while alerts flow into two VMS that misbehave, then count.

The service is the real ``vigie run`` in a child process. The last life runs in this process, to the end of the backlog.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.clock import SystemClock
from core.demo.result import DemoResult
from core.demo.run import DemoBench
from core.demo.site import CROSSING, PRESENCE
from core.engine.service import Service
from core.errors import VigieError
from core.types import Delivery, DeliveryState, Json

DRAIN_S = 900.0
"""Longest wait for the backlog that the faults built up."""

LAST_WATCH_S = 6.0
SHORTEST_LIFE_S = 4.0
"""A service needs some seconds to import, connect and see a first frame: shorter lives would test nothing."""

KILL_WAIT_S = 10.0
ORPHAN_S = 60.0
"""A service that outlives its life by so much has lost the bench that was to kill it, and ends by itself."""

POLL_S = 5.0

RUN = (sys.executable, "-m", "core.cli.main", "--log-level", "warning", "run")

MANY_RULES: Sequence[dict[str, Any]] = [
    *({**CROSSING, "id": f"passage-{x}", "line": [[x / 100, 0.35], [x / 100, 1.0]]} for x in (36, 64)),
    {**PRESENCE, "dwell_s": 0.5},
]
"""Two lines that every figure of the scene crosses one after the other, and the zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryBenchResult:
    """What the VMS hold after all kills."""

    kills: int
    comparison: DemoResult
    askable: Mapping[str, Sequence[str]]
    doubles: Mapping[str, Mapping[str, int]]
    parked: int

    @property
    def doubles_on_askable(self) -> int:
        """Surplus records where the VMS could have been asked: must be none."""
        return sum(
            count
            for vms, actions in self.doubles.items()
            for action, count in actions.items()
            if action in self.askable[vms]
        )

    @property
    def is_good(self) -> bool:
        """Nothing missing anywhere, nothing doubled where the VMS can be asked."""
        left = self.comparison.lost + self.comparison.waiting + self.parked
        return self.comparison.alerts > 0 and left == self.doubles_on_askable == 0

    def as_json(self) -> dict[str, Json]:
        """The document of ``--json``."""
        return {
            "kills": self.kills,
            **self.comparison.as_json(),
            "parked": self.parked,
            "askable": {vms: list(actions) for vms, actions in self.askable.items()},
            "doubles": {vms: dict(actions) for vms, actions in self.doubles.items()},
            "doubles_on_askable": self.doubles_on_askable,
        }


def kill_repeatedly(
    bench: DemoBench, *, kills: int, longest_life_s: float, rng: random.Random, log: Path, say: Callable[[str], None]
) -> None:
    """Starts the service and kills it without warning, so many times."""
    for number in range(1, kills + 1):
        life_s = rng.uniform(SHORTEST_LIFE_S, max(SHORTEST_LIFE_S, longest_life_s))
        say(f"life {number} of {kills}: kill -9 after {life_s:.1f} s")
        with log.open("a", encoding="utf-8") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command line
                [*RUN, str(bench.site.path), "--seconds", f"{life_s + ORPHAN_S:.0f}"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            try:
                _live(process, life_s, log)
            finally:
                process.kill()
                process.wait(KILL_WAIT_S)


def last_life(bench: DemoBench, *, kills: int, say: Callable[[str], None]) -> DeliveryBenchResult:
    """One life that is not killed: watches a little more, then delivers all that is left."""
    service = bench.service()
    try:
        service.start()
        _wait(LAST_WATCH_S)
        service.stop_watching()
        _drain(service, say)
        return _result(bench, service, kills)
    finally:
        service.stop()


def _live(process: subprocess.Popen[bytes], life_s: float, log: Path) -> None:
    try:
        code = process.wait(life_s)
    except subprocess.TimeoutExpired:
        return
    raise VigieError(f"the service ended by itself with code {code}", remedy=f"Its log is {log}.")


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def _drain(service: Service, say: Callable[[str], None]) -> None:
    clock = SystemClock()
    until = clock.monotonic() + DRAIN_S
    while (left := service.backlog()) and clock.monotonic() < until:
        say(f"{left} deliveries left")
        _wait(POLL_S)


def _result(bench: DemoBench, service: Service, kills: int) -> DeliveryBenchResult:
    comparison = bench.compare(service.store)
    doubles = {
        bench.site.milestone: _by_action(comparison.milestone.duplicates),
        bench.site.genetec: _by_action(comparison.genetec.duplicates),
    }
    parked = sum(
        count for (_, _, state), count in service.store.delivery_counts().items() if state is DeliveryState.PARKED
    )
    return DeliveryBenchResult(
        kills=kills, comparison=comparison, askable=_askable(service), doubles=doubles, parked=parked
    )


def _by_action(deliveries: Sequence[Delivery]) -> dict[str, int]:
    return dict(Counter(delivery.action for delivery in deliveries))


def _askable(service: Service) -> dict[str, list[str]]:
    return {vms.id: sorted(service.connector(vms.id).askable) for vms in service.site.vms}
