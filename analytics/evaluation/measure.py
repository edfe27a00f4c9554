"""Measures a data set: runs every clip, in this process or in several, and judges what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

from analytics.evaluation.clip import ClipJob, ClipRun, Moment, RaisedAlert, run_clip
from analytics.evaluation.dataset import COUNTING, Dataset, DatasetClip, DatasetRule
from analytics.evaluation.results import (
    DOCUMENT_FORM,
    AlertResult,
    ClipResult,
    Conditions,
    CountResult,
    Evaluation,
    IntervalResult,
    NotInstalled,
    RuleResult,
)
from analytics.evaluation.scoring import Judgement, Outcome, Tolerances, judge
from analytics.evaluation.sensitivity.thresholds import Move
from analytics.models.manifest import open_density_model, open_model
from config.model import AnalysisSettings
from core.errors import UsageError, VigieError
from core.logs import configure_logging, current_level

_MODEL_SUFFIX = ".onnx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The evaluation, and what is not part of its document: pictures and cost."""

    evaluation: Evaluation
    runs: Mapping[str, ClipRun]
    """By clip."""


def measure(
    dataset: Dataset,
    analysis: AnalysisSettings,
    *,
    workers: int,
    skip_missing: bool,
    wants_stills: bool,
    done: Callable[[ClipRun], None],
    moves: Sequence[Move] = (),
) -> Measurement:
    """Runs and judges every clip; ``done`` hears of each as it ends. The same input gives the same evaluation.

    ``moves``: thresholds to move besides, each by itself; they change nothing of the evaluation.

    Raises:
        UsageError: videos are absent and ``skip_missing`` does not allow it, or no rule can be measured.
        CodecError, ModelError: a video cannot be decoded, the detector cannot be used.
    """
    present = _present(dataset, skip_missing=skip_missing)
    measured = _conditions(dataset, analysis)
    jobs = [_job(clip, analysis, tuple(moves), wants_stills=wants_stills) for clip in present]
    runs: dict[str, ClipRun] = {}
    for run in _run_all(jobs, workers):
        runs[run.clip] = run
        done(run)
    evaluation = Evaluation(
        form=DOCUMENT_FORM,
        vigie=version("vigie"),
        measured=measured,
        clips=tuple(judge_clip(clip, runs[clip.id], dataset.tolerances) for clip in present),
        not_installed=_not_installed(dataset),
        skipped=tuple(clip.id for clip in dataset.measurable if clip not in present),
    )
    return Measurement(evaluation=evaluation, runs=runs)


def judge_clip(clip: DatasetClip, run: ClipRun, tolerances: Tolerances) -> ClipResult:
    """Compares what came out of a clip with its truth."""
    rules = (rule for rule in clip.rules if rule.settings is not None)
    return ClipResult(
        clip=clip.id,
        conditions=clip.conditions,
        duration_s=run.duration_s,
        frames_analysed=run.frames_analysed,
        corrupt=run.corrupt,
        defects=run.defects,
        rules=tuple(_judge_rule(rule, run, tolerances) for rule in rules),
    )


def alerts_of(run: ClipRun, rule: str) -> list[RaisedAlert]:
    """The alerts of one rule in order of time, as in its result."""
    return sorted((alert for alert in run.alerts if alert.rule == rule), key=lambda alert: alert.time_s)


def _present(dataset: Dataset, *, skip_missing: bool) -> list[DatasetClip]:
    """The clips that can be measured and whose video is there."""
    present = [clip for clip in dataset.measurable if clip.video.is_file()]
    missing = [clip.id for clip in dataset.measurable if clip not in present]
    if missing and not skip_missing:
        raise UsageError(
            f"the video of {len(missing)} clips is absent: {', '.join(missing)}",
            remedy="Put the files where the data set says, or leave these clips out with --skip-missing.",
        )
    if not present:
        raise UsageError(
            "there is nothing to measure: no clip has both a video and a rule of an installed type",
            remedy=f"Types that are not installed: {', '.join(_not_installed(dataset)) or 'none'}.",
        )
    return present


def _judge_rule(rule: DatasetRule, run: ClipRun, tolerances: Tolerances) -> RuleResult:
    base = RuleResult(rule=rule.id, type=rule.type, exhaustive=rule.exhaustive, definition=rule.definition)
    if rule.type == COUNTING:
        counts = CountResult(expected=dict(rule.expected_counts or {}), counted=dict(run.totals.get(rule.id, {})))
        return base.model_copy(update={"counts": counts})
    alerts = alerts_of(run, rule.id)
    judgements = judge([alert.time_s for alert in alerts], rule.intervals, tolerances, exhaustive=rule.exhaustive)
    results = tuple(_alert(alert, judged, rule) for alert, judged in zip(alerts, judgements, strict=True))
    found = {one.interval: one.time_s for one in results if one.outcome is Outcome.TRUE_POSITIVE}
    intervals = tuple(
        IntervalResult(start_s=interval.start_s, end_s=interval.end_s, found_s=found.get(index))
        for index, interval in enumerate(rule.intervals)
    )
    return base.model_copy(update={"intervals": intervals, "alerts": results})


def _alert(alert: RaisedAlert, judged: Judgement, rule: DatasetRule) -> AlertResult:
    delay_s = None
    if judged.outcome is Outcome.TRUE_POSITIVE and judged.interval is not None:
        delay_s = round(alert.time_s - rule.intervals[judged.interval].start_s, 3)
    return AlertResult(
        time_s=alert.time_s,
        outcome=judged.outcome,
        interval=judged.interval,
        delay_s=delay_s,
        label=alert.label,
        box=alert.box,
    )


def _job(clip: DatasetClip, analysis: AnalysisSettings, moves: tuple[Move, ...], *, wants_stills: bool) -> ClipJob:
    installed = [rule for rule in clip.rules if rule.settings is not None]
    moments = (
        Moment(rule=rule.id, interval=index, time_s=(interval.start_s + interval.end_s) / 2)
        for rule in installed
        for index, interval in enumerate(rule.intervals)
    )
    return ClipJob(
        clip=clip.id,
        video=clip.video,
        rules=tuple(rule.settings for rule in installed if rule.settings is not None),
        analysis=analysis,
        moments=tuple(moments) if wants_stills else (),
        wants_stills=wants_stills,
        moves=moves,
    )


def _run_all(jobs: Sequence[ClipJob], workers: int) -> Iterator[ClipRun]:
    """The runs, each as it ends."""
    if workers == 1:
        yield from map(run_clip, jobs)
        return
    pool = ProcessPoolExecutor(
        max_workers=min(workers, len(jobs)),
        mp_context=get_context("spawn"),
        initializer=configure_logging,
        initargs=(current_level(),),
    )
    try:
        # No time-out: how long a video takes is the video's affair, and a worker that dies ends the wait.
        for future in as_completed([pool.submit(run_clip, job) for job in jobs]):
            yield future.result()
    except BrokenProcessPool as error:
        raise VigieError(
            "a worker process of the evaluation died", remedy="Use fewer --workers if memory was short."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _not_installed(dataset: Dataset) -> dict[str, NotInstalled]:
    absent = [rule for clip in dataset.clips for rule in clip.rules if rule.settings is None]
    return {
        type_: NotInstalled(
            rules=sum(rule.type == type_ for rule in absent),
            intervals=sum(len(rule.intervals) for rule in absent if rule.type == type_),
        )
        for type_ in sorted({rule.type for rule in absent})
    }


def _conditions(dataset: Dataset, analysis: AnalysisSettings) -> Conditions:
    """Says what is measured with; opens the models, so that a wrong one fails before any clip."""
    is_model = analysis.detector.lower().endswith(_MODEL_SUFFIX)
    model = open_model(Path(analysis.detector)) if is_model else None
    density = open_density_model(analysis.density_model) if analysis.density_model is not None else None
    return Conditions(
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        detector=analysis.detector if model is None else model.path.name,
        model_sha256=None if model is None else model.manifest.sha256,
        density_model=None if density is None else density.path.name,
        density_model_sha256=None if density is None else density.manifest.sha256,
        fps=analysis.fps,
        min_confidence=analysis.min_confidence,
        gating=analysis.gating,
        max_delay_s=dataset.tolerances.max_delay_s,
        early_tolerance_s=dataset.tolerances.early_tolerance_s,
    )
