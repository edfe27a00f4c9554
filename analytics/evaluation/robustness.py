"""Whether figures hold where nobody tuned: the same set, altered, beside the unaltered one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from analytics.evaluation.figures import Figures, by_type, measured
from analytics.evaluation.results import Evaluation

MAX_MEAN_DROP: Final = 0.05
"""F1 may fall by so much, on average over the types that have events."""
_DOUBLED: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One alteration against the plain set. Types without events have no F1, but may raise false alarms."""

    name: str
    before: Mapping[str, Figures]
    after: Mapping[str, Figures]

    @property
    def drops(self) -> Mapping[str, float]:
        """By how much F1 fell, by type; negative where it rose."""
        pairs = {name: (self.before[name].f1, self.after[name].f1) for name in self.before if name in self.after}
        return {name: old - (new or 0.0) for name, (old, new) in pairs.items() if old is not None}

    @property
    def mean_drop(self) -> float:
        """Over all types that have events; 0 without any."""
        return sum(self.drops.values()) / len(self.drops) if self.drops else 0.0

    @property
    def doubled(self) -> tuple[str, ...]:
        """Types with more than twice the false alarms of the plain set, and more than one."""
        return tuple(
            name
            for name, after in self.after.items()
            if after.fp > max(1, _DOUBLED * (self.before[name].fp if name in self.before else 0))
        )

    @property
    def holds(self) -> bool:
        """Neither fell F1 by too much, nor doubled any type's false alarms."""
        return self.mean_drop <= MAX_MEAN_DROP and not self.doubled

    def as_json(self) -> dict[str, Any]:
        """One entry of the document."""
        return {
            "alteration": self.name,
            "holds": self.holds,
            "mean_f1_drop": round(self.mean_drop, 4),
            "f1_drop": {name: round(drop, 4) for name, drop in self.drops.items()},
            "false_alarms": {name: [self._fp_before(name), after.fp] for name, after in self.after.items()},
            "doubled": list(self.doubled),
            "per_type": {name: after.as_json() for name, after in self.after.items()},
        }

    def _fp_before(self, name: str) -> int:
        return self.before[name].fp if name in self.before else 0


def held(name: str, before: Evaluation, after: Evaluation) -> Held:
    """The figures of both, by type."""
    return Held(name=name, before=by_type(measured(before.clips)), after=by_type(measured(after.clips)))
