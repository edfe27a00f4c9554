"""Small evaluations, written by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from analytics.evaluation.clip import ClipRun, RaisedAlert
from analytics.evaluation.dataset import DatasetClip, DatasetRule
from analytics.evaluation.measure import judge_clip
from analytics.evaluation.results import ClipResult, Conditions, CountResult, Evaluation, NotInstalled, RuleResult
from analytics.evaluation.scoring import Interval, Tolerances
from config.model import RuleSettings

TOLERANCES = Tolerances(max_delay_s=10.0, early_tolerance_s=1.0)


def intervals(*pairs: tuple[float, float]) -> tuple[Interval, ...]:
    return tuple(Interval(start_s=start, end_s=end) for start, end in pairs)


def rule(
    name: str,
    truth: Sequence[tuple[float, float]] = (),
    *,
    kind: str = "zone_presence",
    exhaustive: bool = True,
    expected_counts: dict[str, int] | None = None,
) -> DatasetRule:
    return DatasetRule(
        id=name,
        type=kind,
        exhaustive=exhaustive,
        settings=RuleSettings(id="any", type=kind),
        intervals=intervals(*sorted(truth)),
        expected_counts=expected_counts,
        definition=f"{kind} {sorted(truth)} {exhaustive}",
    )


def judged(
    rules: Sequence[DatasetRule],
    alerts: Mapping[str, Sequence[float]],
    *,
    clip: str = "clip",
    duration_s: float = 60.0,
    conditions: tuple[str, ...] = ("day",),
) -> ClipResult:
    """The result of a clip whose rules fired at these times."""
    raised = [
        RaisedAlert(rule=name, time_s=time_s, label="person", box=(0.1, 0.2, 0.3, 0.4), still=b"")
        for name, times in alerts.items()
        for time_s in times
    ]
    run = ClipRun(
        clip=clip,
        duration_s=duration_s,
        frames_analysed=10,
        corrupt=0,
        defects=0,
        alerts=tuple(raised),
        totals={one.id: {} for one in rules},
        middles={},
        wall_s=1.0,
        cpu_s=1.0,
    )
    return judge_clip(
        DatasetClip(id=clip, video=Path(), conditions=conditions, note="", rules=tuple(rules)), run, TOLERANCES
    )


def counted(expected: dict[str, int], got: dict[str, int]) -> ClipResult:
    """A clip with one rule that counts."""
    counts = CountResult(expected=expected, counted=got)
    result = RuleResult(rule="count", type="counting", exhaustive=True, definition="count", counts=counts)
    return judged([], {}).model_copy(update={"rules": (result,)})


def evaluation(
    *clips: ClipResult, not_installed: dict[str, NotInstalled] | None = None, detector: str = "motion"
) -> Evaluation:
    return Evaluation(
        form=1,
        vigie="0",
        measured=Conditions(
            dataset="made",
            dataset_sha256="0" * 64,
            detector=detector,
            model_sha256=None,
            fps=8.0,
            min_confidence=0.35,
            max_delay_s=TOLERANCES.max_delay_s,
            early_tolerance_s=TOLERANCES.early_tolerance_s,
        ),
        clips=clips,
        not_installed=not_installed or {},
        skipped=(),
    )
