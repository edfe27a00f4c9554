from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.detect.ground_scale import GroundScale

GIVEN = ((0.3, 0.1), (0.9, 0.25))


def learnt(
    slope: float, offset: float, feet: tuple[float, float], count: int = 200, noise: float = 0.01
) -> GroundScale:
    scale, random = GroundScale(), np.random.default_rng(5)
    for foot in random.uniform(*feet, count).tolist():
        scale.learn(foot, slope * foot + offset + float(random.normal(0, noise)))
    return scale


@pytest.mark.parametrize(("foot", "height"), [(0.3, 0.1), (0.9, 0.25), (0.6, 0.175), (0.0, 0.025)])
def test_a_given_scale_holds_everywhere(foot: float, height: float) -> None:
    assert GroundScale(GIVEN).height_at(foot) == pytest.approx(height)


def test_a_given_scale_is_not_unlearnt() -> None:
    scale = GroundScale(GIVEN)
    for _ in range(100):
        scale.learn(0.5, 0.9)
    assert scale.height_at(0.9) == pytest.approx(0.25)


def test_one_height_at_both_depths_is_a_level_scale() -> None:
    assert GroundScale(((0.5, 0.2), (0.5, 0.2))).height_at(0.7) == pytest.approx(0.2)


def test_nothing_is_known_before_enough_people_walked_by() -> None:
    assert GroundScale().height_at(0.5) is None
    assert learnt(0.25, 0.03, (0.3, 0.9), count=20).height_at(0.5) is None


@pytest.mark.parametrize("foot", [0.35, 0.5, 0.8])
def test_the_scale_is_learnt_from_who_walks_by(foot: float) -> None:
    assert learnt(0.25, 0.03, (0.3, 0.9)).height_at(foot) == pytest.approx(0.25 * foot + 0.03, abs=0.012)


def test_a_third_of_wrong_shapes_does_not_matter() -> None:
    scale, random = GroundScale(), np.random.default_rng(5)
    for number, foot in enumerate(random.uniform(0.3, 0.9, 300).tolist()):
        scale.learn(foot, 0.5 if number % 3 == 0 else 0.25 * foot + 0.03)
    assert scale.height_at(0.6) == pytest.approx(0.18, abs=0.02)


def test_beyond_where_anybody_walked_nothing_is_said() -> None:
    scale = learnt(0.25, 0.03, (0.5, 0.7))
    assert scale.height_at(0.6) is not None
    assert scale.height_at(0.2) is None
    assert scale.height_at(0.95) is None


@given(st.floats(0.35, 0.85))
def test_the_feet_are_found_below_the_head(foot: float) -> None:
    scale = GroundScale(GIVEN)
    height = scale.height_at(foot)
    assert height is not None
    assert scale.foot_below(foot - height) == pytest.approx(foot)


def test_where_the_scale_is_too_steep_the_head_does_not_tell_where_the_feet_are() -> None:
    assert GroundScale(((0.4, 0.1), (0.9, 0.6))).foot_below(0.3) is None
    assert GroundScale().foot_below(0.3) is None
