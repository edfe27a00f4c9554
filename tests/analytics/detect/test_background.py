from __future__ import annotations

import numpy as np
import pytest

from analytics.detect.background import Background, Mask
from core.types import Picture

FPS = 8.0


def ground(seed: int = 2) -> Picture:
    blocks = np.random.default_rng(seed).integers(70, 170, (30, 40, 3))
    return np.kron(blocks, np.ones((5, 5, 1))).astype(np.uint8)


def with_object(picture: Picture) -> Picture:
    changed = picture.copy()
    changed[50:110, 80:110] = (20, 30, 200)
    return changed


def warm() -> Background:
    background = Background(FPS)
    while not background.is_warm:
        background.warm_up(ground())
    return background


def share_found(background: Background, picture: Picture) -> float:
    """Of the object's place."""
    moving = background.difference(background.level(picture)).moving
    return float(moving[50:110, 80:110].mean())


def shown(background: Background, picture: Picture, seconds: float, protected: Mask) -> None:
    for _ in range(round(seconds * FPS)):
        levelled = background.level(picture)
        background.difference(levelled)
        background.learn(levelled, protected)


def test_what_comes_is_found_and_the_rest_is_at_rest() -> None:
    moving = warm().difference(warm().level(with_object(ground()))).moving
    assert moving[50:110, 80:110].mean() > 0.9
    assert moving.sum() < 1.3 * 60 * 30


def test_what_stays_is_absorbed_unless_protected() -> None:
    free, kept = warm(), warm()
    nothing = np.zeros(ground().shape[:2], np.uint8)
    protected = nothing.copy()
    protected[50:110, 80:110] = 1
    shown(free, with_object(ground()), 6.0, nothing)
    shown(kept, with_object(ground()), 6.0, protected)
    assert share_found(free, with_object(ground())) < 0.05
    assert share_found(kept, with_object(ground())) > 0.9


def test_nothing_is_left_where_a_protected_object_goes_away() -> None:
    background = warm()
    protected = np.zeros(ground().shape[:2], np.uint8)
    protected[50:110, 80:110] = 1
    shown(background, with_object(ground()), 6.0, protected)
    assert share_found(background, ground()) < 0.05


@pytest.mark.parametrize("gain", [0.6, 1.4])
def test_a_cloud_over_half_of_the_picture_is_no_object(gain: float) -> None:
    lit = ground().astype(np.float32)
    lit[:, 100:] *= gain
    moving = (background := warm()).difference(background.level(np.clip(lit, 0, 255).astype(np.uint8))).moving
    assert moving.mean() < 0.1


def test_a_restart_forgets_the_scene() -> None:
    background = warm()
    background.restart()
    assert not background.is_warm
