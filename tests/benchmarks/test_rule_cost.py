from __future__ import annotations

import json
import sys

import pytest

from benchmarks import rule_cost
from benchmarks.rule_cost import RULES, measure, scene

pytestmark = pytest.mark.slow


def test_the_scene_is_the_same_each_time_and_loses_some_objects_now_and_then() -> None:
    frames = list(scene(20, 30))
    assert frames == list(scene(20, 30))
    assert 0.8 * 20 * 30 < sum(len(seen) for _, seen in frames) < 20 * 30


def test_what_each_rule_costs_adds_up_to_the_whole() -> None:
    found = measure(4, 10)
    assert set(found["rule_ms"]) == {rule["id"] for rule in RULES}
    assert found["ms_per_frame"] == pytest.approx(found["tracking_ms"] + sum(found["rule_ms"].values()), abs=0.01)
    assert found["tracks_per_frame"] == pytest.approx(4.0, abs=1.0)


@pytest.mark.parametrize(("most_ms", "code"), [("1e9", 0), ("0", 1)])
def test_the_exit_code_says_whether_it_costs_too_much(
    most_ms: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["rule_cost", "--objects", "2", "--frames", "5", "--most-ms", most_ms, "--json"])
    assert rule_cost.main() == code
    found = json.loads(capsys.readouterr().out)
    assert found["ms_per_frame"] == min(found["rounds_ms"])
    assert len(found["rounds_ms"]) == 5
