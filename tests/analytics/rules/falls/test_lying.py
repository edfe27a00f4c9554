from __future__ import annotations

import numpy as np
import pytest

from analytics.rules.falls.lying import is_low, outline

HEIGHT = 80.0
SHAPE = (192, 256)
EVERYWHERE = (slice(0, 192), slice(0, 256))


@pytest.mark.parametrize(
    ("width", "height", "drop", "is_it"),
    [
        pytest.param(0.9, 0.25, 0.6, True, id="along the picture"),
        pytest.param(0.5, 0.5, 0.7, True, id="towards the camera"),
        pytest.param(1.2, 0.6, 0.35, True, id="stretched out, farther away"),
        pytest.param(0.4, 0.5, 0.5, False, id="squats"),
        pytest.param(0.4, 0.75, 0.28, False, id="sits"),
        pytest.param(0.5, 0.65, 0.35, False, id="bends"),
        pytest.param(0.2, 0.45, 0.8, False, id="legs of one who stands nearer"),
        pytest.param(0.8, 0.4, 0.0, False, id="at the height of the head"),
    ],
)
def test_lying_is_told_from_other_postures(width: float, height: float, drop: float, is_it: bool) -> None:
    assert is_low(width, height, drop) is is_it


def test_nothing_new_has_no_outline() -> None:
    assert (
        outline(np.zeros(SHAPE, bool), np.zeros(SHAPE, bool), np.ones(SHAPE, bool), EVERYWHERE, SHAPE, HEIGHT) is None
    )


def test_the_largest_thing_is_measured_in_heights_of_the_person() -> None:
    new, zone = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    new[150:170, 100:180] = True
    new[20:30, 20:30] = True
    zone[:, :140] = True
    found = outline(new, new, zone, EVERYWHERE, SHAPE, HEIGHT)
    assert found is not None
    assert (found.width, found.height) == pytest.approx((1.0, 0.25))
    assert (found.area, found.fill) == pytest.approx((0.25, 1.0))
    assert found.mass == pytest.approx(1600 / 1700)
    assert found.inside == pytest.approx(0.5)
    assert (found.box.left, found.box.bottom) == pytest.approx((100 / 256, 170 / 192))


def test_the_folds_of_a_carpet_are_no_body() -> None:
    new = np.zeros(SHAPE, bool)
    new[150:174:6, 60:180] = True
    new[150:174, 60:180:30] = True
    found = outline(new, new, np.ones(SHAPE, bool), EVERYWHERE, SHAPE, HEIGHT)
    assert found is not None
    assert not found.lies(0.8)


def test_what_has_the_colours_of_the_floor_is_no_body() -> None:
    new, everywhere = np.zeros(SHAPE, bool), np.ones(SHAPE, bool)
    new[150:170, 100:180] = True
    body = outline(new, new, everywhere, EVERYWHERE, SHAPE, HEIGHT)
    moved = outline(new, ~everywhere, everywhere, EVERYWHERE, SHAPE, HEIGHT)
    assert body is not None
    assert moved is not None
    assert (body.lies(0.6), moved.lies(0.6)) == (True, False)
