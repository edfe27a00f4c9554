from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analytics.rules.counting import Counting, CountingSettings
from analytics.rules.line_crossing import LineCrossing, LineCrossingSettings
from core.types import Point, Tick, Track
from tests.analytics.rules.walks import at, between, walk, watch

LINE = ((0.3, 0.5), (0.7, 0.5))
SQUARE = ((0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7))
ABOVE, BELOW = (0.5, 0.2), (0.5, 0.8)


def count_rule(**more: Any) -> Counting:
    return Counting(CountingSettings.model_validate({"id": "gate", "type": "counting", **more}))


def test_over_a_line_both_directions_are_counted_and_nothing_is_raised() -> None:
    rule = count_rule(line=LINE)
    assert rule.figures() == {"to_left": 0, "to_right": 0}
    down, up = between(ABOVE, BELOW, 20), between(BELOW, ABOVE, 20)
    assert walk(rule, [*down, *up, *down]) == []
    assert rule.figures() == {"to_left": 1, "to_right": 2}


def visit(track_id: int, seconds: float = 3.0) -> list[list[Track]]:
    way = [*[(0.1, 0.5)] * 5, *[(0.5, 0.5)] * round(seconds * 10), *[(0.9, 0.5)] * 30]
    return [[at(place, track_id=track_id)] for place in way]


def test_in_a_zone_those_who_come_in_and_those_inside_are_counted() -> None:
    rule = count_rule(zone=SQUARE)
    assert watch(rule, [*visit(1), *visit(2)]) == []
    assert rule.figures() == {"entered": 2, "inside": 0}
    watch(rule, [[at((0.4, 0.5), track_id=3), at((0.6, 0.6), track_id=4)]] * 10, start=100.0)
    assert rule.figures() == {"entered": 4, "inside": 2}


def test_an_id_switch_inside_a_zone_is_no_further_visit() -> None:
    rule = count_rule(zone=SQUARE)
    watch(rule, [[at((0.5, 0.5), track_id=step // 20)] for step in range(100)])
    assert rule.figures() == {"entered": 1, "inside": 1}


def test_figures_that_were_handed_out_do_not_change() -> None:
    rule = count_rule(line=LINE)
    before = rule.figures()
    walk(rule, between(ABOVE, BELOW, 20))
    assert before == {"to_left": 0, "to_right": 0}


def test_rules_of_one_line_that_are_shown_the_same_frames_each_tell_every_crossing() -> None:
    rules = [count_rule(line=LINE), count_rule(line=LINE), count_rule(line=(LINE[1], LINE[0]))]
    for step, place in enumerate(between(ABOVE, BELOW, 20)):
        tick = Tick(captured_at=step / 10, tracks=(at(place),))
        for rule in rules:
            rule.update(tick)
    assert [dict(rule.figures()) for rule in rules] == [
        {"to_left": 0, "to_right": 1},
        {"to_left": 0, "to_right": 1},
        {"to_left": 1, "to_right": 0},
    ]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=60))
def test_what_is_counted_over_a_line_is_what_line_crossing_reports(places: list[Point]) -> None:
    counting = count_rule(line=LINE)
    crossing = LineCrossing(LineCrossingSettings.model_validate({"id": "l", "type": "line_crossing", "line": LINE}))
    walk(counting, places)
    directions = [found.details["direction"] for found in walk(crossing, places)]
    assert counting.figures() == {way: directions.count(way) for way in ("to_left", "to_right")}


@pytest.mark.parametrize("wrong", [{}, {"line": LINE, "zone": SQUARE}, {"line": LINE, "direction": "any"}])
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        count_rule(**wrong)


def test_other_settings_are_refused() -> None:
    line = LineCrossingSettings.model_validate({"id": "l", "type": "line_crossing", "line": LINE})
    with pytest.raises(TypeError, match="CountingSettings"):
        Counting(line)
