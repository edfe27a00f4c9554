from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.track.kalman import SMALLEST, Array, BoxFilters

pytestmark = pytest.mark.slow

START = np.array([[0.2, 0.5, 0.1, 0.3]])
STEPS = st.lists(st.floats(0.0, 2.0), min_size=1, max_size=12)
IRREGULAR = (0.04, 0.2, 0.08, 0.12, 0.33, 0.04, 0.5, 0.1, 0.25, 0.06) * 3


def walk(steps: Sequence[float], speed: float) -> tuple[BoxFilters, Array]:
    """Filters that saw somebody walk, and where he is."""
    filters, place = BoxFilters.start(START), START.copy()
    for step in steps:
        filters.predict(step)
        place = place + np.array([speed * step, 0, 0, 0])
        filters.correct(place)
    return filters, place


@pytest.mark.parametrize("steps", [[0.1] * 30, IRREGULAR, [0.5] * 12])
def test_the_speed_of_a_walker_is_learned_whatever_the_frame_rate(steps: Sequence[float]) -> None:
    filters, _ = walk(steps, speed=0.1)
    assert filters.velocity[0] == pytest.approx([0.1, 0, 0, 0], abs=0.015)


@pytest.mark.parametrize("ahead", [0.04, 0.2, 0.5])
def test_he_is_predicted_where_he_will_be_after_any_time(ahead: float) -> None:
    filters, place = walk(IRREGULAR, speed=0.1)
    filters.predict(ahead)
    assert filters.position[0] == pytest.approx(place[0] + [0.1 * ahead, 0, 0, 0], abs=0.015)


@given(STEPS)
def test_many_short_steps_predict_what_one_long_step_does(steps: list[float]) -> None:
    many, _ = walk(IRREGULAR, speed=0.1)
    one, _ = walk(IRREGULAR, speed=0.1)
    for step in steps:
        many.predict(step)
    one.predict(sum(steps))
    assert many.position == pytest.approx(one.position)
    assert many.velocity == pytest.approx(one.velocity)


def test_no_time_changes_nothing() -> None:
    filters, _ = walk(IRREGULAR, speed=0.1)
    before = filters.joined(BoxFilters.start(START))
    filters.predict(0.0)
    assert np.allclose(filters._state, before._state[:, :, :1])


@given(STEPS, st.lists(st.booleans(), min_size=12, max_size=12))
def test_the_uncertainty_stays_positive_and_grows_while_unseen(steps: list[float], seen: list[bool]) -> None:
    filters = BoxFilters.start(START)
    for step, is_seen in zip(steps, seen, strict=False):
        before = filters.variance.copy()
        filters.predict(step)
        assert (filters.variance >= before).all()
        if is_seen:
            filters.correct(START)
        determinant = filters.variance * filters.velocity_variance - filters.covariance**2
        assert (filters.variance > 0).all()
        assert (determinant > 0).all()


def test_an_unseen_object_is_not_sent_across_the_picture() -> None:
    filters, place = walk([0.1] * 30, speed=0.5)
    filters.predict(1000.0)
    assert filters.position[0, 0] - place[0, 0] < 2.0
    assert abs(filters.velocity).max() < 1e-6


def test_a_box_that_shrinks_never_turns_inside_out() -> None:
    filters = BoxFilters.start(START)
    for size in (0.3, 0.2, 0.1, 0.02):
        filters.predict(0.1)
        filters.correct(np.array([[0.2, 0.5, size, size]]))
    filters.predict(5.0)
    assert (filters.position[:, 2:] >= SMALLEST).all()


def test_near_and_far_objects_are_treated_alike() -> None:
    near, far = BoxFilters.start(START), BoxFilters.start(START / 10)
    for filters, scale in ((near, 1.0), (far, 0.1)):
        for number in range(5):
            filters.predict(0.2)
            filters.correct((START + np.array([0.02 * number, 0, 0, 0])) * scale)
    assert far.position == pytest.approx(near.position / 10)
    assert far.velocity == pytest.approx(near.velocity / 10)


def test_rows_are_taken_joined_and_put_back_as_copies() -> None:
    filters = BoxFilters.start(np.concatenate([START, START * 2]))
    first = filters.rows(np.array([0]))
    first.predict(1.0)
    first.correct(START * 3)
    assert filters.position[0] == pytest.approx(START[0])
    filters.put(np.array([1]), first)
    assert filters.position[1] == pytest.approx(first.position[0])
    assert len(filters.joined(first).position) == 3
