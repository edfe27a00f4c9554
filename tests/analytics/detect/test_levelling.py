from __future__ import annotations

import numpy as np
import pytest

from analytics.detect.levelling import level
from core.types import Picture


def scene(seed: int = 3) -> Picture:
    """Tones of every height in every plane, as in a real picture."""
    tones = np.random.default_rng(seed).integers(0, 256, (30, 40, 3))
    return np.asarray(np.kron(tones, np.ones((6, 6, 1))), np.uint8)


def darkened(picture: Picture, gains: tuple[float, float, float], gamma: float = 1.0) -> Picture:
    """As a camera does it: plane by plane, along a curve."""
    values = 255 * (picture / 255) ** gamma * np.array(gains)
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def misfit(one: Picture, other: Picture) -> float:
    return float(np.median(np.abs(one.astype(np.float32) - other)))


def nothing(picture: Picture) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.zeros((picture.shape[0], picture.shape[1]), np.uint8)


@pytest.mark.parametrize(("gains", "gamma"), [((0.7, 0.7, 0.7), 1.0), ((0.6, 0.8, 0.95), 1.0), ((0.9, 0.9, 0.9), 1.15)])
def test_exposure_white_balance_and_tone_curve_are_taken_out(gains: tuple[float, float, float], gamma: float) -> None:
    rest = scene()
    changed = darkened(rest, gains, gamma)
    levelled = level(changed, rest.astype(np.float32), nothing(rest))
    assert misfit(changed, rest) > 10
    assert misfit(levelled, rest) <= 3


def test_an_unchanged_picture_stays_as_it_is() -> None:
    rest = scene()
    assert misfit(level(rest, rest.astype(np.float32), nothing(rest)), rest) <= 1


def test_a_large_dark_object_that_nobody_marked_does_not_bend_the_tones_to_itself() -> None:
    rest = np.maximum(scene(), 60).astype(np.uint8)
    present = rest.copy()
    present[40:160, 90:150] = 5
    levelled = level(present, rest.astype(np.float32), nothing(rest))
    assert levelled[50:150, 100:140].mean() < 40
    assert misfit(levelled[:, :80], rest[:, :80]) <= 3


def test_marked_objects_say_nothing_of_the_exposure() -> None:
    rest = scene()
    present = darkened(rest, (0.8, 0.8, 0.8))
    present[:60, :200] = 255
    moving = nothing(rest)
    moving[:60, :200] = 1
    levelled = level(present, rest.astype(np.float32), moving)
    assert misfit(levelled[70:], rest[70:]) <= 3


def test_a_picture_of_one_tone_is_no_problem() -> None:
    flat = np.full((60, 80, 3), 100, np.uint8)
    levelled = level(flat, np.full((60, 80, 3), 120, np.float32), nothing(flat))
    assert misfit(levelled, np.full_like(flat, 120)) <= 1
