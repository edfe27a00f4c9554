from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from core.demo import control_bench
from core.demo.control_bench import ControlBenchResult, round_trips
from core.demo.one_vms import OneVms
from core.engine.service import Service

ACT_S = 0.05


class Bench:
    """A VMS whose acts take a moment and then have had their effect; its service has no camera."""

    def __init__(self) -> None:
        self.simulator = self
        self.site = self
        self.store = self
        self.feedback = self
        self.cameras: list[Any] = []
        self.alert_id = self.token = "a"
        self.judged = False

    def act(self, name: str, /, **order: Any) -> None:
        threading.Event().wait(ACT_S)
        self.judged = True

    def delivered(self, _service: Any, _action: str) -> list[Any]:
        return [self]

    def verdict(self, _alert_id: str) -> bool | None:
        return self.judged or None

    def statistics(self) -> dict[str, Any]:
        return {}


def test_what_the_act_itself_takes_counts() -> None:
    bench = Bench()
    result = round_trips(
        cast("OneVms", bench), cast("Service", bench), judged="event", rounds=1, say=lambda _text: None
    )
    assert min(*result.verdicts_s, *result.switches_s) >= ACT_S * 0.9


@pytest.mark.parametrize(("seconds", "is_good"), [(control_bench.LIMIT_S, True), (control_bench.LIMIT_S + 0.1, False)])
def test_each_answer_is_to_take_effect_in_time(seconds: float, is_good: bool) -> None:
    assert ControlBenchResult(verdicts_s=[0.1, seconds], switches_s=[0.1]).is_good is is_good
    assert ControlBenchResult(verdicts_s=[0.1], switches_s=[seconds]).is_good is is_good
