from __future__ import annotations

import cv2
import numpy as np
import pytest

from analytics.rules.abandoned import leftovers
from analytics.rules.abandoned.appearance import Appearance, appearance_of
from analytics.rules.abandoned.patches import patches_in
from analytics.rules.abandoned.standing_changes import Mask, StandingChanges
from core.types import Picture
from tests.analytics.rules.leftover_scenes import texture

WIDE, HIGH = 160, 120
GROUND = texture(1, WIDE, HIGH, (125, 120, 112))
NOBODY: Mask = np.zeros((HIGH, WIDE), np.bool_)
TOP, LEFT = 30, 40
FPS = 8
SPEED = 6.0
"""Pixels a second."""
SLIVER = 64
"""Pixels: smaller pieces of a light's edge last for single pictures."""


def lit(left: float, factor: float | tuple[float, float, float], wide: int, high: int, soft: float = 0.0) -> Picture:
    """The ground in another light on some pixels; ``soft``: standard deviation of its edge."""
    share = np.zeros((HIGH, WIDE), np.float32)
    share[TOP : TOP + high, round(left) : round(left) + wide] = 1.0
    share = np.asarray(cv2.GaussianBlur(share, (0, 0), soft), np.float32) if soft else share
    return np.asarray(np.clip(GROUND * (1.0 + (np.asarray(factor) - 1.0) * share[..., None]), 0, 255), np.uint8)


def with_thing(wide: int, high: int, tone: tuple[int, int, int], shadow: int) -> Picture:
    """A thing before the ground, and the shadow that it casts to the right, so many pixels wide."""
    picture = lit(LEFT + wide, 0.7, shadow, high) if shadow else GROUND.copy()
    picture[TOP : TOP + high, LEFT : LEFT + wide] = texture(9, wide, high, tone, 14.0)
    return picture


def at_rest() -> StandingChanges:
    model, noise = StandingChanges(), np.random.default_rng(3)
    for step in range(2 * FPS):
        model.update(noisy(GROUND, noise), step / FPS, NOBODY)
    return model


def noisy(picture: Picture, noise: np.random.Generator) -> Picture:
    return np.asarray(np.clip(picture + noise.normal(0.0, 2.0, picture.shape), 0, 255), np.uint8)


def surely_light(look: Appearance) -> bool:
    """Also with the bounds a fifth nearer."""
    return look.texture > 1.2 * leftovers._TEXTURE and look.spread < 0.8 * leftovers._SPREAD


def surely_no_light(look: Appearance) -> bool:
    """Also with the bounds a fifth nearer."""
    return look.texture <= 0.8 * leftovers._TEXTURE or look.spread >= 1.2 * leftovers._SPREAD


@pytest.mark.parametrize("soft", [0.0, 1.0])
@pytest.mark.parametrize(("wide", "high"), [(10, 12), (24, 27), (70, 50)])
@pytest.mark.parametrize("factor", [0.5, 0.7, 1.25, 1.6, (0.55, 0.6, 0.66), (1.45, 1.4, 1.32)])
def test_what_is_left_of_a_light_that_moves_is_the_same_surface(
    factor: float | tuple[float, float, float], wide: int, high: int, soft: float
) -> None:
    model, noise = at_rest(), np.random.default_rng(4)
    for step in range(3 * FPS):
        picture = noisy(lit(LEFT + SPEED * step / FPS, factor, wide, high, soft), noise)
        changes = model.update(picture, 2.0 + step / FPS, NOBODY)
        for patch in patches_in(changes):
            assert patch.area < SLIVER or surely_light(appearance_of(changes, patch.mask, patch.rest_at))


@pytest.mark.parametrize("shadow", [0, 6, 12])
@pytest.mark.parametrize("tone", [(150, 40, 40), (60, 60, 65), (40, 60, 120)])
@pytest.mark.parametrize(("wide", "high"), [(6, 8), (10, 14), (22, 30)])
def test_a_thing_is_another_surface_though_it_casts_a_shadow(
    wide: int, high: int, tone: tuple[int, int, int], shadow: int
) -> None:
    model, noise = at_rest(), np.random.default_rng(4)
    picture = with_thing(wide, high, tone, shadow)
    changes = [model.update(noisy(picture, noise), 2.0 + step / FPS, NOBODY) for step in range(2 * FPS)][-1]
    seen = patches_in(changes)[0]
    assert surely_no_light(appearance_of(changes, seen.mask, seen.rest_at))
