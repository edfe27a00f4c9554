from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from analytics.rules.crowds.turmoil import Turmoil
from tests.analytics.rules.pictures import HEIGHT, WIDTH, Grey, Still, shifted, texture

EVERYWHERE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
FPS = 8.0


def shares(pictures: Iterator[Grey]) -> list[float]:
    turmoil = Turmoil(EVERYWHERE)
    told = [turmoil.update(Still(grey), number / FPS, 0.1, ()) for number, grey in enumerate(pictures)]
    return [share for share in told if share is not None]


def lawn() -> Grey:
    """Fine texture everywhere: its flow of less than a pixel is not the same everywhere."""
    noise = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH)).astype(np.float32)
    fine = np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.2), np.float32)
    return np.asarray(np.clip(100 + 15 * (fine - fine.mean()) / fine.std(), 0, 255), np.uint8)


def test_a_scene_that_shakes_by_less_than_a_pixel_of_what_is_compared_is_calm() -> None:
    random = np.random.default_rng(5)
    pictures = (shifted(lawn(), *random.integers(-2, 3, 2).astype(float)) for _ in range(40))
    assert np.mean(shares(pictures)) < 0.005


def test_patches_that_jerk_about_while_all_shakes_are_turmoil() -> None:
    random = np.random.default_rng(6)

    def pictures() -> Iterator[Grey]:
        for _ in range(40):
            grey = texture()
            for row in range(0, HEIGHT - 60, 60):
                for column in range(0, WIDTH - 80, 160):
                    patch = texture(80, 60, seed=row + column)
                    grey[row : row + 60, column : column + 80] = shifted(patch, *random.uniform(-12, 12, 2))
            yield shifted(grey, *random.integers(-2, 3, 2).astype(float))

    assert np.mean(shares(pictures())) > 0.15
