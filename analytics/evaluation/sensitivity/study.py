"""``vigie evaluate --sensitivity``: the whole study of one data set, and how it is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from analytics.evaluation.dataset import Dataset
from analytics.evaluation.figures import Figures
from analytics.evaluation.measure import Measurement
from analytics.evaluation.page import table
from analytics.evaluation.sensitivity.judged import judged, score
from analytics.evaluation.sensitivity.left_out import LeftOut, left_out
from analytics.evaluation.sensitivity.outcome import MAX_DROP, Moved, Sensitivity, not_moved, sensitivity
from analytics.evaluation.sensitivity.thresholds import Move, Side

SENSITIVE_COLUMNS = ("type", "threshold", "value", "down", "up", "F1 drop", "holds")
LEFT_OUT_COLUMNS = ("type", "clips", "as it is", "chosen without the clip", "unlucky without the clip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What moving thresholds did."""

    sensitivities: Mapping[str, Sequence[Sensitivity]]
    """By type, the most sensitive first."""
    left_out: Mapping[str, LeftOut]
    """By type; types of a single clip have none."""

    @property
    def holds(self) -> bool:
        """Whether no threshold takes too much of its type's F1 with it."""
        return all(one.holds for of in self.sensitivities.values() for one in of)

    def as_json(self) -> dict[str, Any]:
        """The sections of the document."""
        return {
            "sensitivity": {type_: [one.as_json() for one in of] for type_, of in self.sensitivities.items()},
            "sensitivity_left_out": not_moved(list(self.sensitivities)),
            "leave_one_clip_out": {type_: one.as_json() for type_, one in self.left_out.items()},
        }

    def sensitive_rows(self) -> Iterator[tuple[str, ...]]:
        """A row for each threshold that changes F1 or adds false alarms."""
        for type_, of in self.sensitivities.items():
            for one in of:
                if one.worst_drop > 0.0 or one.more_false_alarms or not one.holds:
                    yield _row(type_, one)

    def left_out_rows(self) -> Iterator[tuple[str, ...]]:
        """A row for each type."""
        for type_, one in self.left_out.items():
            results = (_result(of) for of in (one.plain, one.chosen, one.unlucky))
            yield type_, str(len(one.folds)), *results

    def remarks(self) -> Iterator[str]:
        """What the rows do not tell."""
        for type_, of in self.sensitivities.items():
            unread = sum(not one.clips for one in of)
            calm = sum(bool(one.clips) and not one.worst_drop and not one.more_false_alarms for one in of)
            told = (
                f"{type_}: {len(of)} thresholds moved, {calm} of them without loss, {unread} decide nothing in any clip"
            )
            left_out_ = not_moved([type_])[type_]
            names = ", ".join(f"{entry['threshold']} ({entry['reason']})" for entry in left_out_)
            yield f"{told}; left out: {names or 'none'}"

    def section(self) -> str:
        """The study as HTML."""
        head = "<h2>Each threshold moved by a fifth</h2>"
        note = f"<p class=note>Thresholds that cost F1 or add false alarms; F1 may fall by {MAX_DROP:g}.</p>"
        moved = table(SENSITIVE_COLUMNS, map(_cells, self.sensitive_rows()))
        clips = "<h2>Leave one clip out</h2>" + table(LEFT_OUT_COLUMNS, map(_cells, self.left_out_rows()))
        remarks = "".join(f"<p class=note>{escape(remark)}</p>" for remark in self.remarks())
        return f"{head}{note}{moved}{clips}<details><summary>What was moved, and what not</summary>{remarks}</details>"


def study(dataset: Dataset, measurement: Measurement, moves: Sequence[Move]) -> Study:
    """Judges what came of the moves of a measurement."""
    types = judged(dataset, measurement, moves)
    folds = {one.type: left_out(one) for one in types}
    return Study(
        sensitivities={one.type: sensitivity(one) for one in types},
        left_out={type_: one for type_, one in folds.items() if one is not None},
    )


def _row(type_: str, one: Sensitivity) -> tuple[str, ...]:
    sides = (_side(one.side(which)) for which in Side)
    drop = f"{one.worst_drop:.3f}"
    return type_, one.threshold.full_name, f"{one.threshold.value:g}", *sides, drop, "yes" if one.holds else "NO"


def _side(moved: Moved | None) -> str:
    if moved is None:
        return "-"
    clipped = " (bound)" if moved.move.is_clipped else ""
    failed = f", failed {moved.defects} times" if moved.defects else ""
    return f"{moved.move.value:g}{clipped}: {_result(moved.figures)}{failed}"


def _result(of: Figures) -> str:
    reached = score(of)
    share = "-" if reached is None else f"{reached:.2f}"
    return f"{share}, {of.tp} of {of.intervals}, {of.fp} false"


def _cells(row: Sequence[str]) -> Iterator[str]:
    first, *others = row
    yield f"<th>{escape(first)}</th>"
    yield from (f"<td>{escape(cell)}</td>" for cell in others)
