"""Light over time, made of numbers: pictures x places."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.rules.fires.flicker import Flicker

PICTURES, PLACES, SPAN_S = 25, 40, 3.0
TIMES = np.linspace(0.0, SPAN_S, PICTURES, dtype=np.float32)[:, None]


def measured(light: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Flicker:
    flicker = Flicker.of((light + np.zeros((PICTURES, PLACES))).astype(np.float32), SPAN_S)
    assert flicker is not None
    return flicker


def test_what_changes_at_random_and_everywhere_for_itself_is_told_by_every_figure() -> None:
    flicker = measured(np.random.default_rng(1).uniform(0.3, 1.0, (PICTURES, PLACES)).astype(np.float32))
    assert flicker.reversals > 2.0
    assert flicker.depth == pytest.approx(0.65, abs=0.1)
    assert flicker.common < 0.4
    assert flicker.repetition < 0.3
    assert abs(flicker.likeness) < 0.2


@pytest.mark.parametrize("turns_per_s", [1.0, 1.7, 2.3, 3.1])
def test_what_repeats_itself_is_periodic_even_where_the_rate_folds_it(turns_per_s: float) -> None:
    phases = np.linspace(0.0, 2.0, PLACES, dtype=np.float32)
    assert measured(np.cos(2 * np.pi * turns_per_s * TIMES + phases).astype(np.float32)).repetition > 0.7


def test_a_lamp_that_flickers_at_random_changes_as_a_whole() -> None:
    assert measured(np.random.default_rng(2).uniform(0.0, 1.0, (PICTURES, 1)).astype(np.float32)).common > 0.99


def test_what_passes_goes_through_its_range_once_up_and_once_down() -> None:
    starts = np.linspace(0.2, 2.0, PLACES, dtype=np.float32)
    passing = ((starts < TIMES) & (starts + 0.6 > TIMES)).astype(np.float32)
    assert measured(passing).reversals < 0.8


def test_slow_changes_are_like_the_picture_before() -> None:
    assert measured(np.sin(0.5 * TIMES).astype(np.float32)).likeness > 0.8


def test_light_that_does_not_change_has_no_depth() -> None:
    flicker = measured(np.full((PICTURES, PLACES), 0.8, np.float32))
    assert (flicker.depth, flicker.reversals) == (0.0, 0.0)


@pytest.mark.parametrize(("pictures", "span_s"), [(5, 3.0), (25, 0.0)])
def test_a_short_look_tells_nothing(pictures: int, span_s: float) -> None:
    assert Flicker.of(np.ones((pictures, PLACES), np.float32), span_s) is None
