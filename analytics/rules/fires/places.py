"""Confirms what is found in pictures: only what keeps being found in one place is real."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from analytics.rules.geometry import SMALLEST
from core.types import Box, UtcSeconds

_NEAR = 0.5
"""A finding is in the same place when it touches it, widened by this share of its size on each side."""
_ROUNDING_S = 1e-6


class Confirmed(NamedTuple):
    """Something that kept being found in one place."""

    since: UtcSeconds
    """When it was first found there."""
    box: Box
    """Where it was found last."""


@dataclass(slots=True)
class _Place:
    first: Box
    """Does not follow: what moves on leaves it."""
    latest: Box
    sightings: deque[tuple[UtcSeconds, bool]] = field(default_factory=deque)
    """Every picture of the last seconds, and whether something was found here in it."""


class Places:
    """Where something was found, and how steadily."""

    def __init__(self, *, hold_s: float, share: float) -> None:
        """What is found in ``share`` (0..1) of the pictures of ``hold_s`` is confirmed."""
        self._hold_s = hold_s
        self._share = share
        self._places: list[_Place] = []

    def see(self, found: Sequence[Box], at: UtcSeconds) -> list[Confirmed]:
        """Takes what one picture showed; the places that are confirmed in it."""
        for place in self._places:
            self._note(place, [box for box in found if _touch(box, place.first)], at)
        self._places = [place for place in self._places if any(is_hit for _, is_hit in place.sightings)]
        for box in found:
            if not any(_touch(box, place.first) for place in self._places):
                self._places.append(_Place(box, box, deque([(at, True)])))
        return [
            Confirmed(next(seen for seen, is_hit in place.sightings if is_hit), place.latest)
            for place in self._places
            if self._is_confirmed(place, at)
        ]

    def _note(self, place: _Place, boxes: Sequence[Box], at: UtcSeconds) -> None:
        if boxes:
            place.latest = max(boxes, key=lambda box: box.width * box.height)
        place.sightings.append((at, bool(boxes)))
        while len(place.sightings) > 1 and at - place.sightings[1][0] >= self._hold_s - _ROUNDING_S:
            place.sightings.popleft()

    def _is_confirmed(self, place: _Place, at: UtcSeconds) -> bool:
        if at - place.sightings[0][0] < self._hold_s - _ROUNDING_S:
            return False
        hits = sum(is_hit for _, is_hit in place.sightings)
        return hits >= self._share * len(place.sightings)


def _touch(box: Box, place: Box) -> bool:
    across, down = _NEAR * max(place.width, SMALLEST), _NEAR * max(place.height, SMALLEST)
    return (
        box.left <= place.right + across
        and box.right >= place.left - across
        and box.top <= place.bottom + down
        and box.bottom >= place.top - down
    )
