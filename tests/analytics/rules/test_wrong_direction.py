from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analytics.rules.line_crossing import LineCrossingSettings
from analytics.rules.wrong_direction import WrongDirection, WrongDirectionSettings
from core.types import Occurrence, Point, Track
from tests.analytics.rules.walks import HEIGHT, WIDTH, at, between, walk, watch

pytestmark = pytest.mark.slow

EVERYWHERE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
LEFT, RIGHT = (0.2, 0.5), (0.8, 0.5)


def flow_rule(**more: Any) -> WrongDirection:
    """To the right is allowed."""
    settings = {"id": "flow", "type": "wrong_direction", "zone": EVERYWHERE, "expected": [1, 0], **more}
    return WrongDirection(WrongDirectionSettings.model_validate(settings))


def numbered(places: Sequence[Point], track_id: int = 1, **more: Any) -> list[list[Track]]:
    return [[at(place, track_id=track_id, **more)] for place in places]


def test_one_who_walks_against_is_reported_once_with_where_it_began_and_the_angle() -> None:
    (found,) = walk(flow_rule(), between(RIGHT, LEFT, 60), start=100.0)
    assert found.started_at == pytest.approx(100.0)
    assert found.captured_at == pytest.approx(100.4, abs=0.11)
    assert found.details == {"angle_deg": 180}
    assert [seen.track_id for seen in found.tracks] == [1]


@pytest.mark.parametrize(
    ("max_angle_deg", "end", "fires"),
    [
        (90, (0.5, 0.9), False),
        (90, (0.48, 0.9), False),
        (90, (0.3, 0.9), True),
        (60, (0.6, 0.9), True),
        (120, (0.3, 0.8), False),
        (120, (0.1, 0.6), True),
    ],
)
def test_what_deviates_by_more_than_the_angle_is_wrong(max_angle_deg: float, end: Point, fires: bool) -> None:
    found = walk(flow_rule(max_angle_deg=max_angle_deg), between((0.5, 0.5), end, 40))
    assert len(found) == fires


def test_the_length_of_the_arrow_does_not_matter() -> None:
    for length in (0.001, 50.0):
        assert len(walk(flow_rule(expected=[length, 0]), between(RIGHT, LEFT, 60))) == 1


def test_one_who_turns_round_is_reported_when_it_has_come_back_far_enough() -> None:
    there = between(LEFT, RIGHT, 60)
    (found,) = walk(flow_rule(), [*there, *reversed(there)])
    assert found.captured_at > 6.0
    assert found.started_at == pytest.approx(6.0, abs=0.2)


def test_to_and_fro_again_and_again_is_one_object_and_one_report() -> None:
    there = between(LEFT, RIGHT, 40)
    assert len(walk(flow_rule(), [*there, *reversed(there)] * 5)) == 1


def test_a_box_that_jumps_once_does_not_move() -> None:
    jumped = (0.5 - 2 * WIDTH, 0.5)
    assert walk(flow_rule(), [*[(0.5, 0.5)] * 20, *[jumped] * 60]) == []


def test_a_jump_back_of_one_who_goes_the_right_way_is_no_movement() -> None:
    on = between(LEFT, (0.5, 0.5), 30)
    back = between((0.38, 0.5), RIGHT, 42)
    assert walk(flow_rule(), [*on, *back]) == []


def test_feet_that_are_hidden_for_a_while_are_no_movement() -> None:
    rule = flow_rule(expected=[0, 1])
    hidden = [[at((0.5, 0.5 - 0.4 * HEIGHT), height=0.6 * HEIGHT)] for _ in range(10)]
    shown = numbered([(0.5, 0.5)] * 10)
    assert watch(rule, [*shown, *hidden, *shown, *hidden, *shown]) == []


def test_what_creeps_does_not_move() -> None:
    assert walk(flow_rule(), between((0.6, 0.5), (0.5, 0.5), 600)) == []


def test_a_movement_counts_only_inside_the_zone() -> None:
    rule = flow_rule(zone=((0.4, 0.4), (0.5, 0.4), (0.5, 0.6), (0.4, 0.6)))
    against = [*between((0.9, 0.5), (0.51, 0.5), 40), *[(0.49, 0.5)] * 20]
    assert walk(rule, against) == []


def test_the_way_round_outside_the_zone_is_none_inside() -> None:
    rule = flow_rule(zone=((0.2, 0.4), (0.8, 0.4), (0.8, 0.5), (0.2, 0.5)))
    outside = between((0.75, 0.6), (0.25, 0.6), 25)
    assert (
        walk(rule, [*between((0.25, 0.45), (0.75, 0.45), 30), *outside, *between((0.25, 0.45), (0.75, 0.45), 30)]) == []
    )


@pytest.mark.parametrize("gap_s", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("seen_before", [8, 20, 40])
def test_an_id_switch_neither_hides_nor_doubles_a_report(gap_s: float, seen_before: int) -> None:
    places = between(RIGHT, LEFT, 80)
    resumed = seen_before + round(gap_s * 10)
    gap: list[list[Track]] = [[] for _ in range(resumed - seen_before)]
    frames = [*numbered(places[:seen_before]), *gap, *numbered(places[resumed:], track_id=2)]
    assert len(watch(flow_rule(), frames)) == 1


def test_ids_that_change_all_the_time_do_not_hide_a_movement() -> None:
    frames = [[at(place, track_id=step // 4)] for step, place in enumerate(between(RIGHT, LEFT, 80))]
    assert len(watch(flow_rule(), frames)) == 1


def test_predicted_positions_are_no_movement() -> None:
    places = between(RIGHT, LEFT, 40)
    frames = [*numbered(places[:1]), *numbered(places[1:], is_measured=False)]
    assert watch(flow_rule(), frames) == []


def test_what_is_seen_too_seldom_is_no_movement() -> None:
    frames = [[at(place)] for place in between(RIGHT, LEFT, 10)]
    assert watch(flow_rule(), frames, interval_s=0.9) == []


def test_two_who_walk_against_are_two_reports() -> None:
    frames = [[at((x, 0.3)), at((x, 0.8), track_id=2)] for x, _ in between(RIGHT, LEFT, 60)]
    assert len(watch(flow_rule(), frames)) == 2


def test_a_second_box_of_the_same_object_is_no_second_report() -> None:
    frames = [
        [at((x, 0.5), label="truck"), at((x, 0.5), track_id=2, label="car", height=0.15)]
        for x, _ in between(RIGHT, LEFT, 60)
    ]
    assert len(watch(flow_rule(), frames)) == 1


@pytest.mark.parametrize("second_box", [1, 3], ids=["listed before it", "listed after it"])
def test_a_second_box_that_began_later_is_silent_wherever_it_is_listed(second_box: int) -> None:
    frames = [
        sorted(
            [at(place, track_id=2), *([at(place, track_id=second_box)] if number > 3 else [])],
            key=lambda track: track.track_id,
        )
        for number, place in enumerate(between(RIGHT, LEFT, 60))
    ]
    assert [found.tracks[0].track_id for found in watch(flow_rule(), frames)] == [2]


def test_one_who_follows_where_a_reported_one_was_last_seen_is_another() -> None:
    first, second = numbered(between(RIGHT, (0.5, 0.5), 20)), numbered(between(RIGHT, (0.45, 0.5), 24), track_id=2)
    assert len(watch(flow_rule(), [*first, *[[]] * 20, *second])) == 2
    passing = numbered(between((0.56, 0.5), LEFT, 30), track_id=2)
    assert len(watch(flow_rule(), [*first, *[[]] * 20, *passing])) == 2


def test_a_fast_vehicle_is_reported_within_half_a_second() -> None:
    frames = [[at(place, label="car", width=0.15, height=0.1)] for place in between(RIGHT, LEFT, 10)]
    (found,) = watch(flow_rule(), frames, interval_s=0.125)
    assert found.captured_at <= 0.5


@given(
    st.floats(20.0, 170.0),
    st.floats(-1.0, 1.0),
    st.floats(0.0, 2.0),
    st.lists(st.tuples(st.floats(-0.249, 0.249), st.floats(-0.249, 0.249)), min_size=30, max_size=60),
)
def test_one_who_keeps_ten_degrees_within_the_angle_never_fires_whatever_the_jitter_below_a_quarter_of_its_size(
    max_angle_deg: float, share: float, sizes_per_s: float, jitter: list[Point]
) -> None:
    heading = math.radians(share * (max_angle_deg - 10))
    dx, dy = (0.125 * sizes_per_s * HEIGHT * part for part in (math.cos(heading), math.sin(heading)))
    places = [(0.5 + step * dx + x * WIDTH, 0.5 + step * dy + y * HEIGHT) for step, (x, y) in enumerate(jitter)]
    assert walk(flow_rule(max_angle_deg=max_angle_deg), places, interval_s=0.125) == []


@given(st.floats(-30.0, 30.0), st.floats(0.3, 3.0), st.floats(3.0, 25.0))
def test_one_who_walks_steadily_against_fires_exactly_once_at_any_sampling(
    off_deg: float, sizes_per_s: float, fps: float
) -> None:
    heading = math.radians(180 + off_deg)
    speed = sizes_per_s * 0.1
    seconds = min(0.8 / speed, 10.0)
    step = speed / fps
    places = [
        (0.9 + number * step * math.cos(heading), 0.5 + number * step * math.sin(heading))
        for number in range(round(seconds * fps))
    ]
    frames = [[at(place, width=0.04, height=0.1)] for place in places]
    found: list[Occurrence] = watch(flow_rule(), frames, interval_s=1 / fps)
    assert len(found) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"expected": [0, 0]},
        {"expected": [1]},
        {"max_angle_deg": 0},
        {"max_angle_deg": 180},
        {"classes": []},
        {"zone": []},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        flow_rule(**wrong)


def test_other_settings_are_refused() -> None:
    line = LineCrossingSettings.model_validate({"id": "l", "type": "line_crossing", "line": [[0, 0], [1, 0]]})
    with pytest.raises(TypeError, match="WrongDirectionSettings"):
        WrongDirection(line)
