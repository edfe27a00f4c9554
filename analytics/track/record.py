"""What is remembered of one object beside where it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from analytics.detect.labels import OBJECT, group_of
from core.types import UtcSeconds

_FADE = 0.95
"""Weight of all earlier votes at each new one: a label may change after some twenty frames of better evidence."""
_INDEFINITE = 0.5
"""Weight of a vote for ``object``: that a thing looks like nothing now and then does not outvote what it looks like."""
_CONFIRM_HITS = 3
_CONFIRM_HITS_SLOW = 2
_CONFIRM_SLOW_S = 0.4
"""At low frame rates two hits so far apart are as good as three."""


@dataclass(slots=True, kw_only=True)
class Record:
    """Identity, label and history of one object. Times are seconds of the tracker's own count, save ``first_seen``."""

    first_seen: UtcSeconds
    started_at: float
    seen_at: float
    score: float
    track_id: int = 0
    """0 until the object is confirmed."""
    hits: int = 1
    missed: int = 0
    """Frames since it was last measured."""
    group: str = OBJECT
    """The group of labels that it stays in; ``object`` until it is seen as something more definite."""
    votes: dict[str, float] = field(default_factory=dict)

    @property
    def is_confirmed(self) -> bool:
        """Whether it was seen often enough to be real."""
        return self.track_id > 0

    @property
    def deserves_id(self) -> bool:
        """Whether it has just been seen often enough."""
        is_slow = self.seen_at - self.started_at >= _CONFIRM_SLOW_S
        return not self.is_confirmed and self.hits >= (_CONFIRM_HITS_SLOW if is_slow else _CONFIRM_HITS)

    @property
    def label(self) -> str:
        """The label with the most weight of scores so far."""
        return max(self.votes, key=lambda label: self.votes[label])

    def vote(self, label: str, score: float) -> None:
        """Takes one frame's label."""
        for known in self.votes:
            self.votes[known] *= _FADE
        weight = _INDEFINITE if label == OBJECT else 1.0
        self.votes[label] = self.votes.get(label, 0.0) + weight * score
        if self.group == OBJECT:
            self.group = group_of(label)

    def measured(self, label: str, score: float, now: float) -> None:
        """It was detected in this frame."""
        self.vote(label, score)
        self.score, self.seen_at, self.missed = score, now, 0
        self.hits += 1
