from __future__ import annotations

import numpy as np
import pytest

from analytics.detect.texture import Texture
from core.types import Picture


def pattern(seed: int, contrast: int = 60) -> Picture:
    blocks = np.random.default_rng(seed).integers(100 - contrast // 2, 101 + contrast // 2, (20, 30, 1))
    return np.repeat(np.kron(blocks, np.ones((3, 3, 1))), 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0), (0.5, 0), (1.4, 20), (1.0, -40)])
def test_the_same_surface_is_known_again_in_other_light(gain: float, offset: int) -> None:
    lit = np.clip(pattern(1) * gain + offset, 0, 255).astype(np.uint8)
    assert Texture.of(lit).is_also_in(Texture.of(pattern(1))).mean() > 0.9


def test_another_surface_is_not_the_same() -> None:
    assert Texture.of(pattern(1)).is_also_in(Texture.of(pattern(2))).mean() < 0.05


@pytest.mark.parametrize("contrast", [0, 2])
def test_where_there_is_no_pattern_nothing_is_said(contrast: int) -> None:
    flat = Texture.of(pattern(1, contrast=contrast))
    assert not flat.is_also_in(flat).any()
