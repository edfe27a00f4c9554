"""The product on real video whose events a person counted: the shared clips, read in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from analytics.commands.analyse import analyse_file
from analytics.rules.line_crossing import LineCrossingSettings
from analytics.rules.loitering import LoiteringSettings
from analytics.rules.stopped_vehicle import StoppedVehicleSettings
from analytics.rules.wrong_direction import WrongDirectionSettings
from analytics.rules.zone_presence import ZonePresenceSettings
from config.model import AnalysisSettings, RuleSettings
from tests.shared import shared

pytestmark = [pytest.mark.slow, pytest.mark.shared_data, pytest.mark.timeout(180)]

KINDS: dict[str, type[RuleSettings]] = {
    "zone_presence": ZonePresenceSettings,
    "line_crossing": LineCrossingSettings,
    "wrong_direction": WrongDirectionSettings,
    "loitering": LoiteringSettings,
    "stopped_vehicle": StoppedVehicleSettings,
}


class Score(NamedTuple):
    """By the data set's own rules: an alert finds an interval, repeats one, or is false."""

    matched: int
    missed: int
    repeated: int
    false: int


def clip_of(name: str) -> dict[str, Any]:
    clips = yaml.safe_load(shared("data/dataset.yaml").read_text(encoding="utf-8"))["clips"]
    clip: dict[str, Any] = next(clip for clip in clips if clip["id"] == name)
    return clip


def scores(name: str, model: str, fps: float) -> dict[str, Score]:
    """Every zone and line of the clip, judged against its truth."""
    clip = clip_of(name)
    rules = [KINDS[rule["type"]].model_validate(rule) for rule in clip["rules"] if rule["type"] in KINDS]
    analysis = AnalysisSettings(detector=str(shared(f"data/models/{model}.onnx")), fps=fps)
    alerts = analyse_file(Path(shared(f"data/{clip['video']}")), rules, analysis).alerts
    return {
        rule.id: score(
            [(true["start_s"], true["end_s"]) for true in clip["truth"] if true["rule"] == rule.id],
            [alert.captured_at for alert in alerts if alert.rule_id == rule.id],
        )
        for rule in rules
    }


def score(truth: list[tuple[float, float]], alerts: list[float]) -> Score:
    free, taken, repeated, false = sorted(truth), [], 0, 0
    for moment in alerts:
        found = next((true for true in free if true[0] - 1 <= moment <= min(true[1], true[0] + 10) + 1), None)
        if found is not None:
            free.remove(found)
            taken.append(found)
        elif any(start - 1 <= moment <= end + 1 for start, end in taken):
            repeated += 1
        else:
            false += 1
    return Score(len(taken), len(free), repeated, false)


def test_six_people_come_to_a_table_one_by_one_and_leave_to_the_right() -> None:
    found = scores("zone_presence_table", "yolox_nano", fps=3.0)
    assert found["table"] == Score(matched=6, missed=0, repeated=0, false=0)
    assert found["exit"] == Score(matched=6, missed=0, repeated=0, false=0)
    assert found["exit_wrong_way"] == found["left_side"] == Score(0, 0, 0, 0)
    assert found["table_long"] == Score(matched=3, missed=0, repeated=0, false=0)


def test_pedestrians_who_cross_a_junction_are_counted_as_a_person_counts_them() -> None:
    found = scores("persons_pets2009_vtest", "yolox_nano", fps=6.0)
    any_way, to_left = found["junction"], found["junction_left"]
    assert abs(any_way.matched + any_way.repeated + any_way.false - 25) <= 1
    assert abs(to_left.matched + to_left.repeated + to_left.false - 11) <= 1
    assert any_way.missed + to_left.missed <= 1
    assert any_way.false + to_left.false == 0
    assert found["lawn"] == Score(matched=1, missed=0, repeated=0, false=0)
    assert found["clothes_on_lawn"] == found["path_centre"] == found["no_parking"] == Score(0, 0, 0, 0)
    assert found["standing_man"] == Score(matched=1, missed=0, repeated=0, false=0)


def test_cars_that_pass_are_counted_and_what_passes_beside_is_not() -> None:
    found = scores("vehicles_street", "yolox_nano", fps=6.0)
    assert found["near_lane"] == Score(matched=8, missed=0, repeated=0, false=0)
    assert found["near_lane_back"] == found["sidewalk"] == Score(0, 0, 0, 0)
    assert found["reversed_flow"] == Score(matched=8, missed=0, repeated=0, false=0)
    assert found["normal_flow"] == found["no_stop"] == Score(0, 0, 0, 0)
    assert found["queue"] == Score(matched=1, missed=0, repeated=0, false=0)
