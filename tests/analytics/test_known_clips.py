"""The product on real video whose events a person counted: the shared clips, read in place.

At few pictures a second, so that they take seconds; ``docs/evaluation.md`` has the figures at the usual rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pytest

from analytics.commands.options import rule_kinds
from analytics.evaluation.clip import ClipRun
from analytics.evaluation.dataset import load_dataset
from analytics.evaluation.measure import measure
from analytics.evaluation.results import RuleResult
from analytics.evaluation.scoring import Outcome
from config.model import AnalysisSettings
from tests.shared import shared

pytestmark = [pytest.mark.slow, pytest.mark.shared_data, pytest.mark.timeout(180)]

TYPES = ("zone_presence", "line_crossing", "wrong_direction", "loitering", "stopped_vehicle", "counting")


class Score(NamedTuple):
    """By the data set's own rules: an alert finds an event, repeats one, or is false."""

    found: int
    missed: int
    repeats: int
    false: int


NOTHING = Score(0, 0, 0, 0)


def measured(clip: str, fps: float) -> dict[str, RuleResult]:
    """Every rule of the clip, judged against its truth."""
    dataset = load_dataset(shared("data/dataset.yaml"), rule_kinds()).selected(types=TYPES, clips=(clip,))
    analysis = AnalysisSettings(detector=str(shared("data/models/yolox_nano.onnx")), fps=fps)
    measurement = measure(dataset, analysis, workers=1, skip_missing=False, wants_stills=False, done=_ignore)
    assert measurement.evaluation.defects == 0
    return {rule.rule: rule for rule in measurement.evaluation.clips[0].rules}


def scores(rules: Mapping[str, RuleResult]) -> dict[str, Score]:
    return {name: _score(rule) for name, rule in rules.items() if rule.counts is None}


def _score(rule: RuleResult) -> Score:
    found = len(rule.times(Outcome.TRUE_POSITIVE))
    repeats, false = len(rule.times(Outcome.REPEAT)), len(rule.times(Outcome.FALSE_POSITIVE))
    return Score(found, len(rule.intervals) - found, repeats, false)


def errors(rule: RuleResult) -> dict[str, int]:
    assert rule.counts is not None
    return rule.counts.absolute_error


def _ignore(_run: ClipRun) -> None:
    """Nobody watches the progress."""


def test_six_people_come_to_a_table_one_by_one_and_leave_to_the_right() -> None:
    rules = measured("zone_presence_table", fps=2.0)
    assert scores(rules) == {
        "table": Score(found=6, missed=0, repeats=0, false=0),
        "table_long": Score(found=3, missed=0, repeats=0, false=0),
        "exit": Score(found=6, missed=0, repeats=0, false=0),
        "exit_wrong_way": NOTHING,
        "left_side": NOTHING,
    }
    assert errors(rules["exit_count"]) == {"to_left": 0, "to_right": 0}


def test_pedestrians_who_cross_a_junction_are_counted_as_a_person_counts_them() -> None:
    rules = measured("persons_pets2009_vtest", fps=3.0)
    found = scores(rules)
    any_way, to_left = found.pop("junction"), found.pop("junction_left")
    assert abs(any_way.found + any_way.repeats - 25) <= 1
    assert abs(to_left.found + to_left.repeats - 11) <= 1
    assert any_way.missed + to_left.missed <= 1
    assert any_way.false + to_left.false == 0
    assert max(errors(rules["junction_count"]).values()) <= 1
    assert found == {
        "lawn": Score(found=1, missed=0, repeats=0, false=0),
        "standing_man": Score(found=1, missed=0, repeats=0, false=0),
        "clothes_on_lawn": NOTHING,
        "path_centre": NOTHING,
        "no_parking": NOTHING,
    }


def test_cars_that_pass_are_counted_and_what_passes_beside_is_not() -> None:
    rules = measured("vehicles_street", fps=4.0)
    assert scores(rules) == {
        "near_lane": Score(found=8, missed=0, repeats=0, false=0),
        "near_lane_back": NOTHING,
        "sidewalk": NOTHING,
        "reversed_flow": Score(found=8, missed=0, repeats=0, false=0),
        "normal_flow": NOTHING,
        "queue": Score(found=1, missed=0, repeats=0, false=0),
        "no_stop": NOTHING,
    }
    assert errors(rules["near_lane_count"]) == {"to_left": 0, "to_right": 0}
