"""When something that was seen a few times is an object: it was seen clearly, or it goes somewhere.

Weak detections of a model are mostly clutter, but clutter stays where it is, while a vehicle that the model hardly
recognises is found again and again along a straight way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from analytics.track.kalman import Array

_HITS = 3
_HITS_SLOW = 2
_SLOW_S = 0.4
"""At low frame rates two clear sightings so far apart are as good as three."""
_ONE_MISSED = 2
"""Clear sightings count together while at most one frame lies between them."""
_MOVED_HITS = 4
_MOVED = 1.0
"""What is never seen clearly must be seen so often, and get away from where it began by its own size …"""
_MOVED_S = 1.5
"""… within this time (a walker needs about one second) …"""
_STRAIGHT = 0.9
"""… in a way that is hardly longer than the straight line."""


@dataclass(slots=True, kw_only=True)
class Evidence:
    """What speaks for one thing that is not yet known to be an object. Times are those of the tracker's own count."""

    start: Array
    """Its first box: centre x, centre y, width, height in picture heights."""
    started_at: float
    strong_hits: int = 0
    strong_from: float = 0.0
    strong_missed: int = 0
    """Frames since it was last seen clearly."""
    hits: int = 1
    _place: tuple[float, float] = field(init=False)
    _way: float = 0.0
    _net: float = 0.0
    _size: float = field(init=False)

    def __post_init__(self) -> None:
        self._place = float(self.start[0]), float(self.start[1])
        self._size = _size(self.start)
        self.strong_from = self.started_at

    def see(self, box: Array, now: float, *, is_strong: bool) -> None:
        """It was seen again."""
        place = float(box[0]), float(box[1])
        self._way += math.dist(place, self._place)
        self._net = math.dist(place, (float(self.start[0]), float(self.start[1])))
        self._place, self._size = place, max(_size(box), _size(self.start))
        self.hits += 1
        if is_strong:
            self._see_clearly(now)

    def _see_clearly(self, now: float) -> None:
        if self.strong_hits == 0 or self.strong_missed > _ONE_MISSED:
            self.strong_hits, self.strong_from = 0, now
        self.strong_hits += 1
        self.strong_missed = 0

    def is_enough(self, now: float) -> bool:
        """Whether it is an object."""
        is_slow = now - self.strong_from >= _SLOW_S
        return self.strong_hits >= (_HITS_SLOW if is_slow else _HITS) or self._goes_somewhere

    def is_hopeless(self, now: float) -> bool:
        """Whether it has neither been seen clearly of late nor moved in time."""
        return self.strong_missed > _ONE_MISSED and now - self.started_at > _MOVED_S

    @property
    def _goes_somewhere(self) -> bool:
        is_away = self._net >= _MOVED * self._size and self._net >= _STRAIGHT * self._way
        return self.hits >= _MOVED_HITS and is_away


def _size(box: Array) -> float:
    return math.sqrt(float(box[2]) * float(box[3]))
