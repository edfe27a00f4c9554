from __future__ import annotations

import pytest
from pydantic import ValidationError

from analytics.rules.crowds.ground import Ground

TRAPEZE = ((0.4, 0.5), (0.6, 0.5), (0.9, 0.9), (0.1, 0.9))


def test_the_rectangle_itself_measures_what_was_said() -> None:
    ground = Ground(corners=TRAPEZE, width_m=4.0, length_m=10.0)
    assert ground.area_m2(TRAPEZE) == pytest.approx(40.0, rel=1e-4)


def test_the_far_half_of_the_picture_is_more_ground_than_the_near_one() -> None:
    ground = Ground(corners=TRAPEZE, width_m=4.0, length_m=10.0)
    far = ground.area_m2(((0.4, 0.5), (0.6, 0.5), (0.75, 0.7), (0.25, 0.7)))
    near = ground.area_m2(((0.25, 0.7), (0.75, 0.7), (0.9, 0.9), (0.1, 0.9)))
    assert far is not None
    assert near is not None
    assert far > 2.0 * near
    assert far + near == pytest.approx(40.0, rel=1e-4)


def test_what_reaches_the_horizon_has_no_area() -> None:
    ground = Ground(corners=TRAPEZE, width_m=4.0, length_m=10.0)
    assert ground.area_m2(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))) is None


@pytest.mark.parametrize(
    "corners",
    [
        ((0.1, 0.1), (0.9, 0.1), (0.5, 0.3), (0.5, 0.9)),
        ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9)),
    ],
    ids=["not convex", "three"],
)
def test_corners_of_no_rectangle_are_refused(corners: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValidationError):
        Ground(corners=corners, width_m=1.0, length_m=1.0)
