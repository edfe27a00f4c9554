"""``vigie evaluate DATASET.yaml``: measures the rules on clips whose events a person wrote down."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from analytics.commands.options import add_analysis_options, analysis_settings, rule_kinds
from analytics.evaluation.alterations import ALTERATIONS, Alteration, altered
from analytics.evaluation.clip import ClipRun
from analytics.evaluation.compare import AlertChange, Comparison, TypeChange, compare
from analytics.evaluation.dataset import Dataset, load_dataset
from analytics.evaluation.document import as_json, counting, read_document
from analytics.evaluation.figures import Figures, by_type, figures, measured
from analytics.evaluation.measure import Measurement, measure
from analytics.evaluation.report import report
from analytics.evaluation.results import Evaluation
from analytics.evaluation.robustness import Held, held
from analytics.evaluation.sensitivity.outcome import all_moves, movable
from analytics.evaluation.sensitivity.study import LEFT_OUT_COLUMNS, SENSITIVE_COLUMNS, Study, study
from analytics.evaluation.sensitivity.thresholds import Move
from analytics.evaluation.timeline import WORDS
from core.cli.output import add_json_flag, print_json, print_table, remarks
from core.errors import UsageError

_TOLD_DROP = 0.005
"""Smaller changes of F1 are not told."""

_COLUMNS = (
    "type", "events", "found", "missed", "false", "repeats", "precision", "recall", "F1",
    "false/h", "camera-min", "delay p50", "delay p95",
)  # fmt: skip


class EvaluateCommand:
    """Measures every rule of a data set that is installed, and says which are not."""

    name = "evaluate"
    help = "measure the rules on a data set of annotated clips"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("dataset", type=Path, metavar="DATASET.yaml", help="clips, rules and truth")
        add_analysis_options(parser)
        parser.add_argument("--types", type=_names, default=[], metavar="A,B", help="only these rule types")
        parser.add_argument("--clips", type=_names, default=[], metavar="A,B", help="only these clips")
        parser.add_argument("--skip-missing", action="store_true", help="leave clips out whose video is absent")
        parser.add_argument("--workers", type=_workers, default=1, metavar="N", help="processes (default: %(default)s)")
        parser.add_argument("--html", type=Path, metavar="FILE", help="write a report with timelines and stills")
        parser.add_argument(
            "--compare",
            type=Path,
            metavar="OLD.json",
            help="say what changed since this earlier --json output; exit 1 if a type got worse",
        )
        parser.add_argument(
            "--perturb",
            type=_alterations,
            nargs="?",
            const=tuple(ALTERATIONS.values()),
            default=(),
            metavar="A,B",
            help=f"measure altered clips too; exit 1 where figures do not hold (all: {', '.join(ALTERATIONS)})",
        )
        parser.add_argument(
            "--sensitivity",
            action="store_true",
            help="move each threshold by 20 %% too, and leave each clip out once; exit 1 if an F1 falls by more than"
            " 0.10. Detects once, but runs each rule some 20 to 150 times: minutes with --types of tracks, an hour for"
            " all; rules that look at pictures take some 5 MB for each of 96 trials at once",
        )
        add_json_flag(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        started = time.monotonic()
        if arguments.html is not None and (arguments.html.is_dir() or not arguments.html.parent.is_dir()):
            raise UsageError(f"{arguments.html} cannot be written", remedy="Name a file in a folder that exists.")
        earlier = read_document(arguments.compare) if arguments.compare else None
        dataset = _selected(load_dataset(arguments.dataset, rule_kinds()), arguments)
        moves = all_moves(movable(dataset)) if arguments.sensitivity else []
        measurement = _measured(dataset, arguments, moves)
        studied = study(dataset, measurement, moves) if arguments.sensitivity else None
        evaluation = measurement.evaluation
        comparison = compare(earlier, evaluation) if earlier else None
        if arguments.html:
            _write(arguments.html, report(measurement, [] if studied is None else [studied.section()]))
        holds = [_held(dataset, alteration, arguments, evaluation) for alteration in arguments.perturb]
        found = _Found(evaluation=evaluation, comparison=comparison, holds=holds, study=studied)
        if arguments.json:
            cost = _cost(measurement, time.monotonic() - started, arguments.workers)
            print_json({**found.as_json(), "cost": cost})
        else:
            found.show()
        return 1 if found.is_finding else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """All that was asked for, and came out."""

    evaluation: Evaluation
    comparison: Comparison | None
    holds: Sequence[Held]
    study: Study | None

    @property
    def is_finding(self) -> bool:
        """Whether something is wrong, or does not hold."""
        is_worse = self.comparison is not None and self.comparison.is_worse
        is_sensitive = self.study is not None and not self.study.holds
        return bool(self.evaluation.defects) or is_worse or is_sensitive or not all(one.holds for one in self.holds)

    def as_json(self) -> dict[str, Any]:
        """The document, but for what it cost."""
        return {
            **as_json(self.evaluation),
            **({} if self.comparison is None else {"compare": self.comparison.as_json()}),
            **({"perturb": [one.as_json() for one in self.holds]} if self.holds else {}),
            **({} if self.study is None else self.study.as_json()),
        }

    def show(self) -> None:
        """Tells people."""
        _show(self.evaluation)
        if self.comparison is not None:
            _show_comparison(self.comparison)
        if self.holds:
            _show_held(self.holds)
        if self.study is not None:
            _show_study(self.study)


COMMAND = EvaluateCommand()


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _workers(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)


def _alterations(text: str) -> tuple[Alteration, ...]:
    unknown = [name for name in _names(text) if name not in ALTERATIONS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no alteration is called {', '.join(unknown)}; known: {', '.join(ALTERATIONS)}"
        )
    return tuple(ALTERATIONS[name] for name in _names(text))


def _selected(dataset: Dataset, arguments: argparse.Namespace) -> Dataset:
    clips = [clip.id for clip in dataset.clips]
    for chosen, known, noun in ((arguments.types, dataset.types, "rule type"), (arguments.clips, clips, "clip")):
        unknown = [name for name in chosen if name not in known]
        if unknown:
            raise UsageError(f"the data set has no {noun} {', '.join(unknown)}", remedy=f"It has: {', '.join(known)}.")
    selected = dataset.selected(types=arguments.types, clips=arguments.clips)
    if not selected.clips:
        raise UsageError("no clip selected has a rule of the types selected", remedy="Select more of them.")
    return selected


def _measured(dataset: Dataset, arguments: argparse.Namespace, moves: Sequence[Move] = ()) -> Measurement:
    with _progress(len(dataset.measurable)) as done:
        return measure(
            dataset,
            analysis_settings(arguments),
            workers=arguments.workers,
            skip_missing=arguments.skip_missing,
            wants_stills=arguments.html is not None,
            done=done,
            moves=moves,
        )


def _held(dataset: Dataset, alteration: Alteration, arguments: argparse.Namespace, plain: Evaluation) -> Held:
    """Measures the altered set; its clips live no longer than that."""
    with TemporaryDirectory(prefix="vigie-altered-") as folder:
        remarks().print(f"{alteration.name}: {alteration.what}", soft_wrap=True)
        changed = altered(dataset, alteration, Path(folder))
        return held(alteration.name, plain, _measured(changed, arguments).evaluation)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[ClipRun], None]]:
    """A bar on a terminal, elsewhere a line for each clip."""
    console = remarks()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("clips", total=total)

        def done(run: ClipRun) -> None:
            progress.update(task, advance=1, description=run.clip)
            if not console.is_terminal:
                console.print(
                    f"{run.clip}: {len(run.alerts)} alerts in {run.duration_s:.1f} s of video, {run.wall_s:.1f} s",
                    soft_wrap=True,
                )

        yield done


def _cost(measurement: Measurement, wall_s: float, workers: int) -> dict[str, Any]:
    """How long it took: the only part of the document that differs from run to run."""
    runs = measurement.runs.values()
    return {
        "wall_s": round(wall_s, 3),
        "cpu_s": round(sum(run.cpu_s for run in runs), 3),
        "workers": workers,
        "clips": {name: {"wall_s": round(run.wall_s, 3)} for name, run in sorted(measurement.runs.items())},
    }


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", remedy="Check the path.") from error


def _show(evaluation: Evaluation) -> None:
    of = list(measured(evaluation.clips))
    rows = [_row(name, one) for name, one in {**by_type(of), "all types": figures(of)}.items()]
    print_table(_COLUMNS, rows)
    console = remarks()
    for one in counting(evaluation.clips):
        relative = "" if one["relative_error"] is None else f" ({one['relative_error']:.1%} of the total)"
        console.print(f"{one['clip']} / {one['rule']}: counted {one['counted']}, expected {one['expected']}{relative}")
    for name, absent in evaluation.not_installed.items():
        console.print(f"not installed: {name} ({absent.rules} rules, {absent.intervals} events were not measured)")
    if evaluation.skipped:
        console.print(f"video absent, not measured: {', '.join(evaluation.skipped)}", soft_wrap=True)
    if evaluation.defects:
        console.print(f"{evaluation.defects} defects of rules or detectors: see the log")


def _row(name: str, of: Figures) -> tuple[str, ...]:
    counts = (of.intervals, of.tp, of.fn, of.fp, of.repeats)
    shares = (of.precision, of.recall, of.f1)
    return (
        name,
        *map(str, counts),
        *(_number(share, 3) for share in shares),
        _number(of.false_alarms_per_camera_hour, 2),
        f"{of.camera_s / 60:.1f}",
        *(_number(delay, 2) for delay in (of.delay_p50_s, of.delay_p95_s)),
    )


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _show_comparison(comparison: Comparison) -> None:
    console = remarks()
    lines = [
        *(f"{name}: {old} before, {new} now" for name, (old, new) in comparison.settings.items()),
        *_key_lines("not comparable, only before or defined otherwise now", comparison.only_before),
        *_key_lines("not comparable, new or defined otherwise before", comparison.only_after),
        *(_type_line(change) for change in comparison.types if change.is_change),
        *(_type_line(change) for change in comparison.clips),
        *(_alert_line(change) for change in comparison.alerts),
        *(
            f"{change.clip} / {change.rule}: miscounted by {change.before} before, by {change.after} now"
            for change in comparison.counts
        ),
        *(f"WORSE {name}: measured before, not installed now" for name in comparison.unmeasured),
    ]
    for line in lines or ["nothing changed"]:
        console.print(line, soft_wrap=True, markup=False)
    console.print("worse than before" if comparison.is_worse else "not worse than before")


def _show_held(holds: Sequence[Held]) -> None:
    rows = [
        (
            one.name,
            f"{one.mean_drop:+.3f}",
            ", ".join(f"{name} {drop:+.2f}" for name, drop in one.drops.items() if abs(drop) >= _TOLD_DROP) or "-",
            ", ".join(one.doubled) or "-",
            "yes" if one.holds else "NO",
        )
        for one in holds
    ]
    print_table(("alteration", "mean F1 drop", "by type", "false alarms doubled", "holds"), rows)


def _show_study(studied: Study) -> None:
    print_table(SENSITIVE_COLUMNS, list(studied.sensitive_rows()))
    print_table(LEFT_OUT_COLUMNS, list(studied.left_out_rows()))
    for remark in studied.remarks():
        remarks().print(remark, soft_wrap=True, markup=False)


def _key_lines(text: str, keys: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{text}: {', '.join(f'{clip} / {rule}' for clip, rule in keys)}"] if keys else []


def _type_line(change: TypeChange) -> str:
    old, new = change.before, change.after
    place = change.type if change.clip is None else f"{change.clip}, {change.type}"
    counts = ((old.tp, new.tp, "found"), (old.fn, new.fn, "missed"), (old.fp, new.fp, "false"))
    told = ", ".join(
        f"{word} {before} → {after}" for before, after, word in (*counts, (old.repeats, new.repeats, "repeats"))
    )
    worse = "WORSE " if change.is_worse else ""
    return f"{worse}{place}: F1 {_number(old.f1, 3)} → {_number(new.f1, 3)}; {told}"


def _alert_line(change: AlertChange) -> str:
    verb = "gained" if change.is_gained else "lost"
    return f"{verb} {WORDS[change.outcome]}: {change.clip} / {change.rule} ({change.type}) at {change.time_s:g} s"
