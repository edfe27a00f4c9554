"""``vigie analyse VIDEO --rules FILE``: what the rules say of a video file."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analytics.commands.options import add_analysis_options, analysis_settings, rule_kinds
from analytics.commands.showing import names_of, progress_bar, subject_of
from analytics.offline import FileAnalysis
from config.load import load_rules
from config.model import AnalysisSettings, RuleSettings, State
from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.types import Alert

_CAMERA = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an analysis of a file found. Times are file time in seconds, ``wall_s`` is how long it took."""

    video: Path
    duration_s: float
    frames_analysed: int
    alerts: tuple[Alert, ...]
    wall_s: float
    corrupt: int
    defects: int
    figures: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """What each counting rule counted, by rule id."""

    def as_json(self) -> dict[str, Any]:
        """The document that ``--json`` prints."""
        return {
            "video": str(self.video),
            "duration_s": round(self.duration_s, 3),
            "frames_analysed": self.frames_analysed,
            "alerts": [_as_json(alert) for alert in self.alerts],
            "counts": [{"rule": rule, **figures} for rule, figures in self.figures.items()],
            "wall_s": round(self.wall_s, 3),
        }


def analyse_file(video: Path, rules: Sequence[RuleSettings], analysis: AnalysisSettings) -> Report:
    """Analyses a whole file as fast as it can. The same file, rules and settings always give the same alerts.

    Raises:
        UsageError, CodecError: the file is absent or cannot be decoded.
        ModelError: the detector cannot be used.
    """
    started = time.monotonic()
    watched = [rule for rule in rules if rule.state is not State.OFF]
    alerts: list[Alert] = []
    with FileAnalysis(_CAMERA, video, watched, analysis) as run, progress_bar() as progress:
        task = progress.add_task(video.name, total=run.duration_s)
        for frame, verdict in run.verdicts():
            alerts += verdict.alerts
            progress.update(task, completed=frame.captured_at)
        return Report(
            video=video,
            duration_s=run.duration_s or 0.0,
            frames_analysed=run.frames_analysed,
            alerts=tuple(alerts),
            wall_s=time.monotonic() - started,
            corrupt=run.corrupt,
            defects=run.defects,
            figures=run.figures,
        )


class AnalyseCommand:
    """Runs rules over a file, to try them out before a camera gets them."""

    name = "analyse"
    help = "run rules over a video file and list what they raise"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("video", type=Path, metavar="VIDEO", help="any file that FFmpeg reads")
        parser.add_argument("--rules", type=Path, required=True, metavar="FILE", help="YAML with a list 'rules:'")
        add_analysis_options(parser)
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        rules = load_rules(arguments.rules, rule_kinds())
        report = analyse_file(arguments.video, rules, analysis_settings(arguments))
        if arguments.json:
            print_json(report.as_json())
        else:
            _show(report)
        return 1 if report.defects else 0


COMMAND = AnalyseCommand()


def _as_json(alert: Alert) -> dict[str, Any]:
    return {
        "rule": alert.rule_id,
        "type": alert.rule_type,
        "time_s": round(alert.captured_at, 3),
        "started_s": round(alert.started_at, 3),
        **subject_of(alert),
    }


def _show(report: Report) -> None:
    rows = [
        (f"{alert.captured_at:.2f} s", alert.rule_name, alert.rule_type, names_of(alert)) for alert in report.alerts
    ]
    print_table(("time", "rule", "type", "objects"), rows)
    console = remarks()
    for rule, figures in report.figures.items():
        console.print(f"{rule}: {', '.join(f'{name} {value}' for name, value in figures.items())}")
    console.print(
        f"{len(rows)} alerts in {report.duration_s:.1f} s of video;"
        f" {report.frames_analysed} pictures analysed in {report.wall_s:.1f} s"
    )
    if report.corrupt:
        console.print(f"{report.corrupt} damaged packets or pictures were left out")
    if report.defects:
        console.print(f"{report.defects} defects of rules or detectors: see the log")
