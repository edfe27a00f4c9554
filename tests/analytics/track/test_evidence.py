from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.track.evidence import Evidence
from analytics.track.kalman import Array

SIZE = 0.1


def box(x: float, y: float = 0.5) -> Array:
    return np.array([x, y, SIZE, SIZE])


def begun(*, clearly: bool) -> Evidence:
    return Evidence(start=box(0.2), started_at=0.0, strong_hits=int(clearly))


def watched(evidence: Evidence, places: list[float], *, clearly: bool, step_s: float = 0.1) -> float:
    """Shows it at each place, a frame after the other; the time of the last one."""
    now = 0.0
    for number, place in enumerate(places, start=1):
        now = number * step_s
        evidence.strong_missed += 1
        evidence.see(box(place), now, is_strong=clearly)
    return now


@pytest.mark.parametrize(("sightings", "step_s", "enough"), [(2, 0.1, False), (3, 0.1, True), (2, 0.5, True)])
def test_what_is_seen_clearly_is_an_object_after_three_sightings_or_two_that_lie_apart(
    sightings: int, step_s: float, enough: bool
) -> None:
    evidence = begun(clearly=True)
    now = watched(evidence, [0.2] * (sightings - 1), clearly=True, step_s=step_s)
    assert evidence.is_enough(now) is enough


@pytest.mark.parametrize(("missed", "enough"), [(1, True), (2, True), (3, False)])
def test_clear_sightings_count_together_while_one_frame_at_most_lies_between(missed: int, enough: bool) -> None:
    evidence = begun(clearly=True)
    watched(evidence, [0.2], clearly=True)
    evidence.strong_missed = missed
    evidence.see(box(0.2), 0.3, is_strong=True)
    assert evidence.is_enough(0.3) is enough


@given(st.lists(st.floats(-0.4 * SIZE, 0.4 * SIZE), min_size=1, max_size=30))
def test_clutter_that_is_seen_weakly_where_it_is_never_becomes_an_object(jitter: list[float]) -> None:
    evidence = begun(clearly=False)
    now = watched(evidence, [0.2 + shift for shift in jitter], clearly=False)
    assert not evidence.is_enough(now)


def test_what_goes_its_own_size_along_a_straight_way_is_an_object_however_weakly_it_is_seen() -> None:
    evidence = begun(clearly=False)
    now = watched(evidence, [0.24, 0.28], clearly=False)
    assert not evidence.is_enough(now)
    evidence.see(box(0.32), now, is_strong=False)
    assert evidence.is_enough(now)


def test_what_jumps_to_and_fro_is_none_however_far_it_gets() -> None:
    evidence = begun(clearly=False)
    now = watched(evidence, [0.4, 0.2, 0.4, 0.2, 0.4], clearly=False)
    assert not evidence.is_enough(now)


@pytest.mark.parametrize(("strong_missed", "age_s", "hopeless"), [(3, 1.6, True), (2, 1.6, False), (3, 1.4, False)])
def test_it_is_given_up_once_it_is_old_and_was_not_seen_clearly_of_late(
    strong_missed: int, age_s: float, hopeless: bool
) -> None:
    evidence = begun(clearly=False)
    evidence.strong_missed = strong_missed
    assert evidence.is_hopeless(age_s) is hopeless
