from __future__ import annotations

import pytest

from analytics.evaluation.sensitivity.outcome import sensitivity
from analytics.evaluation.sensitivity.thresholds import Side
from tests.analytics.evaluation.sensitivity.made import fired, move, study, threshold

LOW, HIGH = move(side=Side.LOW), move(side=Side.HIGH)
OTHER = move("_Y")


def test_the_drop_is_the_worse_of_both_ways_over_all_clips() -> None:
    plain = {"one": fired(6.0, 26.0, clip="one"), "two": fired(6.0, 26.0, clip="two")}
    (found,) = sensitivity(study(plain, {LOW: {"one": fired(6.0, clip="one")}, HIGH: {}}))
    assert found.worst_drop == pytest.approx(1 - 2 * 3 / (2 * 3 + 1))
    assert (found.clips, found.holds) == (1, False)
    document = found.as_json()
    assert (document["threshold"], document["module"], document["value"]) == ("_X", "analytics.rules.fire", 1.0)
    assert document["low"] == {
        "value": 0.8, "f1": 0.8571, "tp": 3, "fn": 1, "fp": 0, "repeats": 0, "clipped": False, "defects": 0
    }  # fmt: skip
    assert (document["high"]["f1"], document["worst_drop"]) == (1.0, 0.1429)


def test_the_most_sensitive_come_first_then_those_that_add_false_alarms() -> None:
    plain = {"one": fired(6.0, 26.0), "calm": fired(clip="calm", truth=())}
    worse, noisy = {"one": fired(6.0)}, {"calm": fired(3.0, clip="calm", truth=())}
    found = sensitivity(study(plain, {move("_A"): {}, move("_B"): noisy, move("_C"): worse}))
    assert [one.threshold.name for one in found] == ["_C", "_B", "_A"]
    assert [one.more_false_alarms for one in found] == [0, 1, 0]


def test_a_fall_of_a_tenth_holds_and_of_more_does_not() -> None:
    many = [(10.0 * step, 10.0 * step + 5.0) for step in range(11)]
    times = [start for start, _ in many]
    (found,) = sensitivity(study({"one": fired(*times, truth=many)}, {LOW: {"one": fired(*times[:9], truth=many)}}))
    assert found.worst_drop == pytest.approx(0.1)
    assert found.holds


def test_a_rule_that_fails_with_a_threshold_moved_does_not_hold() -> None:
    (found,) = sensitivity(study({"one": fired(6.0, 26.0)}, {LOW: {"one": fired(6.0, 26.0)}}, {LOW: 3}))
    assert (found.worst_drop, found.holds) == (0.0, False)


def test_where_a_bound_leaves_no_room_there_is_no_such_side() -> None:
    (found,) = sensitivity(study({"one": fired(6.0)}, {HIGH: {}}))
    assert found.as_json()["low"] is None


def test_both_moves_of_a_threshold_are_one_entry() -> None:
    found = sensitivity(study({"one": fired(6.0)}, {LOW: {}, HIGH: {}, OTHER: {}}))
    assert [one.threshold for one in found] == [threshold(), threshold("_Y")]
