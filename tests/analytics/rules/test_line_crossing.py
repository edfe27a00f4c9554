from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analytics.rules.line_crossing import LineCrossing, LineCrossingSettings
from analytics.rules.zone_presence import ZonePresenceSettings
from core.types import Box, Occurrence, Point, Track
from tests.analytics.rules.walks import HEIGHT, at, between, walk, watch

pytestmark = pytest.mark.slow

LEVEL: tuple[Point, Point] = ((0.3, 0.5), (0.7, 0.5))
UPRIGHT: tuple[Point, Point] = ((0.5, 0.3), (0.5, 0.7))


def line_rule(line: tuple[Point, Point] = LEVEL, **more: Any) -> LineCrossing:
    return LineCrossing(
        LineCrossingSettings.model_validate({"id": "gate", "type": "line_crossing", "line": line, **more})
    )


def directions(found: list[Occurrence]) -> list[Any]:
    return [occurrence.details["direction"] for occurrence in found]


def test_moving_down_over_a_line_drawn_from_left_to_right_is_to_the_right() -> None:
    assert directions(walk(line_rule(), between((0.5, 0.3), (0.5, 0.7), 20))) == ["to_right"]
    assert directions(walk(line_rule(), between((0.5, 0.7), (0.5, 0.3), 20))) == ["to_left"]


def test_moving_right_over_a_line_drawn_downwards_is_to_the_left() -> None:
    assert directions(walk(line_rule(UPRIGHT), between((0.3, 0.5), (0.7, 0.5), 20))) == ["to_left"]


@pytest.mark.parametrize(
    ("direction", "expected"), [("any", ["to_right", "to_left"]), ("to_left", ["to_left"]), ("to_right", ["to_right"])]
)
def test_there_and_back_is_two_crossings_of_which_the_wanted_direction_counts(
    direction: str, expected: list[str]
) -> None:
    there = between((0.5, 0.3), (0.5, 0.7), 15)
    assert directions(walk(line_rule(direction=direction), [*there, *reversed(there)])) == expected


def test_the_frame_that_decides_and_the_time_of_the_crossing_are_told_apart() -> None:
    (found,) = walk(line_rule(), [(0.5, 0.44), (0.5, 0.48), (0.5, 0.52), (0.5, 0.56)], start=100.0, interval_s=1.0)
    assert found.captured_at == 103.0
    assert found.started_at == pytest.approx(101.5)
    assert [track.track_id for track in found.tracks] == [1]


def test_an_object_that_leaps_over_the_line_between_two_frames_has_crossed() -> None:
    (found,) = walk(line_rule(), [(0.5, 0.2), (0.5, 0.8)], interval_s=3.0)
    assert found.started_at == pytest.approx(1.5)


def test_a_crossing_is_reported_once_when_the_object_flickers_on_the_line() -> None:
    flicker = [(0.5, 0.5 + 0.02 * (-1) ** step) for step in range(40)]
    assert directions(walk(line_rule(), [(0.5, 0.4), *flicker, (0.5, 0.6)])) == ["to_right"]


def test_an_object_that_flickers_on_the_line_and_goes_back_has_not_crossed() -> None:
    flicker = [(0.5, 0.5 + 0.02 * (-1) ** step) for step in range(40)]
    assert walk(line_rule(), [(0.5, 0.4), *flicker, (0.5, 0.4)]) == []


@pytest.mark.parametrize("first", [(0.5, 0.5), (0.5, 0.49), (0.5, 0.51), (0.5, 0.475)])
def test_an_object_that_appears_at_the_line_belongs_to_no_side_yet(first: Point) -> None:
    rule = line_rule()
    assert walk(rule, [first, (0.5, 0.52), (0.5, 0.6)]) == []
    assert directions(walk(rule, [(0.5, 0.5), (0.5, 0.4)], start=0.5)) == ["to_left"]


def test_an_object_that_stands_beyond_the_line_from_the_start_has_not_crossed() -> None:
    assert walk(line_rule(), [(0.5, 0.6)] * 20) == []


@pytest.mark.parametrize("x", [0.1, 0.25, 0.29, 0.71, 0.9])
def test_crossing_beyond_an_end_of_the_line_does_not_count(x: float) -> None:
    assert walk(line_rule(), between((x, 0.3), (x, 0.7), 20)) == []


def test_a_way_around_the_end_of_the_line_does_not_count_and_the_way_back_through_it_does() -> None:
    around = [
        *between((0.6, 0.4), (0.8, 0.4), 8),
        *between((0.8, 0.45), (0.8, 0.6), 8),
        *between((0.75, 0.6), (0.6, 0.6), 8),
    ]
    assert walk(line_rule(), around) == []
    assert directions(walk(line_rule(), [*around, *between((0.6, 0.58), (0.6, 0.4), 8)])) == ["to_left"]


def test_shuffling_around_the_end_of_the_line_does_not_count() -> None:
    end = [(0.69, 0.49), (0.69, 0.51), (0.705, 0.51), (0.705, 0.49)]
    assert walk(line_rule(), [(0.69, 0.4), *end * 10, (0.69, 0.4)]) == []


def test_one_who_ends_up_beyond_the_line_by_the_way_around_its_end_has_not_crossed() -> None:
    around_and_back_through = [(0.705, 0.49), (0.705, 0.51), (0.69, 0.51), (0.69, 0.49), (0.705, 0.49), (0.705, 0.51)]
    assert walk(line_rule(), [(0.69, 0.4), *around_and_back_through, (0.705, 0.6)]) == []


def test_two_objects_that_cross_together_are_two_crossings() -> None:
    places = between((0.4, 0.4), (0.4, 0.6), 10)
    frames = [[at((x, y)), at((x + 0.2, y), track_id=2)] for x, y in places]
    assert sorted(found.tracks[0].track_id for found in watch(line_rule(), frames)) == [1, 2]


def test_a_predicted_position_beyond_the_line_does_not_decide() -> None:
    seen = [[at((0.5, 0.4))], [at((0.5, 0.45))]]
    predicted = [[at((0.5, 0.5 + 0.05 * step), is_measured=False)] for step in range(5)]
    assert watch(line_rule(), [*seen, *predicted]) == []
    (found,) = watch(line_rule(), [*seen, *predicted, [at((0.5, 0.7))]])
    assert found.captured_at == pytest.approx(0.7)


def test_a_new_track_far_from_where_another_was_lost_has_no_past() -> None:
    frames: list[list[Track]] = [[at((0.35, 0.45))], [at((0.35, 0.46))], [], [at((0.65, 0.55), track_id=2)]]
    assert watch(line_rule(), frames) == []


@pytest.mark.parametrize("gap", [1, 4, 8])
def test_a_track_lost_before_the_line_is_continued_by_the_one_that_appears_beyond_it(gap: int) -> None:
    places = between((0.5, 0.4), (0.5, 0.6), 20)
    frames: list[list[Track]] = [[at(place)] for place in places[:8]]
    frames += [[] for _ in range(gap)]
    frames += [[at(place, track_id=2)] for place in places[8 + gap :]]
    (found,) = watch(line_rule(), frames)
    assert [track.track_id for track in found.tracks] == [2]


def test_a_track_lost_for_longer_than_one_and_a_half_seconds_is_not_continued() -> None:
    places = between((0.5, 0.4), (0.5, 0.6), 20)
    beyond: list[list[Track]] = [[at(place, track_id=2)] for place in places[14:]]
    assert watch(line_rule(), [*[[at(place)] for place in places[:10]], *[[]] * 16, *beyond]) == []


def test_a_track_that_goes_on_is_not_continued_by_another() -> None:
    frames = [[at(place)] for place in between((0.5, 0.4), (0.5, 0.46), 6)]
    frames += [[at((0.5, 0.47)), at((0.5, 0.56), track_id=2)], [at((0.5, 0.46)), at((0.5, 0.58), track_id=2)]]
    assert watch(line_rule(), frames) == []


def test_an_object_of_another_kind_does_not_continue_a_lost_track() -> None:
    places = between((0.5, 0.4), (0.5, 0.6), 10)
    frames = [[at(place)] for place in places[:5]] + [[at(place, track_id=2, label="car")] for place in places[5:]]
    assert watch(line_rule(), frames) == []


def test_a_car_that_is_called_a_truck_for_a_while_is_one_object() -> None:
    places = between((0.5, 0.4), (0.5, 0.6), 10)
    frames = [[at(place, label="car")] for place in places[:5]] + [
        [at(place, track_id=2, label="truck")] for place in places[5:]
    ]
    assert len(watch(line_rule(), frames)) == 1


def test_a_track_seen_again_after_long_has_no_past() -> None:
    rule = line_rule()
    assert walk(rule, [(0.5, 0.4)], start=0.0) == []
    assert walk(rule, [(0.5, 0.6)], start=30.0) == []


def leaving_below(bottoms: list[float]) -> list[list[Track]]:
    """An object that walks down out of the picture: its box is cut at the lower edge."""
    boxes = [Box(left=0.45, top=bottom - 0.5, right=0.55, bottom=min(bottom, 1.0)) for bottom in bottoms]
    return [[Track(track_id=1, label="person", score=0.9, box=box, first_seen=0.0)] for box in boxes]


def test_a_line_near_the_lower_edge_is_crossed_by_an_object_whose_feet_leave_the_picture() -> None:
    line = ((0.2, 0.97), (0.8, 0.97))
    out = [0.8 + 0.02 * step for step in range(16)]
    assert directions(watch(line_rule(line), leaving_below(out))) == ["to_right"]
    assert directions(watch(line_rule(line), leaving_below(out[::-1]))) == ["to_left"]


def test_feet_that_flicker_at_the_lower_edge_cross_once() -> None:
    line = ((0.2, 0.97), (0.8, 0.97))
    feet = [0.8, 0.85, *[0.95, 1.0] * 20]
    assert directions(watch(line_rule(line), leaving_below(feet))) == ["to_right"]


@pytest.mark.parametrize("end", [1.0, 0.98])
def test_a_line_down_to_the_lower_edge_is_crossed_by_an_object_that_the_edge_cuts(end: float) -> None:
    boxes = [Box(left=x - 0.05, top=0.6, right=x + 0.05, bottom=1.0) for x, _ in between((0.3, 0), (0.7, 0), 20)]
    frames = [[Track(track_id=1, label="person", score=0.9, box=box, first_seen=0.0)] for box in boxes]
    assert directions(watch(line_rule(((0.5, 0.6), (0.5, end))), frames)) == ["to_left"]


def test_other_settings_are_refused() -> None:
    zone = ZonePresenceSettings.model_validate({"id": "z", "type": "zone_presence", "zone": [[0, 0], [1, 0], [1, 1]]})
    with pytest.raises(TypeError, match="LineCrossingSettings"):
        LineCrossing(zone)


@pytest.mark.parametrize(
    "wrong", [{"direction": "up"}, {"classes": ["persone"]}, {"classes": []}, {"line": [[0, 0], [0, 0]]}]
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LineCrossingSettings.model_validate({"id": "gate", "type": "line_crossing", "line": LEVEL, **wrong})


def along(start: Point, angle: float, distance: float) -> Point:
    return start[0] + distance * math.cos(angle), start[1] + distance * math.sin(angle)


@st.composite
def lines(draw: st.DrawFn) -> tuple[Point, Point]:
    middle, angle = (draw(st.floats(0.4, 0.6)), draw(st.floats(0.4, 0.6))), draw(st.floats(0.0, 2 * math.pi))
    half = draw(st.floats(0.03, 0.15))
    return along(middle, angle, -half), along(middle, angle, half)


@st.composite
def crossing_walks(draw: st.DrawFn) -> tuple[tuple[Point, Point], list[Point], str]:
    """A line, a straight walk through its interior at any sampling, and the direction."""
    line = draw(lines())
    heading = math.atan2(line[1][1] - line[0][1], line[1][0] - line[0][0])
    meeting = along(line[0], heading, draw(st.floats(0.02, 0.98)) * math.dist(*line))
    turn = draw(st.floats(math.radians(20), math.radians(160))) * draw(st.sampled_from([-1, 1]))
    before, after = draw(st.floats(0.15, 0.2)), draw(st.floats(0.15, 0.2))
    samples = [0.0, *sorted(draw(st.lists(st.floats(0.0, 1.0), max_size=40))), 1.0]
    places = [along(meeting, heading + turn, sample * (before + after) - before) for sample in samples]
    return line, places, "to_right" if turn > 0 else "to_left"


@given(crossing_walks())
def test_a_straight_walk_through_the_line_fires_exactly_once_whatever_the_sampling(
    case: tuple[tuple[Point, Point], list[Point], str],
) -> None:
    line, places, direction = case
    assert directions(walk(line_rule(line), places)) == [direction]


@given(crossing_walks())
def test_mirrored_geometry_mirrors_the_direction(case: tuple[tuple[Point, Point], list[Point], str]) -> None:
    line, places, direction = case
    mirrored_line = (1 - line[0][0], line[0][1]), (1 - line[1][0], line[1][1])
    found = walk(line_rule(mirrored_line), [(1 - x, y) for x, y in places])
    assert directions(found) == ["to_left" if direction == "to_right" else "to_right"]


@given(crossing_walks())
def test_the_line_drawn_the_other_way_round_turns_the_direction_round(
    case: tuple[tuple[Point, Point], list[Point], str],
) -> None:
    line, places, direction = case
    assert directions(walk(line_rule(line[::-1]), places)) == ["to_left" if direction == "to_right" else "to_right"]


places_anywhere = st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)), min_size=2, max_size=30)


@given(lines(), places_anywhere)
def test_a_walk_that_stays_on_one_side_never_fires(line: tuple[Point, Point], places: list[Point]) -> None:
    (ax, ay), (bx, by) = line
    on_one_side = [(x, y) for x, y in places if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0]
    assert walk(line_rule(line), on_one_side) == []


@given(lines(), places_anywhere)
def test_a_walk_that_passes_only_beyond_the_end_never_fires(line: tuple[Point, Point], places: list[Point]) -> None:
    (ax, ay), (bx, by) = line
    beyond = [(x, y) for x, y in places if (x - bx) * (bx - ax) + (y - by) * (by - ay) > 1e-6]
    assert walk(line_rule(line), beyond) == []


@given(lines(), places_anywhere)
def test_crossings_of_a_line_without_ends_take_turns_in_direction(
    line: tuple[Point, Point], places: list[Point]
) -> None:
    heading = math.atan2(line[1][1] - line[0][1], line[1][0] - line[0][0])
    endless = along(line[0], heading, -9.0), along(line[0], heading, 9.0)
    rule = LineCrossing(LineCrossingSettings.model_construct(id="gate", type="line_crossing", line=endless))
    found = directions(walk(rule, places))
    assert all(first != second for first, second in pairwise(found))


@given(
    st.lists(st.tuples(st.floats(0.35, 0.65), st.floats(-0.14, 0.14)), max_size=60),
    st.sampled_from([0.4, 0.6]),
    st.sampled_from([0.4, 0.6]),
)
def test_jitter_below_the_hysteresis_never_fires_more_than_once(
    jitter: list[tuple[float, float]], first: float, last: float
) -> None:
    places = [(0.5, first), *((x, 0.5 + share * HEIGHT) for x, share in jitter), (0.5, last)]
    assert len(walk(line_rule(), places)) == (first != last)
