"""What a view is known by: the structure that stays in its place, whatever passes in front of it."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analytics.view.glance import SIZE, Field, Glance, transformed

_NEAR: Final = 2
"""Pixels of ``Glance.SIZE`` that a camera may shake and still look at the same place: 1.5 % of the width."""
_AROUND: Final = 3
"""So many more belong to the same peak."""
_CLEAR: Final = 0.3
"""Correlation from which a displacement is believed."""
_TINY: Final = 1e-9


class Fit(NamedTuple):
    """How well a picture fits a reference in its place."""

    in_place: float
    """How much better it fits in its place than in the best of all other places: above 1, the camera looks there.

    A ratio, so that a crowd that hides most of the scene, darkness or rain do not matter: they take from both.
    """
    shift: tuple[float, float] | None
    """By which share of width and height everything has moved in the picture; None where that is not clear."""


class Reference:
    """The mean of what was seen; what moves averages out."""

    def __init__(self, glance: Glance) -> None:
        self._field: Field = glance.field.copy()
        self._spectrum: Field = glance.spectrum.copy()

    def learn(self, glance: Glance, share: float) -> None:
        """Takes a share of what is seen."""
        self._field += share * (glance.field - self._field)
        self._spectrum += share * (glance.spectrum - self._spectrum)

    def fit(self, glance: Glance) -> Fit:
        """Compares in every place at once: by Fourier transform."""
        agreement = transformed(np.conj(self._spectrum) * glance.spectrum, back=True).real
        elsewhere = np.where(_IS_NEAR, -np.inf, agreement)
        best = int(np.argmax(elsewhere))
        here, there = float(agreement[_IS_HERE].max()), float(elsewhere.flat[best])
        whole = float(np.linalg.norm(self._field) * np.linalg.norm(glance.field)) + _TINY
        is_clear = there > _CLEAR * whole and there > here
        return Fit(here / max(there, _TINY), _shift(best) if is_clear else None)


def _distance(count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """From 0, either way round."""
    steps = np.arange(count)
    return np.minimum(steps, count - steps)


def _within(reach: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    return (_distance(SIZE[1])[:, None] <= reach) & (_distance(SIZE[0])[None] <= reach)


def _shift(place: int) -> tuple[float, float]:
    down, right = divmod(place, SIZE[0])
    return (right - SIZE[0] * (right > SIZE[0] // 2)) / SIZE[0], (down - SIZE[1] * (down > SIZE[1] // 2)) / SIZE[1]


_IS_HERE: Final = _within(_NEAR)
_IS_NEAR: Final = _within(_NEAR + _AROUND)
