"""Runs all rules of one clip: decoded, detected and tracked once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analytics.decode.frame import DecodedFrame
from analytics.evaluation.sensitivity.thresholds import Move
from analytics.evaluation.sensitivity.trials import Footage, Seen, Tried, tried
from analytics.evaluation.stills import still
from analytics.offline import FileAnalysis
from analytics.scene import Verdict
from config.model import AnalysisSettings, RuleSettings
from core.types import Alert, Box, Track, UtcSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A moment to take a still of, and the rule whose zone or line it shows."""

    rule: str
    interval: int
    time_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipJob:
    """Everything a worker process needs."""

    clip: str
    video: Path
    rules: tuple[RuleSettings, ...]
    analysis: AnalysisSettings
    moments: tuple[Moment, ...]
    wants_stills: bool
    moves: tuple[Move, ...] = ()
    """Thresholds to move, each by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisedAlert:
    """An alert as it came; ``still`` is empty where none was wanted."""

    rule: str
    time_s: float
    label: str | None
    box: tuple[float, float, float, float] | None
    still: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRun:
    """What came out, not yet judged."""

    clip: str
    duration_s: float
    frames_analysed: int
    corrupt: int
    defects: int
    alerts: tuple[RaisedAlert, ...]
    totals: Mapping[str, Mapping[str, int]]
    """Of each rule that counts, by rule."""
    middles: Mapping[tuple[str, int], bytes]
    """Stills of the moments asked for, by rule and interval."""
    wall_s: float
    cpu_s: float
    tried: Mapping[Move, Tried] = field(default_factory=dict)
    """What came of each move that could change anything."""


def run_clip(job: ClipJob) -> ClipRun:
    """Analyses the clip as ``vigie analyse`` does. The same job always gives the same alerts.

    Raises:
        CodecError: the video cannot be decoded.
        ModelError: the detector cannot be used.
    """
    wall, cpu = time.monotonic(), time.process_time()
    album = _Album(job)
    seen: dict[UtcSeconds, Seen] = {}
    with FileAnalysis(job.clip, job.video, job.rules, job.analysis) as run:
        for frame, verdict in run.verdicts():
            album.add(frame, verdict)
            if job.moves and verdict.boxes is not None:
                seen[frame.captured_at] = Seen(verdict.boxes.tracks, verdict.looks)
        album.close()
        footage = Footage(name=job.clip, video=job.video, analysis=job.analysis, seen=seen)
        return ClipRun(
            clip=job.clip,
            duration_s=round(run.duration_s or 0.0, 3),
            frames_analysed=run.frames_analysed,
            corrupt=run.corrupt,
            defects=run.defects,
            alerts=tuple(album.alerts),
            totals={rule: dict(counted) for rule, counted in run.figures.items()},
            middles=album.middles,
            tried=tried(footage, job.rules, job.moves) if job.moves else {},
            wall_s=time.monotonic() - wall,
            cpu_s=time.process_time() - cpu,
        )


@dataclass(slots=True)
class _Album:
    """Alerts and moments, each with its still where stills are wanted."""

    job: ClipJob
    alerts: list[RaisedAlert] = field(default_factory=list)
    middles: dict[tuple[str, int], bytes] = field(default_factory=dict)
    _due: list[Moment] = field(init=False)
    _rules: dict[str, RuleSettings] = field(init=False)
    _last: tuple[DecodedFrame, Sequence[Track]] | None = None

    def __post_init__(self) -> None:
        self._due = sorted(self.job.moments, key=lambda moment: moment.time_s, reverse=True)
        self._rules = {rule.id: rule for rule in self.job.rules}

    def add(self, frame: DecodedFrame, verdict: Verdict) -> None:
        """Takes one analysed frame."""
        tracks = () if verdict.boxes is None else verdict.boxes.tracks
        self.alerts += [self._raised(alert, frame, tracks) for alert in verdict.alerts]
        while self._due and self._due[-1].time_s <= frame.captured_at:
            self._keep(self._due.pop(), frame, tracks)
        self._last = frame, tracks

    def close(self) -> None:
        """Moments after the last frame show the last frame."""
        while self._due and self._last is not None:
            self._keep(self._due.pop(), *self._last)

    def _keep(self, moment: Moment, frame: DecodedFrame, tracks: Sequence[Track]) -> None:
        self.middles[moment.rule, moment.interval] = still(frame, self._rules[moment.rule], tracks, frozenset())

    def _raised(self, alert: Alert, frame: DecodedFrame, tracks: Sequence[Track]) -> RaisedAlert:
        first = alert.objects[0] if alert.objects else None
        alerted = frozenset(thing.track_id for thing in alert.objects)
        return RaisedAlert(
            rule=alert.rule_id,
            time_s=round(alert.captured_at, 3),
            label=None if first is None else first.label,
            box=None if first is None else _edges(first.box),
            still=still(frame, self._rules[alert.rule_id], tracks, alerted) if self.job.wants_stills else b"",
        )


def _edges(box: Box) -> tuple[float, float, float, float]:
    return round(box.left, 4), round(box.top, 4), round(box.right, 4), round(box.bottom, 4)
