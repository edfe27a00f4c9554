from __future__ import annotations

import cv2
import numpy as np
import pytest

from analytics.rules.steadying import Steadying
from core.types import Picture
from tests.analytics.rules.painted_fires import HEIGHT, WIDTH, room

SCENE = np.clip(room(120.0), 0.0, 255.0).astype(np.uint8)
INSIDE = (slice(12, -12), slice(12, -12))


def shifted(picture: Picture, across: float, down: float) -> Picture:
    shift = np.array([[1.0, 0.0, across], [0.0, 1.0, down]], np.float32)
    return np.asarray(cv2.warpAffine(picture, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def apart(one: Picture, other: Picture) -> float:
    return float(cv2.absdiff(one[INSIDE], other[INSIDE]).mean())


@pytest.mark.parametrize(("across", "down"), [(3.0, 0.0), (-2.0, 1.5), (0.5, -0.5), (1.0, 3.0)])
def test_a_shaken_picture_comes_back_to_where_it_was(across: float, down: float) -> None:
    steadying = Steadying()
    steadying.steady(SCENE)
    shaken = shifted(SCENE, across, down)
    assert apart(steadying.steady(shaken), SCENE) < 0.8 * apart(shaken, SCENE)


def test_a_still_picture_is_left_alone() -> None:
    steadying = Steadying()
    steadying.steady(SCENE)
    assert steadying.steady(SCENE) is SCENE


def test_what_moves_before_the_scene_moves_nothing() -> None:
    steadying = Steadying()
    steadying.steady(SCENE)
    passing = SCENE.copy()
    passing[40:160, 60:160] = shifted(SCENE, 8.0, 0.0)[40:160, 60:160]
    assert apart(steadying.steady(passing), passing) < 1.0


def test_brighter_light_is_no_movement() -> None:
    steadying = Steadying()
    steadying.steady(SCENE)
    brighter = np.clip(SCENE * 1.2, 0.0, 255.0).astype(np.uint8)
    assert steadying.steady(brighter) is brighter


def test_a_scene_without_any_pattern_is_left_alone() -> None:
    steadying, blank = Steadying(), np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    steadying.steady(blank)
    assert steadying.steady(blank) is blank
