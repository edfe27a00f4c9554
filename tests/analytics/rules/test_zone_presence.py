from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analytics.rules.line_crossing import LineCrossingSettings
from analytics.rules.zone_presence import ZonePresence, ZonePresenceSettings
from core.types import Point, Track
from tests.analytics.rules.walks import at, between, walk, watch

pytestmark = pytest.mark.slow

SQUARE = ((0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7))
INSIDE, OUTSIDE = (0.5, 0.5), (0.1, 0.5)
Frames = list[list[Track]]


def zone_rule(**more: Any) -> ZonePresence:
    settings = {"id": "yard", "type": "zone_presence", "zone": SQUARE, **more}
    return ZonePresence(ZonePresenceSettings.model_validate(settings))


def stays(point: Point, seconds: float) -> list[Point]:
    """Ten times a second."""
    return [point] * round(seconds * 10)


def track(point: Point, seconds: float, track_id: int = 1) -> Frames:
    return [[at(place, track_id=track_id)] for place in stays(point, seconds)]


def both(first: Frames, second: Frames, *, after: float = 0.0) -> Frames:
    """Two stories at once, the second starting so much later."""
    delay: Frames = [[] for _ in range(round(after * 10))]
    second = delay + second
    length = max(len(first), len(second))
    padded = [story + [[] for _ in range(length - len(story))] for story in (first, second)]
    return [one + other for one, other in zip(*padded, strict=True)]


def test_an_object_that_stays_for_the_dwell_time_is_reported_in_the_frame_in_which_it_has() -> None:
    (found,) = walk(zone_rule(), [*stays(OUTSIDE, 1.0), *stays(INSIDE, 5.0)], start=100.0)
    assert found.started_at == pytest.approx(101.0)
    assert found.captured_at == pytest.approx(103.0)
    assert [seen.track_id for seen in found.tracks] == [1]


def test_a_stay_begins_inside_and_not_near_the_zone() -> None:
    near = (0.295, 0.5)
    (found,) = walk(zone_rule(), [*stays(near, 5.0), *stays(INSIDE, 5.0)])
    assert found.started_at == pytest.approx(5.0)


def test_an_object_that_leaves_before_the_dwell_time_is_not_reported() -> None:
    assert walk(zone_rule(), [*stays(OUTSIDE, 1.0), *stays(INSIDE, 1.9), *stays(OUTSIDE, 5.0)]) == []


def test_without_dwell_time_the_first_frame_inside_reports() -> None:
    (found,) = walk(zone_rule(dwell_s=0), [OUTSIDE, OUTSIDE, INSIDE, INSIDE])
    assert found.captured_at == pytest.approx(0.2)


@pytest.mark.parametrize("place", [(0.3, 0.5), (0.7, 0.7), (0.5, 0.7)])
def test_the_border_belongs_to_the_zone(place: Point) -> None:
    assert len(walk(zone_rule(), stays(place, 3.0))) == 1


def test_a_zone_down_to_the_lower_edge_sees_an_object_that_the_edge_cuts() -> None:
    assert len(walk(zone_rule(zone=[[0.3, 0.6], [0.7, 0.6], [0.7, 1], [0.3, 1]]), stays((0.5, 1.02), 3.0))) == 1


def test_a_long_stay_is_reported_once() -> None:
    assert len(walk(zone_rule(), stays(INSIDE, 120.0))) == 1


def test_one_who_left_and_comes_again_is_reported_again() -> None:
    visit = [*stays(OUTSIDE, 2.0), *stays(INSIDE, 3.0)]
    assert len(walk(zone_rule(), visit * 3)) == 3


def test_short_steps_out_neither_end_the_stay_nor_count_as_presence() -> None:
    pacing = [*stays(INSIDE, 1.0), *stays(OUTSIDE, 1.0)]
    (found,) = walk(zone_rule(), pacing * 20)
    assert found.captured_at == pytest.approx(4.1, abs=0.15)


def test_one_who_passes_close_to_the_zone_with_a_wavering_box_is_not_reported() -> None:
    wavering = [(0.29, 0.5), (0.295, 0.5), (0.301, 0.5), (0.29, 0.5), (0.285, 0.5)]
    assert walk(zone_rule(), [*wavering * 6]) == []


def test_a_reported_object_that_wavers_on_the_border_is_reported_once() -> None:
    border = [(0.3 + 0.006 * (-1) ** step, 0.5) for step in range(200)]
    assert len(walk(zone_rule(), [*stays(INSIDE, 3.0), *border, *stays(INSIDE, 3.0)])) == 1


def test_gaps_in_detection_do_not_interrupt_a_stay() -> None:
    frames = [seen if number % 10 < 4 else [] for number, seen in enumerate(track(INSIDE, 10.0))]
    (found,) = watch(zone_rule(), frames)
    assert found.captured_at == pytest.approx(2.0, abs=0.11)


def test_a_long_gap_in_detection_does_not_count_as_presence() -> None:
    gap: Frames = [[] for _ in range(25)]
    assert watch(zone_rule(), [*track(INSIDE, 0.8), *gap, *track(INSIDE, 0.8)]) == []


def test_predicted_positions_do_not_make_a_presence() -> None:
    frames = [[at(INSIDE)], *[[at(INSIDE, is_measured=False)] for _ in range(50)]]
    assert watch(zone_rule(), frames) == []


@pytest.mark.parametrize("gap_s", [0.1, 1.0, 2.8])
def test_an_id_switch_inside_the_zone_is_no_new_presence(gap_s: float) -> None:
    gap: Frames = [[] for _ in range(round(gap_s * 10))]
    frames = [*track(INSIDE, 3.0), *gap, *track((0.51, 0.5), 10.0, track_id=2)]
    assert len(watch(zone_rule(), frames)) == 1


def test_an_id_switch_before_the_dwell_time_costs_nothing() -> None:
    (found,) = watch(zone_rule(), [*track(INSIDE, 1.0), *track((0.505, 0.5), 5.0, track_id=2)])
    assert found.captured_at == pytest.approx(2.0)
    assert found.started_at == pytest.approx(0.0)


def test_another_who_comes_long_after_one_vanished_inside_is_reported() -> None:
    gap: Frames = [[] for _ in range(40)]
    assert len(watch(zone_rule(), [*track(INSIDE, 3.0), *gap, *track(INSIDE, 3.0, track_id=2)])) == 2


def comes_in(track_id: int, where: Point = INSIDE, seconds: float = 10.0) -> Frames:
    return [*track((0.1, where[1]), 0.5, track_id), *track(where, seconds, track_id)]


def test_those_who_come_in_together_are_one_occurrence_with_all_of_them() -> None:
    (found,) = watch(zone_rule(), both(comes_in(1), comes_in(2, (0.6, 0.6))))
    assert [seen.track_id for seen in found.tracks] == [1, 2]


def test_one_who_follows_within_two_seconds_belongs_to_the_party() -> None:
    assert len(watch(zone_rule(), both(comes_in(1), comes_in(2, (0.6, 0.6)), after=1.5))) == 1


def test_one_who_comes_in_by_itself_while_another_is_present_is_reported_too() -> None:
    first, second = watch(zone_rule(), both(comes_in(1), comes_in(2, (0.6, 0.6)), after=4.0))
    assert [seen.track_id for seen in first.tracks] == [1]
    assert [seen.track_id for seen in second.tracks] == [2]
    assert second.started_at == pytest.approx(4.5)


def test_one_after_the_other_each_is_reported() -> None:
    frames = [*comes_in(1, seconds=3.0), *track(OUTSIDE, 2.0), *comes_in(2, seconds=3.0), *track(OUTSIDE, 2.0, 2)]
    assert len(watch(zone_rule(), frames)) == 2


def test_a_further_track_that_was_not_seen_coming_in_cannot_be_told_from_those_present() -> None:
    assert len(watch(zone_rule(), both(comes_in(1), track((0.65, 0.65), 6.0, track_id=2), after=4.0))) == 1


def test_one_who_comes_in_over_the_edge_of_the_picture_is_another() -> None:
    rule = zone_rule(zone=[[0.0, 0.3], [0.7, 0.3], [0.7, 0.7], [0.0, 0.7]])
    newcomer = [[at(place, track_id=2)] for place in [*between((0.0, 0.6), (0.3, 0.6), 20), *stays((0.3, 0.6), 3.0)]]
    assert len(watch(rule, both(comes_in(1, (0.6, 0.5)), newcomer, after=4.0))) == 2


def test_a_second_box_of_an_object_that_the_edge_cuts_is_no_newcomer() -> None:
    rule = zone_rule(zone=[[0.3, 0.3], [0.7, 0.3], [0.7, 1.0], [0.3, 1.0]])
    second_box = [[at((0.5, 1.0), track_id=2, height=0.1)] for _ in range(60)]
    assert len(watch(rule, both(track((0.5, 1.0), 12.0), second_box, after=4.0))) == 1


@given(st.lists(st.sampled_from([INSIDE, OUTSIDE, (0.31, 0.5), (0.29, 0.5)]), max_size=100), st.floats(0.0, 5.0))
def test_there_is_never_more_than_one_report_per_dwell_time(places: list[Point], dwell_s: float) -> None:
    found = walk(zone_rule(dwell_s=dwell_s), places)
    assert len(found) <= 1 + len(places) * 0.1 / max(dwell_s, 0.1)
    assert all(occurrence.captured_at - occurrence.started_at >= dwell_s - 1e-6 for occurrence in found)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=60))
def test_a_mirrored_scene_is_judged_alike(places: list[Point]) -> None:
    zone = ((0.25, 0.3), (0.75, 0.3), (0.75, 0.7), (0.25, 0.7))
    found = walk(zone_rule(zone=zone, dwell_s=0.3), places)
    mirrored = walk(zone_rule(zone=zone, dwell_s=0.3), [(1 - x, y) for x, y in places])
    assert [seen.captured_at for seen in found] == [seen.captured_at for seen in mirrored]


def test_other_settings_are_refused() -> None:
    line = LineCrossingSettings.model_validate({"id": "l", "type": "line_crossing", "line": [[0, 0], [1, 0]]})
    with pytest.raises(TypeError, match="ZonePresenceSettings"):
        ZonePresence(line)


@pytest.mark.parametrize(
    "wrong", [{"dwell_s": -1}, {"dwell_s": 1e9}, {"classes": ["humans"]}, {"zone": [[0, 0], [1, 1]]}]
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ZonePresenceSettings.model_validate({"id": "yard", "type": "zone_presence", "zone": SQUARE, **wrong})
