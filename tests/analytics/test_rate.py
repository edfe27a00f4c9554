from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.rate import FrameRate


def taken(fps: float, times: list[float]) -> list[float]:
    rate = FrameRate(fps)
    return [time for time in times if rate.take(time)]


@pytest.mark.parametrize(
    ("camera_fps", "fps", "expected"), [(25, 8, 8), (30, 8, 8), (10, 8, 8), (5, 8, 5), (8, 8, 8), (25, 0.5, 0.5)]
)
def test_so_many_frames_a_second_are_taken_on_average(camera_fps: float, fps: float, expected: float) -> None:
    times = [number / camera_fps for number in range(int(60 * camera_fps))]
    assert len(taken(fps, times)) == pytest.approx(60 * expected, abs=2)


def test_a_camera_of_just_the_analysed_rate_loses_no_frame_to_its_jitter() -> None:
    times = [number * 0.125 + (0.01 if number % 2 else -0.01) for number in range(100)]
    assert taken(8, times) == times


def test_after_a_pause_the_rate_does_not_catch_up() -> None:
    times = [0.0, *[10 + number / 25 for number in range(25)]]
    assert len(taken(5, times)) == 1 + 6


def test_what_a_recorder_sends_again_after_an_interruption_is_not_taken_again() -> None:
    assert taken(10, [5.0, 4.9, 4.5, 5.1]) == [5.0, 5.1]
    again = [20.0 + number / 10 for number in range(100)]
    assert taken(10, [25.0, *again]) == [25.0, *[moment for moment in again if moment > 25.05]]


def test_when_the_clock_was_set_back_the_rate_goes_on_from_there() -> None:
    assert taken(1, [5000.0, 1000.0, 1000.5, 1001.0]) == [5000.0, 1000.0, 1001.0]


@given(st.floats(0.1, 30.0), st.lists(st.floats(0.0, 100.0), max_size=200))
def test_forward_time_is_never_taken_faster_than_asked(fps: float, moments: list[float]) -> None:
    chosen = taken(fps, sorted(moments))
    assert len(chosen) <= 100 * fps + 2


@given(st.floats(0.1, 30.0), st.lists(st.floats(0.0, 100.0), max_size=50))
def test_asking_changes_nothing_and_tells_what_take_does(fps: float, moments: list[float]) -> None:
    rate = FrameRate(fps)
    for moment in moments:
        is_due = rate.is_due(moment)
        assert rate.is_due(moment) is is_due
        assert rate.take(moment) is is_due
