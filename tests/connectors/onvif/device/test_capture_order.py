from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.onvif.device.capture_order import CONFIRMATIONS, SLACK_S, STEP_BACK_S, CaptureOrder, Place
from core.clock import ManualClock

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("offset_s", "place"),
    [
        (0.04, Place.IN_ORDER),
        (3600.0, Place.IN_ORDER),
        (0.0, Place.LATE),
        (0.0004, Place.LATE),
        (-0.04, Place.LATE),
        (-STEP_BACK_S, Place.LATE),
        (-STEP_BACK_S - 1, Place.LATE),
    ],
)
def test_a_frame_is_in_order_only_when_it_is_newer_by_a_millisecond(offset_s: float, place: Place) -> None:
    order = CaptureOrder(ManualClock())
    assert order.place(NOW) is Place.IN_ORDER
    assert order.place(NOW + offset_s) is place


def test_a_clock_that_was_set_back_is_believed_once_confirmed() -> None:
    order = CaptureOrder(ManualClock())
    order.place(NOW)
    back = [order.place(NOW - 3600 + number) for number in range(CONFIRMATIONS)]
    assert back == [Place.LATE] * (CONFIRMATIONS - 1) + [Place.BEGINS_ANEW]
    assert order.place(NOW - 3600 + CONFIRMATIONS) is Place.IN_ORDER


def test_stragglers_between_frames_in_order_are_no_clock_set_back() -> None:
    order = CaptureOrder(ManualClock())
    for number in range(10):
        assert order.place(NOW + number) is Place.IN_ORDER
        assert order.place(NOW - 60 + number) is Place.LATE


def test_between_frames_the_recorders_time_goes_on_with_ours() -> None:
    clock = ManualClock(utc=NOW)
    order = CaptureOrder(clock)
    order.place(NOW - 400)  # the recorder's clock is behind ours
    clock.advance(2.0)
    assert order.between_frames() == pytest.approx(NOW - 400 + 2.0 - SLACK_S)


def test_before_the_first_frame_it_is_our_own_time() -> None:
    assert CaptureOrder(ManualClock(utc=NOW)).between_frames() == pytest.approx(NOW - SLACK_S)


def test_a_frame_that_is_a_little_slower_than_usual_is_not_late_after_a_silence() -> None:
    clock = ManualClock(utc=NOW)
    order = CaptureOrder(clock)
    order.place(NOW)
    clock.advance(1.0)
    order.between_frames()
    assert order.place(NOW + 0.7) is Place.IN_ORDER


@pytest.mark.parametrize("back_s", [0.8, 3.0, 9.0])
def test_frames_that_fell_behind_by_some_seconds_are_in_order_again_once_they_have_caught_up(back_s: float) -> None:
    """Also while every silence in between is filled with the recorder's time."""
    clock = ManualClock(utc=NOW)
    order = CaptureOrder(clock)
    places = []
    for _ in range(100):  # 20 s
        clock.advance(0.2)
        behind_s = 0.0 if clock.utc() < NOW + 2.0 else back_s
        places.append(order.place(clock.utc() - behind_s))
        order.between_frames()
    assert set(places[-10:]) == {Place.IN_ORDER}


@given(
    st.lists(
        st.one_of(
            st.floats(min_value=-9.0, max_value=30.0).map(lambda step_s: ("frame", step_s)),
            st.floats(min_value=0.0, max_value=5.0).map(lambda wait_s: ("silence", wait_s)),
        ),
        max_size=60,
    )
)
def test_what_leaves_never_goes_back(steps: list[tuple[str, float]]) -> None:
    clock = ManualClock(utc=NOW)
    order = CaptureOrder(clock)
    order.place(NOW)
    left = [NOW]
    for kind, value in steps:
        if kind == "silence":
            clock.advance(value)
            left.append(order.between_frames())
        elif order.place(left[-1] + value) is Place.IN_ORDER:
            left.append(round(left[-1] + value, 3))
    assert left == sorted(left)
