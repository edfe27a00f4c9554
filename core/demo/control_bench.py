"""How soon an operator's act in the VMS takes effect here: verdicts, and rules armed and disarmed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.clock import SystemClock
from core.demo.one_vms import OneVms, await_it
from core.demo.tally import percentile
from core.engine.service import Service
from core.types import Json

ALERT_S = 90.0
"""Longest wait for something to judge."""

ANSWER_S = 30.0
"""Longest wait for an answer's effect."""

LIMIT_S = 2.0
"""What is promised."""

OFF, ON = "Vigie off", "Vigie normal"
ORDERS: Sequence[dict[str, Any]] = ({"event": OFF, "state": "off"}, {"event": ON, "state": "as_configured"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Controlled:
    """How one simulator gets the events, and what its operators judge."""

    arguments: Sequence[str]
    """Of the simulator."""
    judged: str
    """The only action that is published; the alarm that each delivery is or triggers is closed."""


CONTROLLED: Mapping[str, Controlled] = {
    "xprotect": Controlled(arguments=("--user-defined-event", OFF, "--user-defined-event", ON), judged="alarm"),
    "security-center": Controlled(
        arguments=("--control-event", f"6001:{OFF}", "--control-event", f"6002:{ON}"), judged="event"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlBenchResult:
    """Seconds from each act to its effect. Switches are seen with the worker's heartbeat, up to a second late."""

    verdicts_s: Sequence[float]
    switches_s: Sequence[float]

    @property
    def is_good(self) -> bool:
        """Everything took effect in time."""
        return max(*self.verdicts_s, *self.switches_s) <= LIMIT_S

    def as_json(self) -> dict[str, Json]:
        """The document of ``--json``."""
        return {"limit_s": LIMIT_S, "verdict": _figures(self.verdicts_s), "switch": _figures(self.switches_s)}


def round_trips(
    bench: OneVms, service: Service, *, judged: str, rounds: int, say: Callable[[str], None]
) -> ControlBenchResult:
    """Closes ``rounds`` alarms as false and switches all rules off and on so often; the service runs."""
    verdicts = [_verdict(bench, service, judged, number, say) for number in range(rounds)]
    switches = [_switch(bench, service, name, say) for _ in range(rounds) for name in (OFF, ON)]
    return ControlBenchResult(verdicts_s=verdicts, switches_s=switches)


def _verdict(bench: OneVms, service: Service, judged: str, number: int, say: Callable[[str], None]) -> float:
    clock = SystemClock()

    def fresh() -> list[Any]:
        return [
            delivery
            for delivery in bench.delivered(service, judged)
            if service.store.feedback.verdict(delivery.alert_id) is None
        ]

    await_it("an alarm to judge", lambda: bool(fresh()), clock, ALERT_S)
    chosen = fresh()[0]
    acted_at = clock.monotonic()
    bench.simulator.act("close-alarm", token=chosen.token, state="Closed", reason="False alarm", by="bench")
    await_it("a verdict", lambda: service.store.feedback.verdict(chosen.alert_id) is not None, clock, ANSWER_S)
    elapsed = clock.monotonic() - acted_at
    say(f"verdict {number + 1}: {elapsed:.2f} s")
    return elapsed


def _switch(bench: OneVms, service: Service, event: str, say: Callable[[str], None]) -> float:
    clock = SystemClock()
    rules = {f"camera/{camera.id}": float(len(camera.rules)) for camera in service.site.cameras}
    wanted = {name: count if event == OFF else 0.0 for name, count in rules.items()}

    def is_done() -> bool:
        statistics = service.statistics()
        return all(statistics.get(name, {}).get("rules_off") == count for name, count in wanted.items())

    acted_at = clock.monotonic()
    bench.simulator.act("trigger-event", name=event)
    await_it(f"{event!r}", is_done, clock, ANSWER_S)
    elapsed = clock.monotonic() - acted_at
    say(f"{event}: {elapsed:.2f} s")
    return elapsed


def _figures(seconds: Sequence[float]) -> dict[str, Json]:
    return {
        "rounds": len(seconds),
        "p50_s": round(percentile(seconds, 0.5) or 0.0, 3),
        "p95_s": round(percentile(seconds, 0.95) or 0.0, 3),
        "max_s": round(max(seconds, default=0.0), 3),
    }
