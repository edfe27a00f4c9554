from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.track.tracker import Tracker
from core.types import Box, Detection, Track

pytestmark = pytest.mark.slow

Scene = Callable[[float], Sequence[Detection]]


def at(
    x: float, y: float = 0.6, *, label: str = "person", score: float = 0.9, width: float = 0.08, height: float = 0.3
) -> Detection:
    """An object whose box has its centre there."""
    box = Box(left=x - width / 2, top=y - height / 2, right=x + width / 2, bottom=y + height / 2)
    return Detection(label=label, score=score, box=box)


def times(first: float, last: float, step: float = 0.1) -> list[float]:
    return [first + number * step for number in range(round((last - first) / step) + 1)]


def follow(tracker: Tracker, scene: Scene, moments: Iterable[float]) -> list[tuple[Track, ...]]:
    return [tracker.update(scene(moment), moment) for moment in moments]


def ids(frames: Iterable[tuple[Track, ...]]) -> set[int]:
    return {track.track_id for frame in frames for track in frame}


def walker(moment: float) -> list[Detection]:
    return [at(0.1 + 0.08 * moment)]


def test_an_object_is_told_once_it_was_seen_three_times() -> None:
    frames = follow(Tracker(), walker, times(0, 0.5))
    assert [len(frame) for frame in frames] == [0, 0, 1, 1, 1, 1]
    (track,) = frames[-1]
    assert (track.track_id, track.label, track.first_seen, track.is_measured) == (1, "person", 0.0, True)
    assert track.box.centre == pytest.approx((0.14, 0.6), abs=0.005)


def test_at_a_low_frame_rate_two_sightings_are_enough() -> None:
    assert [len(frame) for frame in follow(Tracker(), walker, times(0, 1.5, 0.5))] == [0, 1, 1, 1]


def test_a_flash_in_one_frame_is_never_told() -> None:
    assert ids(follow(Tracker(), lambda t: walker(0.0) if t == 0 else [], times(0, 3))) == set()


@given(st.lists(st.floats(0.03, 0.5), min_size=10, max_size=25))
def test_a_walker_keeps_his_id_whatever_the_time_between_frames(steps: list[float]) -> None:
    moments = [sum(steps[:number]) for number in range(len(steps))]
    assert ids(follow(Tracker(), walker, moments)) == {1}


def test_weak_detections_keep_a_track_alive_but_start_none() -> None:
    tracker = Tracker(min_score=0.35)
    assert ids(follow(tracker, lambda t: [at(0.1 + 0.08 * t, score=0.2)], times(0, 1))) == set()
    follow(tracker, walker, times(1.1, 2))
    frames = follow(tracker, lambda t: [at(0.1 + 0.08 * t, score=0.2)], times(2.1, 4))
    assert [[(track.track_id, track.is_measured) for track in frame] for frame in frames] == [[(1, True)]] * 20


def test_a_weak_detection_does_not_bring_back_what_was_lost_for_longer() -> None:
    tracker = Tracker()
    follow(tracker, walker, times(0, 1))
    follow(tracker, lambda _: [], times(1.1, 1.6))
    frames = follow(tracker, lambda t: [at(0.1 + 0.08 * t, score=0.2)], times(1.7, 2.5))
    assert not any(track.is_measured for frame in frames for track in frame)


def test_a_strong_detection_beside_a_weak_one_is_preferred() -> None:
    tracker = Tracker()
    follow(tracker, walker, times(0, 1))
    (track,) = tracker.update([at(0.19, score=0.2), at(0.188, y=0.61, score=0.8)], 1.1)
    assert (track.track_id, track.score) == (1, 0.8)


def test_one_who_was_hidden_is_found_again_under_his_id() -> None:
    frames = follow(Tracker(), lambda t: [] if 1.05 < t < 2.15 else walker(t), times(0, 4))
    assert ids(frames) == {1}
    by_time = dict(zip(times(0, 4), frames, strict=True))
    hidden = [frame for moment, frame in by_time.items() if 1.05 < moment < 2.15]
    assert [bool(frame) for frame in hidden] == [True] * 5 + [False] * 6
    assert not any(track.is_measured for frame in hidden for track in frame)
    assert frames[-1][0].first_seen == 0.0


def test_the_prediction_goes_on_where_the_walker_went() -> None:
    tracker = Tracker()
    follow(tracker, walker, times(0, 2))
    (track,) = tracker.update([], 2.4)
    assert track.box.centre[0] == pytest.approx(0.1 + 0.08 * 2.4, abs=0.01)


def test_one_who_comes_after_two_seconds_is_another() -> None:
    frames = follow(Tracker(), lambda t: [] if 1.05 < t < 3.25 else [at(0.3)], times(0, 4))
    assert ids(frames) == {1, 2}


def test_one_who_stopped_while_hidden_is_recovered_where_he_was_last_seen() -> None:
    def runs_and_stops(moment: float) -> list[Detection]:
        return [at(0.1 + 0.2 * min(moment, 1.0))] if not 1.05 < moment < 1.85 else []

    assert ids(follow(Tracker(), runs_and_stops, times(0, 3))) == {1}


def test_after_a_gap_the_speed_is_that_of_the_straight_way_through_it() -> None:
    """He ran, was hidden, and is found where he was last seen: he is not expected to run on."""
    tracker = Tracker()
    follow(tracker, lambda t: [at(0.1 + 0.2 * t)], times(0, 1))
    follow(tracker, lambda _: [], times(1.1, 1.8))
    tracker.update([at(0.3)], 1.9)
    (track,) = tracker.update([], 2.3)
    assert track.track_id == 1
    assert track.box.centre[0] == pytest.approx(0.3, abs=0.01)


def test_two_who_pass_one_another_keep_their_ids() -> None:
    def scene(moment: float) -> list[Detection]:
        return [at(0.2 + 0.1 * moment, 0.60), at(0.8 - 0.1 * moment, 0.66)]

    frames = follow(Tracker(), scene, times(0, 6))
    assert ids(frames) == {1, 2}
    first, last = ({track.track_id: track.box.centre[0] for track in frame} for frame in (frames[5], frames[-1]))
    assert first[1] < first[2]
    assert last[1] > last[2]


@pytest.mark.parametrize("interruption", ["reset", "gap", "clock set back"])
def test_ids_are_never_used_twice(interruption: str) -> None:
    tracker = Tracker()
    before = follow(tracker, lambda _: [at(0.3), at(0.7)], times(0, 1))
    start = {"reset": 1.1, "gap": 60.0, "clock set back": -60.0}[interruption]
    if interruption == "reset":
        tracker.reset()
    after = follow(tracker, lambda _: [at(0.3), at(0.7)], times(start, start + 1))
    assert (ids(before), ids(after)) == ({1, 2}, {3, 4})
    assert {track.first_seen for track in after[-1]} == {start}


def test_a_small_step_back_of_the_clock_changes_nothing() -> None:
    moments = [*times(0, 1), *times(0.6, 2)]
    frames = follow(Tracker(), lambda _: [at(0.3)], moments)
    assert ids(frames) == {1}
    assert all(len(frame) == 1 for frame in frames[2:])


def test_the_same_time_twice_is_no_fault() -> None:
    assert ids(follow(Tracker(), lambda _: [at(0.3)], [1.0] * 10)) == {1}


def test_a_person_is_never_taken_for_a_car() -> None:
    frames = follow(Tracker(), lambda t: [at(0.5, label="person" if t < 1.05 else "car")], times(0, 2))
    labels = {track.track_id: track.label for frame in frames for track in frame}
    assert labels == {1: "person", 2: "car"}


def test_a_person_before_a_car_stays_a_person_beside_a_car() -> None:
    frames = follow(Tracker(), lambda _: [at(0.5, label="car"), at(0.5, label="person")], times(0, 2))
    assert sorted(track.label for track in frames[-1]) == ["car", "person"]


def test_a_car_that_is_called_a_truck_now_and_then_is_one_car() -> None:
    frames = follow(Tracker(), lambda t: [at(0.5, label="truck" if round(t * 10) % 3 == 2 else "car")], times(0, 3))
    assert ids(frames) == {1}
    assert {track.label for frame in frames[4:] for track in frame} == {"car"}


def test_something_that_moves_becomes_a_person_once_it_looks_like_one_and_never_a_car_after_that() -> None:
    tracker = Tracker()
    frames = follow(tracker, lambda t: [at(0.5, label="object" if t < 0.45 else "person")], times(0, 1))
    frames += follow(tracker, lambda _: [at(0.5, label="object")], times(1.1, 1.5))
    assert ids(frames) == {1}
    assert (frames[3][0].label, frames[-1][0].label) == ("object", "person")
    assert 1 not in ids(follow(tracker, lambda _: [at(0.5, label="car")], times(2.1, 3)))


def test_two_boxes_of_one_person_are_one_track() -> None:
    frames = follow(Tracker(), lambda _: [at(0.5), at(0.5015, score=0.8)], times(0, 3))
    assert [len(frame) for frame in frames[3:]] == [1] * 28
    assert ids(frames) == {1}


def test_two_tracks_that_become_one_keep_the_older_id() -> None:
    frames = follow(Tracker(), lambda t: [at(0.4), at(max(0.4, 0.6 - 0.1 * t))], times(0, 5))
    assert [track.track_id for track in frames[-1]] == [1]


def test_a_box_reaches_no_further_than_the_picture() -> None:
    frames = follow(Tracker(), lambda t: [at(0.9 + 0.08 * t)], times(0, 3))
    boxes = [track.box for frame in frames for track in frame]
    assert all(0 <= box.left < box.right <= 1 and 0 <= box.top < box.bottom <= 1 for box in boxes)
    assert boxes[-1].right == 1


def test_what_left_the_picture_is_no_longer_told() -> None:
    frames = follow(Tracker(), lambda t: [at(0.8 + 0.1 * t)] if t < 2 else [], times(0, 5))
    assert frames[-1] == ()


def test_tall_and_wide_pictures_are_followed_alike() -> None:
    """A shift across is judged by the width of the box in the picture, whatever its aspect."""
    for aspect in (9 / 16, 1.0, 16 / 9, 4.0):
        assert ids(follow(Tracker(aspect=aspect), walker, times(0, 3))) == {1}


def detections() -> st.SearchStrategy[list[Detection]]:
    share = st.floats(0, 1)
    one = st.builds(
        lambda x, y, w, h, score, label: at(x, y, width=w, height=h, score=score, label=label),
        share, share, share, share, share, st.sampled_from(["person", "car", "truck", "object"]),
    )  # fmt: skip
    return st.lists(one, max_size=6)


@given(st.lists(st.tuples(st.floats(-3, 3), detections()), max_size=12))
def test_whatever_is_seen_boxes_are_sound_ids_unique_and_the_outcome_repeats(
    steps: list[tuple[float, list[Detection]]],
) -> None:
    def run() -> list[tuple[Track, ...]]:
        tracker, now, frames = Tracker(), 0.0, []
        for elapsed, seen in steps:
            now += elapsed
            frames.append(tracker.update(seen, now))
        return frames

    frames = run()
    for frame in frames:
        assert len({track.track_id for track in frame}) == len(frame)
        for track in frame:
            assert 0 <= track.box.left < track.box.right <= 1
            assert 0 <= track.box.top < track.box.bottom <= 1
    assert run() == frames
