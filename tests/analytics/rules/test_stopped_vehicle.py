from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analytics.rules.line_crossing import LineCrossingSettings
from analytics.rules.stopped_vehicle import StoppedVehicle, StoppedVehicleSettings
from core.types import Box, Point, Track
from tests.analytics.rules.walks import at, between, watch

pytestmark = pytest.mark.slow

SQUARE = ((0.1, 0.3), (0.9, 0.3), (0.9, 0.9), (0.1, 0.9))
PLACE = (0.5, 0.5)
LONG, HIGH = 0.12, 0.08
Frames = list[list[Track]]


def zone_rule(**more: Any) -> StoppedVehicle:
    settings = {"id": "bay", "type": "stopped_vehicle", "zone": SQUARE, "dwell_s": 10, **more}
    return StoppedVehicle(StoppedVehicleSettings.model_validate(settings))


def car(place: Point, track_id: int = 1, **more: Any) -> Track:
    return at(place, track_id=track_id, **{"label": "car", "width": LONG, "height": HIGH, **more})


def drives(start: Point, end: Point, seconds: float, track_id: int = 1) -> Frames:
    return [[car(place, track_id)] for place in between(start, end, round(seconds * 10))]


def stands(seconds: float, place: Point = PLACE, track_id: int = 1) -> Frames:
    return [[car(place, track_id)] for _ in range(round(seconds * 10))]


def nothing(seconds: float) -> Frames:
    return [[] for _ in range(round(seconds * 10))]


def together(*stories: Sequence[list[Track]]) -> Frames:
    length = max(map(len, stories))
    return [[track for story in stories if step < len(story) for track in story[step]] for step in range(length)]


def test_one_that_stands_since_before_the_start_counts_from_its_first_sighting() -> None:
    (found,) = watch(zone_rule(), stands(120.0), start=100.0)
    assert found.started_at == pytest.approx(100.0)
    assert found.captured_at == pytest.approx(110.0)


def test_one_that_comes_and_stops_counts_from_its_stop() -> None:
    (found,) = watch(zone_rule(), [*drives((0.05, 0.5), PLACE, 3.0), *stands(20.0)])
    assert found.started_at == pytest.approx(3.0, abs=0.4)
    assert found.captured_at == pytest.approx(found.started_at + 10.0)


@pytest.mark.parametrize("seconds", [2.0, 10.0, 40.0])
def test_one_that_drives_through_does_not_stop(seconds: float) -> None:
    assert watch(zone_rule(), drives((0.05, 0.5), (0.95, 0.5), seconds)) == []


@pytest.mark.parametrize("seconds", [2.0, 10.0])
def test_one_that_comes_towards_the_camera_does_not_stop(seconds: float) -> None:
    steps = [step / (10 * seconds) for step in range(round(10 * seconds))]
    frames = [[car((0.5, 0.35 + 0.5 * way), width=0.05 + 0.3 * way, height=0.04 + 0.2 * way)] for way in steps]
    assert watch(zone_rule(dwell_s=5), frames) == []


def test_one_that_waits_less_than_the_dwell_time_is_not_reported() -> None:
    assert watch(zone_rule(), [*stands(9.0), *drives(PLACE, (0.85, 0.5), 3.0)]) == []


def test_one_that_moves_on_and_stops_again_is_reported_again() -> None:
    frames = [*stands(15.0), *drives(PLACE, (0.8, 0.5), 3.0), *stands(15.0, (0.8, 0.5))]
    assert len(watch(zone_rule(), frames)) == 2


def test_outside_the_zone_any_vehicle_may_stand() -> None:
    assert watch(zone_rule(), stands(60.0, (0.5, 0.2))) == []


@pytest.mark.parametrize("track_id", [1, 2])
@pytest.mark.parametrize("gap_s", [0.3, 4.0, 9.0])
@pytest.mark.parametrize("before_s", [4.0, 12.0])
def test_one_that_is_hidden_goes_on_standing_under_whatever_track(track_id: int, gap_s: float, before_s: float) -> None:
    frames = [*stands(before_s), *nothing(gap_s), *stands(12.0, (0.505, 0.5), track_id)]
    (found,) = watch(zone_rule(), frames)
    assert found.started_at == pytest.approx(0.0)


def test_one_that_comes_long_after_is_another() -> None:
    assert len(watch(zone_rule(), [*stands(12.0), *nothing(11.0), *stands(12.0, track_id=2)])) == 2


def test_one_that_is_hidden_in_part_by_passing_traffic_has_not_moved() -> None:
    whole = car(PLACE).box
    left_hidden = Box(left=0.5, top=whole.top, right=whole.right, bottom=whole.bottom)
    feet_hidden = Box(left=whole.left, top=whole.top, right=whole.right, bottom=whole.bottom - 0.04)
    parts = [
        [Track(track_id=1, label="car", score=0.9, box=box, first_seen=0.0)]
        for box in (left_hidden, feet_hidden)
        for _ in range(20)
    ]
    (found,) = watch(zone_rule(), [*stands(3.0), *parts, *stands(10.0)])
    assert found.captured_at == pytest.approx(10.0)


def test_vehicles_that_leave_the_picture_in_one_place_one_after_the_other_do_not_add_up() -> None:
    rule = zone_rule(zone=((0.5, 0.3), (1.0, 0.3), (1.0, 0.9), (0.5, 0.9)), dwell_s=5)
    frames: Frames = []
    for track_id in range(10):
        for right in (0.97, 0.99, 1.0, 1.0, 1.0, 1.0):
            box = Box(left=0.85, top=0.5, right=right, bottom=0.7)
            frames.append([Track(track_id=track_id, label="car", score=0.9, box=box, first_seen=0.0)])
        frames += nothing(0.5)
    assert watch(rule, frames) == []


def test_a_queue_is_one_report_with_those_who_have_stood_long_enough() -> None:
    queue = [stands(20.0, (0.2 + 0.15 * number, 0.5), number) for number in range(4)]
    (found,) = watch(zone_rule(), together(*queue))
    assert [track.track_id for track in found.tracks] == [0, 1, 2, 3]


def test_those_who_join_a_reported_queue_are_silent() -> None:
    joiner = [*nothing(5.0), *drives((0.1, 0.5), (0.35, 0.5), 2.0, 2), *stands(30.0, (0.35, 0.5), 2)]
    assert len(watch(zone_rule(), together(stands(40.0), joiner))) == 1


def test_a_queue_holds_together_through_those_who_have_not_stood_long_enough() -> None:
    middle = [*nothing(5.0), *stands(30.0, (0.5, 0.5), 3)]
    ends = together(stands(35.0, (0.3, 0.5), 1), [*nothing(1.0), *stands(34.0, (0.7, 0.5), 2)])
    assert len(watch(zone_rule(), together(ends, middle))) == 1
    assert len(watch(zone_rule(), ends)) == 2


def test_a_second_box_of_the_same_vehicle_is_no_second_report() -> None:
    second = [[car(PLACE, 2, label="truck", height=0.06)] for _ in range(300)]
    assert len(watch(zone_rule(), together(stands(40.0), [*nothing(5.0), *second]))) == 1


def test_a_second_box_does_not_take_over_the_standstill_of_one_that_is_present() -> None:
    second = [[car(PLACE, 2, label="truck")] for _ in range(100)]
    (found,) = watch(zone_rule(), together(stands(40.0), [*nothing(8.0), *second]))
    assert found.captured_at == pytest.approx(10.0)
    assert [track.track_id for track in found.tracks] == [1]


def test_two_that_stand_far_apart_are_two_reports() -> None:
    far = [*nothing(3.0), *stands(30.0, (0.15, 0.85), 2)]
    assert len(watch(zone_rule(), together(stands(40.0, (0.8, 0.5)), far))) == 2


def test_predicted_positions_do_not_make_a_standstill() -> None:
    assert watch(zone_rule(), [*stands(1.0), *[[car(PLACE, is_measured=False)] for _ in range(300)]]) == []


edges = st.tuples(*[st.floats(-0.099, 0.099)] * 4)


@given(st.lists(edges, min_size=60, max_size=120), st.floats(3.0, 25.0))
def test_a_detector_that_misplaces_each_edge_by_less_than_a_tenth_makes_nothing_move(
    jitter: list[tuple[float, float, float, float]], fps: float
) -> None:
    dwell_s = 50 / fps
    place = car(PLACE).box
    frames = [
        [
            Track(
                track_id=1,
                label="car",
                score=0.9,
                first_seen=0.0,
                box=Box(
                    left=place.left + left * LONG,
                    top=place.top + top * HIGH,
                    right=place.right + right * LONG,
                    bottom=place.bottom + bottom * HIGH,
                ),
            )
        ]
        for left, top, right, bottom in jitter
    ]
    (found,) = watch(zone_rule(dwell_s=dwell_s), frames, interval_s=1 / fps)
    assert found.captured_at == pytest.approx(dwell_s, abs=1.1 / fps)


@given(st.floats(0.1, 5.0), st.floats(3.0, 25.0), st.sampled_from([(1, 0), (-1, 0), (0, 1), (0, -1)]))
def test_what_moves_by_a_tenth_of_its_size_each_second_never_stands(
    sizes_per_s: float, fps: float, heading: tuple[int, int]
) -> None:
    dx, dy = heading[0] * LONG * sizes_per_s / fps, heading[1] * HIGH * sizes_per_s / fps
    frames = [[car((0.5 + step * dx, 0.6 + step * dy))] for step in range(round(20 * fps))]
    assert watch(zone_rule(), frames, interval_s=1 / fps) == []


@pytest.mark.parametrize(
    "wrong", [{"dwell_s": 0.5}, {"dwell_s": 1e6}, {"classes": ["person"]}, {"zone": [[0, 0], [1, 1]]}]
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        zone_rule(**wrong)


def test_other_settings_are_refused() -> None:
    line = LineCrossingSettings.model_validate({"id": "l", "type": "line_crossing", "line": [[0, 0], [1, 0]]})
    with pytest.raises(TypeError, match="StoppedVehicleSettings"):
        StoppedVehicle(line)
