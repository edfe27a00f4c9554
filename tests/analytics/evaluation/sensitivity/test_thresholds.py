from __future__ import annotations

import pytest

from analytics.evaluation.sensitivity.marks import BOUNDS, LEFT_OUT
from analytics.evaluation.sensitivity.outcome import all_moves
from analytics.evaluation.sensitivity.thresholds import (
    Side,
    Threshold,
    left_out_of,
    modules_of,
    moves_of,
    thresholds_of,
)
from core import registry


def threshold(value: float, *, module: str = "analytics.rules.fire", name: str = "_X") -> Threshold:
    return Threshold(type="fire", module=module, name=name, value=value, constant=name)


def setting(type_: str, name: str) -> Threshold:
    return next(one for one in thresholds_of(type_) if one.name == name and not one.constant)


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        (0.25, 0.2, 0.3),
        (-0.15, -0.12, -0.18),
        (10.0, 8.0, 12.0),
        (3, 2, 4),
        (320, 256, 384),
        (12, 9, 15),
        (-3, -2, -4),
    ],
)
def test_a_threshold_is_moved_by_a_fifth_and_a_whole_number_by_one_at_least(
    value: float, low: float, high: float
) -> None:
    moves = moves_of(threshold(value))
    assert [(move.side, move.value, move.is_clipped) for move in moves] == [
        (Side.LOW, low, False),
        (Side.HIGH, high, False),
    ]
    assert all(type(move.value) is type(value) for move in moves)


def test_shares_percentiles_and_numbers_of_things_stay_within_their_bounds() -> None:
    assert [(move.value, move.is_clipped) for move in moves_of(threshold(0.9))] == [(0.72, False), (1.0, True)]
    percentile = threshold(99.5, module="analytics.rules.fires.flames", name="_WHITE_SHARE")
    assert [(move.value, move.is_clipped) for move in moves_of(percentile)] == [(79.6, False), (100.0, True)]
    assert [move.value for move in moves_of(threshold(1))] == [2]


def test_defaults_of_settings_are_thresholds_within_the_bounds_of_their_model() -> None:
    assert [move.value for move in moves_of(setting("crowd_movement", "min_people"))] == [4, 6]
    assert [move.value for move in moves_of(setting("loitering", "dwell_s"))] == [48.0, 72.0]


def test_a_rule_is_made_of_its_own_modules_and_those_they_import_in_turn() -> None:
    modules = list(modules_of("fire"))
    assert modules[-1] == "analytics.rules.fire"
    assert {"analytics.rules.fires.flicker", "analytics.rules.steadying", "analytics.rules.geometry"} <= set(modules)
    assert modules.index("analytics.rules.fires.flicker") < modules.index("analytics.rules.fires.flames")
    assert not any(name.startswith(("core", "config")) for name in modules)


def test_every_number_of_a_rule_is_either_moved_or_left_out_with_a_reason() -> None:
    moved = {one.full_name for one in thresholds_of("fire")}
    left_out = {one.full_name: reason for one, reason in left_out_of("fire")}
    assert "rules.fires.flames._GLOWS" in moved
    assert "rules.fire._SHARE" in moved
    assert "odd number of pixels" in left_out["rules.fires.smoke._SMOOTH[0]"]
    assert left_out["cooldown_s"] == "zero, of which every share is zero"
    assert moved.isdisjoint(left_out)


def test_every_mark_is_of_a_number_that_is_there() -> None:
    types = registry.names(registry.Group.RULES)
    everything = [one for type_ in types for one in (*thresholds_of(type_), *(one for one, _ in left_out_of(type_)))]
    names = {one.full_name for one in everything}
    names |= {name.partition("[")[0].removesuffix(".gt").removesuffix(".le") for name in names}
    assert set(LEFT_OUT) <= names
    assert set(BOUNDS) <= names


def test_all_moves_are_of_the_types_asked_for() -> None:
    moves = all_moves(["weapon", "loitering"])
    assert {move.threshold.type for move in moves} == {"weapon", "loitering"}
    assert len(moves) == len(set(moves))
