"""``vigie analyse VIDEO --rules FILE``: what the rules say of a video file."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analytics.checks import silent_member, silent_members
from analytics.commands.options import add_analysis_options, analysis_settings, rule_kinds
from analytics.commands.showing import names_of, progress_bar, subject_of
from analytics.decode.frame import DecodedFrame
from analytics.dossier.write import DossierWriter, Made
from analytics.offline import FileAnalysis
from analytics.rendering import Rendering
from analytics.scene import Verdict
from config.load import load_rules
from config.model import AnalysisSettings, RuleSettings, State
from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.errors import UsageError
from core.types import Alert, Finding

_CAMERA = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is made of an analysis beside its report; None: not that."""

    rendering: Path | None = None
    dossiers: Path | None = None


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
    rendering: Path | None = None
    dossiers: tuple[Made, ...] = ()
    """One for each alert, where they were wanted."""
    findings: tuple[Finding, ...] = ()
    """Of the rules themselves."""

    def as_json(self) -> dict[str, Any]:
        """The document that ``--json`` prints."""
        dossiers = map(_dossier, self.dossiers or (None for _ in self.alerts))
        return {
            "video": str(self.video),
            "duration_s": round(self.duration_s, 3),
            "frames_analysed": self.frames_analysed,
            "alerts": [{**_as_json(alert), "dossier": made} for alert, made in zip(self.alerts, dossiers, strict=True)],
            "counts": [{"rule": rule, **figures} for rule, figures in self.figures.items()],
            "rendering": None if self.rendering is None else str(self.rendering),
            "findings": [
                {"code": finding.code, "rule": finding.subject, "message": finding.message, "remedy": finding.remedy}
                for finding in self.findings
            ],
            "wall_s": round(self.wall_s, 3),
        }


def analyse_file(
    video: Path, rules: Sequence[RuleSettings], analysis: AnalysisSettings, wanted: Wanted | None = None
) -> Report:
    """Analyses a whole file as fast as it can. The same file, rules and settings always give the same alerts.

    Raises:
        UsageError, CodecError: the file is absent or cannot be decoded, or what is wanted cannot be written.
        ModelError: the detector cannot be used.
    """
    started = time.monotonic()
    watched = [rule for rule in rules if rule.state is not State.OFF]
    with ExitStack() as stack:
        run = stack.enter_context(FileAnalysis(_CAMERA, video, watched, analysis))
        products = _Products(stack, wanted or Wanted(), video, watched, analysis)
        progress = stack.enter_context(progress_bar())
        task = progress.add_task(video.name, total=run.duration_s)
        for frame, verdict in run.pictures():
            products.add(frame, verdict)
            progress.update(task, completed=frame.captured_at)
        task = progress.add_task("dossiers", total=len(products.alerts))
        for _ in products.dossiers(run.origin_s):
            progress.advance(task)
        return Report(
            video=video,
            duration_s=run.duration_s or 0.0,
            frames_analysed=run.frames_analysed,
            alerts=tuple(products.alerts),
            wall_s=time.monotonic() - started,
            corrupt=run.corrupt,
            defects=run.defects,
            figures=run.figures,
            rendering=products.wanted.rendering,
            dossiers=tuple(products.made),
            findings=tuple(silent_member(rule, off, place=rule.id) for rule, off in silent_members(rules)),
        )


class _Products:
    """What is made of the pictures and verdicts of a file."""

    def __init__(
        self,
        stack: ExitStack,
        wanted: Wanted,
        video: Path,
        rules: Sequence[RuleSettings],
        analysis: AnalysisSettings,
    ) -> None:
        """``stack``: ends them when it ends."""
        self.wanted = wanted
        self.alerts: list[Alert] = []
        self.made: list[Made] = []
        self._rendering = stack.enter_context(Rendering(wanted.rendering, rules)) if wanted.rendering else None
        self._writer: DossierWriter | None = None
        if wanted.dossiers:
            kinds = rule_kinds()
            writer = DossierWriter(folder=wanted.dossiers, video=video, rules=rules, analysis=analysis, kinds=kinds)
            self._writer = stack.enter_context(writer)

    def add(self, frame: DecodedFrame, verdict: Verdict | None) -> None:
        """The next picture; with a verdict where it was analysed."""
        if self._rendering is not None:
            self._rendering.add(frame, verdict)
        if verdict is not None:
            self.alerts += verdict.alerts
            if self._writer is not None:
                self._writer.add(frame.captured_at, verdict)

    def dossiers(self, origin_s: float) -> Iterator[Made]:
        """Makes them, where they are wanted."""
        for made in self._writer.made(origin_s) if self._writer is not None else ():
            self.made.append(made)
            yield made


class AnalyseCommand:
    """Runs rules over a file, to try them out before a camera gets them."""

    name = "analyse"
    help = "run rules over a video file and list what they raise"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("video", type=Path, metavar="VIDEO", help="any file that FFmpeg reads")
        parser.add_argument("--rules", type=Path, required=True, metavar="FILE", help="YAML with a list 'rules:'")
        add_analysis_options(parser)
        parser.add_argument("--render", type=Path, metavar="OUT.mp4", help="write a video with what was seen and told")
        parser.add_argument(
            "--dossier", type=Path, metavar="DIR", help="write a dossier of each alert into a new folder"
        )
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        rules = load_rules(arguments.rules, rule_kinds())
        if arguments.render is not None:
            _check_rendering(arguments.render, arguments.video)
        wanted = Wanted(rendering=arguments.render, dossiers=arguments.dossier)
        report = analyse_file(arguments.video, rules, analysis_settings(arguments), wanted)
        if arguments.json:
            print_json(report.as_json())
        else:
            _show(report)
        return 1 if report.defects or any(made.differences for made in report.dossiers) else 0


COMMAND = AnalyseCommand()


def _check_rendering(target: Path, video: Path) -> None:
    """Before minutes of work."""
    if target.suffix.lower() != ".mp4" or target.is_dir() or not target.parent.is_dir():
        raise UsageError(f"{target} cannot be written", remedy="Name a file *.mp4 in a folder that exists.")
    if target.exists() and video.exists() and target.samefile(video):
        raise UsageError(f"{target} is the video itself", remedy="Name another file.")


def _dossier(made: Made | None) -> dict[str, Any] | None:
    if made is None:
        return None
    return {"folder": str(made.folder), "sha256": made.sha256, "differences": list(made.differences)}


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
    if report.rendering is not None:
        console.print(f"rendered: {report.rendering}", soft_wrap=True, markup=False)
    for made in report.dossiers:
        verdict = f" does not give the same verdict again: {'; '.join(made.differences)}" if made.differences else ""
        console.print(f"dossier: {made.folder}{verdict}", soft_wrap=True, markup=False)
    for finding in report.findings:
        console.print(f"{finding.subject}: {finding.message}. {finding.remedy}", soft_wrap=True, markup=False)
    if report.corrupt:
        console.print(f"{report.corrupt} damaged packets or pictures were left out")
    if report.defects:
        console.print(f"{report.defects} defects of rules or detectors: see the log")
