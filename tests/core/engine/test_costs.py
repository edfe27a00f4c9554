from __future__ import annotations

import pytest

from core.clock import ManualClock
from core.engine.costs import NEWEST_SHARE, WINDOW_S, MeasuredCosts, UnknownBudget
from core.engine.messages import Heartbeat
from tests.core.engine.sites import camera, site


def heartbeat(processor_s: float, **spent: float) -> Heartbeat:
    statistics = {name: {"decode_s": seconds / 2, "inference_s": seconds / 2} for name, seconds in spent.items()}
    return Heartbeat(statistics=statistics, dropped_boxes=0, processor_s=processor_s)


def test_a_camera_costs_what_it_spends_and_its_share_of_the_rest() -> None:
    clock = ManualClock()
    costs = MeasuredCosts(clock)
    costs.take(0, heartbeat(10.0, a=4.0, b=2.0))
    assert costs.cores("a") is None
    clock.advance(WINDOW_S)
    costs.take(0, heartbeat(18.0, a=8.0, b=4.0))
    assert costs.cores("a") == pytest.approx(0.4 + 0.1)
    assert costs.cores("b") == pytest.approx(0.2 + 0.1)


def test_a_new_process_counts_from_zero_and_what_was_known_stays() -> None:
    clock = ManualClock()
    costs = MeasuredCosts(clock)
    costs.take(0, heartbeat(0.0, a=0.0))
    clock.advance(WINDOW_S)
    costs.take(0, heartbeat(5.0, a=5.0))
    costs.take(0, heartbeat(0.1, a=0.1))
    assert costs.cores("a") == pytest.approx(0.5)
    clock.advance(WINDOW_S)
    costs.take(0, heartbeat(10.1, a=10.1))
    assert costs.cores("a") == pytest.approx(0.5 + NEWEST_SHARE * 0.5)


def test_a_camera_that_moved_to_a_process_that_has_spent_more_is_not_charged_for_it() -> None:
    clock = ManualClock()
    costs = MeasuredCosts(clock)
    costs.take(0, heartbeat(1.0, a=1.0))
    costs.moved("a")
    clock.advance(WINDOW_S)
    costs.take(1, heartbeat(9.0, a=9.0))
    assert costs.cores("a") is None
    clock.advance(WINDOW_S)
    costs.take(1, heartbeat(11.0, a=11.0))
    assert costs.cores("a") == pytest.approx(0.2)


def test_a_camera_that_is_gone_is_forgotten() -> None:
    clock = ManualClock()
    costs = MeasuredCosts(clock)
    for second in (0.0, WINDOW_S):
        clock.advance(second)
        costs.take(0, heartbeat(second, a=second))
    costs.keep(["b"])
    assert costs.cores("a") is None


def test_of_a_machine_that_nobody_measured_nothing_is_known() -> None:
    watched = site(camera("a"))
    assert UnknownBudget().estimate(watched.cameras[0], watched.analysis) is None
    assert UnknownBudget().per_worker() is None
