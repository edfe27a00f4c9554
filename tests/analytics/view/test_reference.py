from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.view.glance import Glance, transformed
from analytics.view.reference import Reference
from tests.analytics.view import scenery
from tests.analytics.view.scenery import HEIGHT, WIDTH, Alter, place, seen

PLACE = place(1)


def glance(luma: scenery.Luma) -> Glance:
    return Glance.of_luma(luma, 0.0)


@pytest.mark.parametrize(
    "alter",
    [
        scenery.plain,
        scenery.brighter,
        scenery.at_night,
        scenery.in_infrared,
        scenery.lights_out,
        scenery.shaking,
        scenery.in_rain,
        scenery.crowded,
        scenery.blurred,
    ],
)
def test_the_same_view_fits_in_its_place_whatever_the_light_and_whoever_passes(alter: Alter) -> None:
    altered = alter(seen(PLACE), np.random.default_rng(3))
    assert Reference(glance(seen(PLACE))).fit(glance(altered)).in_place > 1.5


@given(right=st.integers(-60, 60), down=st.integers(-30, 30))
@settings(max_examples=30, deadline=None)
def test_a_turned_camera_fits_elsewhere_and_tells_how_far(right: int, down: int) -> None:
    fit = Reference(glance(seen(PLACE))).fit(glance(seen(PLACE, right, down)))
    if max(abs(right) / WIDTH, abs(down) / HEIGHT) < 0.06:
        return  # less than the shake that is let pass, and its surroundings
    assert fit.in_place < 1.0
    assert fit.shift is not None
    assert fit.shift == pytest.approx((-right / WIDTH, -down / HEIGHT), abs=0.02)


@pytest.mark.parametrize("other", range(2, 12))
def test_another_place_fits_nowhere_in_particular(other: int) -> None:
    fit = Reference(glance(seen(PLACE))).fit(glance(seen(place(other))))
    assert fit.in_place < 1.1
    assert fit.shift is None


def test_pictures_of_another_size_or_aspect_are_compared_by_shares_of_the_picture() -> None:
    large = np.repeat(np.repeat(seen(PLACE), 2, axis=0), 3, axis=1)
    assert Reference(glance(seen(PLACE))).fit(glance(large)).in_place > 3.0


def test_the_transform_comes_back() -> None:
    field = glance(seen(PLACE)).field
    assert np.allclose(transformed(transformed(field), back=True), field, atol=1e-4)
    assert np.allclose(transformed(field), np.fft.fft2(field), atol=1e-2)
