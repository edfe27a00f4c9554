"""What the benches ask of the simulator is there."""

from __future__ import annotations

import requests

from core.demo.control_bench import CONTROLLED, OFF, ON
from core.demo.storm import STORMS
from tests.connectors.genetec.simulator.running import simulated


def test_the_storm_s_arguments_acts_and_plans_exist() -> None:
    storm = STORMS["security-center"]
    with simulated(*storm.arguments) as client:
        acts = requests.get(f"{client.announced.admin}/acts", timeout=5).json()
        for plan, outcomes in storm.calm.items():
            client.order(plan, *outcomes)
    assert {storm.restart, "close-alarm"} <= set(acts)


def test_the_control_bench_s_events_exist_and_trigger_no_alarm() -> None:
    with simulated(*CONTROLLED["security-center"].arguments) as client:
        for name in (OFF, ON):
            assert client.act("trigger-event", name=name).status_code == 200
        assert client.ledger("alarm") == []
