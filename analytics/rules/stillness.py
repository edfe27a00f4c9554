"""Tells an object that stands still from one that moves, by its box alone."""

from __future__ import annotations

from analytics.rules.geometry import EDGE, SMALLEST
from core.types import Box, UtcSeconds

_TOLERANCE = 0.2
"""An edge of the box is in its place when it is no further from it than this share of the box's width or height."""
_MOVES_S = 1.0
"""What is out of its place for so long has moved; a shorter absence is the detector's. What was not in one place for
so long cannot be told from a passing object."""
_SETTLING_S = 2.0
"""The place is the mean of the boxes of so long and then stays, so that creeping on is noticed however slow it is."""
_NEIGHBOUR = 1.0
"""Objects are beside each other when the gap between them is no wider than this share of the larger one."""


class Standstill:
    """One object's stay in one place. It begins anew whenever the object has moved."""

    def __init__(self, box: Box, at: UtcSeconds) -> None:
        self.box = box
        """Its place: the mean of its boxes."""
        self.since = at
        """When it was first seen in this place."""
        self.at = at
        """When it was last seen, here or elsewhere."""
        self._sightings = 1
        self._strays: list[tuple[UtcSeconds, Box]] = []
        """Sightings out of its place since it was last in it."""

    def see(self, box: Box, at: UtcSeconds) -> bool:
        """Takes the next sighting; False when the object has moved to another place, where it now begins to stand."""
        self.at = at
        if self.is_at(box):
            self._strays = []
            if at - self.since <= _SETTLING_S:
                self._sightings += 1
                self.box = _mixed(self.box, box, 1 / self._sightings)
            return True
        self._strays.append((at, box))
        if at - self._strays[0][0] < _MOVES_S:
            return True
        self._begin_anew(box)
        return False

    def _begin_anew(self, box: Box) -> None:
        """It stands where it is now, and has since the first of the latest sightings that agree."""
        self.box, self._sightings = box, 1
        for at, stray in reversed(self._strays):
            if not self.is_at(stray):
                break
            self.since = at
        self._strays = []

    @property
    def is_settled(self) -> bool:
        """Whether it was standing for certain when it was last seen."""
        return not self._strays and self.at - self.since >= _MOVES_S

    def is_at(self, box: Box) -> bool:
        """Whether an object with this box may be the one that stands here, seen whole or partly hidden.

        A hidden side moves one edge of the box inwards and leaves the opposite one in place; a movement takes both
        along. Edges that the picture's edge cuts do not count.
        """
        own = self.box
        across = _TOLERANCE * max(own.right - own.left, SMALLEST)
        if not (_is_in_place(own.left, box.left, across) or _is_in_place(own.right, box.right, across)):
            return False
        down = _TOLERANCE * max(own.bottom - own.top, SMALLEST)
        return _is_in_place(own.top, box.top, down) or _is_in_place(own.bottom, box.bottom, down)


def is_beside(first: Box, second: Box) -> bool:
    """Whether two objects stand in one group: there is no room for another one in between."""
    gap_x = max(first.left, second.left) - min(first.right, second.right)
    gap_y = max(first.top, second.top) - min(first.bottom, second.bottom)
    width, height = max(first.width, second.width), max(first.height, second.height)
    return gap_x <= _NEIGHBOUR * width and gap_y <= _NEIGHBOUR * height


def _is_in_place(place: float, seen: float, tolerance: float) -> bool:
    """Whether an edge is where it was."""
    return EDGE < seen < 1.0 - EDGE and abs(seen - place) <= tolerance


def _mixed(box: Box, other: Box, share: float) -> Box:
    def mix(one: float, two: float) -> float:
        return one + (two - one) * share

    return Box(
        left=mix(box.left, other.left),
        top=mix(box.top, other.top),
        right=mix(box.right, other.right),
        bottom=mix(box.bottom, other.bottom),
    )
