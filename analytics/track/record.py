"""What is remembered of one object beside where it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from analytics.detect.labels import OBJECT
from analytics.track.evidence import Evidence
from analytics.track.groups import INDEFINITE
from core.types import Box, UtcSeconds

_FADE = 0.95
"""Weight of all earlier votes at each new one: a label may change after some twenty frames of better evidence."""
_INDEFINITE = 0.5
"""Weight of a vote for ``object``: that a thing looks like nothing now and then does not outvote what it looks like."""


@dataclass(slots=True, kw_only=True)
class Record:
    """Identity and label of one object, and what speaks for it."""

    first_seen: UtcSeconds
    evidence: Evidence
    score: float
    origin: Box | None = None
    """Its first box as far as it is inside the picture, normalised, once that was asked for."""
    track_id: int = 0
    """0 until the object is confirmed."""
    label: str = OBJECT
    """The label with the most weight of scores so far."""
    group: int = INDEFINITE
    """The group of labels that it stays in, see ``analytics.track.groups``, once it is seen as something definite."""
    votes: dict[str, float] = field(default_factory=dict)

    @property
    def is_confirmed(self) -> bool:
        """Whether it was seen often enough to be real."""
        return self.track_id > 0

    def vote(self, label: str, group: int, score: float) -> None:
        """Takes one frame's label and its group; one of a foreign group says nothing of what it is."""
        votes, weight = self.votes, (_INDEFINITE if label == OBJECT else 1.0) * score
        if label in votes and len(votes) == 1:
            votes[label] = votes[label] * _FADE + weight
        elif INDEFINITE in (group, self.group) or group == self.group:
            for known in votes:
                votes[known] *= _FADE
            votes[label] = votes.get(label, 0.0) + weight
            self.label = max(votes, key=votes.__getitem__)
            self.group = self.group or group
