"""What an evaluation found, as the JSON document says it: judged alerts of every rule of every clip.

Everything else (figures per type, condition and clip) is computed from these, so that an older document can be
compared on whatever it has in common with a newer one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt

from analytics.evaluation.scoring import Outcome

DOCUMENT_FORM: Final = 1
"""Raised when an older document can no longer be read."""


class _Result(BaseModel):
    """Frozen; what a newer Vigie adds is left unread."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True, allow_inf_nan=False)


class AlertResult(_Result):
    """One alert, judged."""

    time_s: float
    outcome: Outcome
    interval: NonNegativeInt | None = None
    """Index of the interval that it finds or repeats."""
    delay_s: float | None = None
    """From the interval's start, of a true positive; negative when early."""
    label: str | None = None
    """Class of the first object of the alert."""
    box: tuple[float, float, float, float] | None = None
    """Left, top, right, bottom of that object, normalised."""


class IntervalResult(_Result):
    """One true event, and when it was found."""

    start_s: float
    end_s: float
    found_s: float | None = None
    """None: it was missed."""


class CountResult(_Result):
    """Totals of a counting rule by name, ``to_left`` and ``to_right`` for a line."""

    expected: dict[str, NonNegativeInt]
    counted: dict[str, NonNegativeInt]

    @property
    def absolute_error(self) -> dict[str, int]:
        """Of each total that is expected."""
        return {name: abs(self.counted.get(name, 0) - expected) for name, expected in sorted(self.expected.items())}

    @property
    def relative_error(self) -> float | None:
        """All errors together, as a share of the expected total; None where nothing is expected."""
        total = sum(self.expected.values())
        return sum(self.absolute_error.values()) / total if total else None


class RuleResult(_Result):
    """One rule of one clip."""

    rule: str
    type: str
    exhaustive: bool
    definition: str
    """Digest of its parameters, truth and tolerances: results compare only where it is the same."""
    intervals: tuple[IntervalResult, ...] = ()
    alerts: tuple[AlertResult, ...] = ()
    counts: CountResult | None = None
    """Only of a rule that counts; such a rule has neither intervals nor alerts."""

    def times(self, outcome: Outcome) -> list[float]:
        """When alerts of that outcome came."""
        return [alert.time_s for alert in self.alerts if alert.outcome is outcome]


class ClipResult(_Result):
    """One clip."""

    clip: str
    conditions: tuple[str, ...]
    duration_s: NonNegativeFloat
    frames_analysed: NonNegativeInt
    corrupt: NonNegativeInt
    """Damaged packets and pictures that were left out."""
    defects: NonNegativeInt
    """How often rules or the detector failed unexpectedly."""
    rules: tuple[RuleResult, ...]


class NotInstalled(_Result):
    """A rule type of the data set that this installation does not have."""

    rules: NonNegativeInt
    intervals: NonNegativeInt


class Conditions(_Result):
    """What was measured, and with what."""

    dataset: str
    dataset_sha256: str
    detector: str
    """Name of the detector or of the model file."""
    model_sha256: str | None
    density_model: str | None = None
    """File name of the model that draws density maps; None where there is none."""
    density_model_sha256: str | None = None
    fps: float
    min_confidence: float
    gating: str = "off"
    """Whether the detector may rest; documents older than gating do not say."""
    max_delay_s: float
    early_tolerance_s: float


class Evaluation(_Result):
    """A whole evaluation."""

    form: Literal[1]
    vigie: str
    """Version of Vigie."""
    measured: Conditions
    clips: tuple[ClipResult, ...]
    not_installed: Mapping[str, NotInstalled]
    skipped: tuple[str, ...]
    """Clips whose video file is absent."""

    @property
    def defects(self) -> int:
        """How often rules or the detector failed unexpectedly."""
        return sum(clip.defects for clip in self.clips)
