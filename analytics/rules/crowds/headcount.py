"""How many people there are where not every one of them is seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from analytics.detect.closer import corners_of, intersections
from core.types import Box

_COUNTABLE: Final = 12
"""Fewer people than this are counted one by one: nobody is presumed behind them."""
_MOST_HIDDEN: Final = 1.0
"""At most so many unseen people are presumed for each one seen."""
_CROWDING: Final = np.linspace(0.0, math.log(1.0 + _MOST_HIDDEN), 64)
_SEEN_CROWDING: Final = _CROWDING * np.exp(-_CROWDING)


def is_crowd(people: Sequence[Box]) -> bool:
    """Whether they are so many that some may hide others, or be lost among them."""
    return len(people) >= _COUNTABLE


def headcount(people: Sequence[Box]) -> float:
    """Estimates how many people there are from those that were seen, each once.

    People at random places (a Boolean model) of whom each covers the share ``x`` of its surroundings leave a share
    ``exp(-x)`` of one another unhidden. ``x`` shows in how much the boxes of those seen overlap, of which it is
    ``x exp(-x)``. So where boxes do not overlap nobody is added.
    """
    if not is_crowd(people):
        return float(len(people))
    corners = corners_of(people)
    sizes = np.maximum((corners[:, 2:] - corners[:, :2]).prod(axis=1), np.finfo(float).tiny)
    shared = intersections(corners)
    np.fill_diagonal(shared, 0.0)
    crowding = np.interp(shared.sum(axis=1) / sizes, _SEEN_CROWDING, _CROWDING)
    return float(np.exp(crowding).sum())
