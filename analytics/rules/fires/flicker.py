"""How a small luminous region behaves over some seconds: what tells a flame from a lamp, a sign, a beacon or clothes.

Pictures come some 8 times a second, flames flicker up to 12 times: spectra fold over and say nothing. What survives any
rate are amplitude, irregularity, and how little the parts of a flame have in common.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

_FEWEST = 12
"""Pictures below which nothing can be told."""
_LONGEST_SHARE = 0.5
"""Repetition is looked for up to this share of the time seen: a period must be seen twice."""
_SHORTEST_LAG = 3
"""In pictures. Neighbouring pictures resemble each other in everything."""
_TINY = 1e-9


class Flicker(NamedTuple):
    """One region over time. Every figure is a ratio: exposure, size and distance do not matter."""

    reversals: float
    """How often per second the light of a place goes through its whole range, up or down. A passing object: less than
    one; a flame: one to four, however the rate folds it."""
    depth: float
    """Range of a place's light, in the scene's white: mean over the region."""
    common: float
    """Share (0..1) of the changes that all places make together. A lamp or sign that blinks: nearly all."""
    repetition: float
    """Best likeness (-1..1) of the region with itself some time earlier: near 1 when periodic, or slowly drifting."""
    likeness: float
    """Likeness of the region with itself one picture earlier: near 1 for slow changes."""

    @classmethod
    def of(cls, light: NDArray[np.float32], span_s: float) -> Self | None:
        """Measures it; None when it was not seen for long enough.

        Args:
            light: pictures x places, 1 being the scene's white.
            span_s: time from the first to the last picture.
        """
        pictures = len(light)
        if pictures < _FEWEST or span_s <= 0.0:
            return None
        ranges = light.max(axis=0) - light.min(axis=0)
        ways = np.abs(np.diff(light, axis=0)).sum()
        changes = light - light.mean(axis=0)
        products = changes @ changes.T
        powers = np.linalg.eigvalsh(products)
        return cls(
            reversals=float(ways / max(float(ranges.sum()), _TINY)) / span_s,
            depth=float(ranges.mean()),
            common=float(powers[-1] / max(float(powers.sum()), _TINY)),
            repetition=max(_likeness(products, lag) for lag in range(_SHORTEST_LAG, int(pictures * _LONGEST_SHARE))),
            likeness=_likeness(products, 1),
        )


def _likeness(products: NDArray[np.float32], lag: int) -> float:
    """Correlation of the region's changes with those ``lag`` pictures earlier."""
    power = np.diagonal(products)
    both = np.sqrt(float(power[lag:].sum()) * float(power[:-lag].sum()))
    return float(np.trace(products, offset=lag)) / max(float(both), _TINY)
