from __future__ import annotations

import sys
from typing import Any

import pytest

from analytics.evaluation.sensitivity.copies import RuleClass, watched, with_value
from analytics.evaluation.sensitivity.outcome import all_moves
from analytics.evaluation.sensitivity.thresholds import Threshold, thresholds_of
from analytics.evaluation.sensitivity.watching import Constant
from analytics.rules import geometry, stays
from core import registry
from core.types import Box, Tick, Track

YARD = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def threshold(type_: str, name: str) -> Threshold:
    return next(one for one in thresholds_of(type_) if one.full_name == name)


def names_in(rule: RuleClass) -> dict[str, Any]:
    found: dict[str, Any] = rule.__init__.__globals__
    return found


def fired_at(rule: RuleClass, settings: dict[str, Any]) -> list[float]:
    """A person stands in the yard, seen four times a second."""
    made: Any = rule(rule.settings_model.model_validate({"id": "yard", "zone": YARD, **settings}))
    box = Box(left=0.4, top=0.2, right=0.6, bottom=0.8)
    times = []
    for step in range(20):
        track = Track(track_id=1, label="person", score=0.9, box=box, first_seen=0.0)
        times += [seen.captured_at for seen in made.update(Tick(captured_at=step / 4, tracks=(track,)))]
    return times


def test_a_copy_decides_by_the_other_number_and_the_original_stays_as_it_is() -> None:
    before = dict(sys.modules)
    copy = with_value(threshold("wrong_direction", "rules.geometry.CLEARLY"), 0.18)
    assert names_in(copy)["CLEARLY"] == 0.18
    helpers = [thing for thing in names_in(copy).values() if getattr(thing, "__module__", "") == geometry.__name__]
    assert helpers
    assert all(helper.__globals__["CLEARLY"] == 0.18 for helper in helpers if hasattr(helper, "__globals__"))
    assert geometry.CLEARLY == names_in(registry.rule("wrong_direction"))["CLEARLY"] == 0.15
    assert all(sys.modules[name] is module for name, module in before.items())


def test_a_number_within_a_constant_is_changed_alone() -> None:
    copy = with_value(threshold("zone_presence", "rules.stays.USUAL.gap_s"), 1.2)
    usual = names_in(copy)["USUAL"]
    assert (usual.out_s, usual.gap_s, usual.vanished_s) == (stays.USUAL.out_s, 1.2, stays.USUAL.vanished_s)


def test_modules_that_do_not_depend_on_the_number_are_shared() -> None:
    copy = with_value(threshold("fire", "rules.fires.smoke._OFTEN"), 0.5)
    assert names_in(copy)["Smoke"] is not names_in(registry.rule("fire"))["Smoke"]
    assert names_in(copy)["Flames"] is names_in(registry.rule("fire"))["Flames"]


@pytest.mark.parametrize("type_", ["zone_presence", "loitering"])
def test_a_watched_rule_fires_as_the_original_does(type_: str) -> None:
    settings = {"type": type_, "dwell_s": 2.0}
    watching = watched(type_, all_moves([type_])).rule
    assert fired_at(watching, settings) == fired_at(registry.rule(type_), settings) == [2.0]


def test_a_watched_rule_tells_what_it_read() -> None:
    one = watched("loitering", all_moves(["loitering"]))
    short = Constant("analytics.rules.loitering", "_SHORT")
    assert short not in one.read
    fired_at(one.rule, {"type": "loitering", "dwell_s": 2.0})
    assert short in one.read
    assert Constant("analytics.rules.succession", "_LIKE_SIZE") not in one.read


def test_what_other_constants_are_made_of_is_read_from_the_beginning() -> None:
    hidden = Constant("analytics.rules.crowds.headcount", "_MOST_HIDDEN")
    assert hidden in watched("crowd_density", all_moves(["crowd_density"])).read
