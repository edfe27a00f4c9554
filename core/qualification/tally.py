"""How many alerts are right and wrong, and what may be concluded from so many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from core.qualification.record import Judged
from core.statistics import Range, wilson
from core.types import Answer

LIMIT = 0.10
"""A rule is armed only under this share of false alerts (SUR-2)."""

FEWEST = 10
"""With fewer judged alerts a single false one is more than ``LIMIT``: nothing can be held against a rule."""


class Standing(StrEnum):
    """What the verdicts say of a rule."""

    QUALIFIED = "qualified"
    NOT_ENOUGH_VERDICTS = "not_enough_verdicts"
    TOO_MANY_FALSE = "too_many_false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Alerts by verdict. The share counts those that operators called true or false."""

    true: int
    false: int
    unknown: int
    none: int

    @property
    def all(self) -> int:
        """However they were judged."""
        return self.true + self.false + self.unknown + self.none

    @property
    def judged(self) -> int:
        """Alerts of which an operator said whether they are right."""
        return self.true + self.false

    @property
    def share(self) -> float | None:
        """Share of false ones among the judged."""
        return self.false / self.judged if self.judged else None

    @property
    def interval(self) -> Range | None:
        """Its 95 % interval."""
        return wilson(self.false, self.judged)

    @property
    def standing(self) -> Standing:
        """To arm needs proof: the whole interval under ``LIMIT``. To object, a share over it of ``FEWEST`` or more."""
        interval = self.interval
        if interval is not None and interval.high < LIMIT:
            return Standing.QUALIFIED
        if self.judged >= FEWEST and self.false > LIMIT * self.judged:
            return Standing.TOO_MANY_FALSE
        return Standing.NOT_ENOUGH_VERDICTS


def tally(alerts: Iterable[Judged]) -> Tally:
    """Counts them."""
    answers = [item.answer for item in alerts]
    return Tally(
        true=answers.count(Answer.TRUE),
        false=answers.count(Answer.FALSE),
        unknown=answers.count(Answer.UNKNOWN),
        none=answers.count(None),
    )


def needed(false: int) -> int:
    """How many judged alerts prove a share under ``LIMIT`` when so many of them are false."""
    trials = max(1, false)
    while (interval := wilson(false, trials)) is None or interval.high >= LIMIT:
        trials += 1
    return trials
