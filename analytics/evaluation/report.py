"""The evaluation as one HTML page that needs nothing else: no script, no font, no picture from outside."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from analytics.evaluation.clip import ClipRun
from analytics.evaluation.document import counting
from analytics.evaluation.figures import ENOUGH_INTERVALS, Figures, by_condition, by_type, figures, measured
from analytics.evaluation.measure import Measurement, alerts_of
from analytics.evaluation.page import page, table
from analytics.evaluation.results import ClipResult, Evaluation, RuleResult
from analytics.evaluation.scoring import Outcome
from analytics.evaluation.timeline import timeline
from core.statistics import Range

_COLUMNS = (
    "events",
    "found",
    "missed",
    "false alarms",
    "repeats",
    "precision",
    "recall",
    "F1",
    "false alarms / camera-hour",
    "camera-minutes",
    "delay p50",
    "delay p95",
)
_NONE = "&ndash;"
_LEGEND = (
    ("tp", "M2 8a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z", "found"),
    ("repeat", "M7 3l5 5l-5 5l-5 -5z", "repeat"),
    ("fp", "M2 3l10 10m0 -10l-10 10", "false alarm"),
    ("ignored", "M7 3v10", "not judged: the truth is incomplete"),
    ("found", "M0 4h14v8h-14z", "event, found"),
    ("missed", "M0 4h14v8h-14z", "event, missed"),
)


def report(measurement: Measurement, further: Sequence[str] = ()) -> str:
    """The page. The same measurement gives the same page. ``further``: sections that stand before the clips."""
    evaluation = measurement.evaluation
    sections = [
        _head(evaluation),
        "<h2>Per event type</h2>",
        _figures_table("type", _types_with_total(evaluation)),
        _not_installed(evaluation),
        _counting(evaluation),
        _conditions(evaluation),
        *further,
        "<h2>Clips</h2>",
        _legend(),
        *(_clip(clip, measurement.runs[clip.clip]) for clip in evaluation.clips),
    ]
    return page(f"Evaluation of {evaluation.measured.dataset}", sections)


def _model(name: str, sha256: str | None) -> str:
    return f"<b>{escape(name)}</b>" + (f" ({sha256[:12]})" if sha256 else "")


def _head(evaluation: Evaluation) -> str:
    of = evaluation.measured
    facts = [
        f"detector {_model(of.detector, of.model_sha256)}",
        *([f"density maps {_model(of.density_model, of.density_model_sha256)}"] if of.density_model else []),
        f"at most {of.fps:g} pictures per second",
        f"minimum confidence {of.min_confidence:g}",
        f"alerts may be {of.max_delay_s:g} s late, {of.early_tolerance_s:g} s outside",
        f"data set {of.dataset_sha256[:12]}",
        f"Vigie {escape(evaluation.vigie)}",
    ]
    remarks = [f"<p>{' · '.join(facts)}</p>"]
    if evaluation.skipped:
        skipped = ", ".join(map(escape, evaluation.skipped))
        remarks.append(f'<p class="warning">Not measured, the video is absent: {skipped}</p>')
    if evaluation.defects:
        remarks.append(f'<p class="warning">{evaluation.defects} defects of rules or detectors: see the log</p>')
    return "".join(remarks)


def _types_with_total(evaluation: Evaluation) -> dict[str, Figures]:
    of = list(measured(evaluation.clips))
    return {**by_type(of), "all types": figures(of)}


def _figures_table(noun: str, rows: Mapping[str, Figures]) -> str:
    body = [[f"<th>{escape(name)}</th>", *_cells(of)] for name, of in rows.items()]
    note = "<p class=note>In brackets: 95 % interval (Wilson). &ndash;: nothing can be said.</p>"
    return table((noun, *_COLUMNS), body) + note


def _cells(of: Figures) -> Iterator[str]:
    yield from (f"<td>{count}</td>" for count in (of.intervals, of.tp, of.fn, of.fp, of.repeats))
    shares = ((of.precision, of.precision_range), (of.recall, of.recall_range), (of.f1, of.f1_range))
    yield from (f"<td>{_share(value, bounds)}</td>" for value, bounds in shares)
    yield f"<td>{_number(of.false_alarms_per_camera_hour, 1)}</td>"
    yield f"<td>{of.camera_s / 60:.1f}</td>"
    yield from (f"<td>{_number(delay, 2, ' s')}</td>" for delay in (of.delay_p50_s, of.delay_p95_s))


def _share(value: float | None, bounds: Range | None) -> str:
    if value is None:
        return _NONE
    around = "" if bounds is None else f" <small>[{bounds.low:.2f}, {bounds.high:.2f}]</small>"
    return f"{value:.2f}{around}"


def _number(value: float | None, digits: int, unit: str = "") -> str:
    return _NONE if value is None else f"{value:.{digits}f}{unit}"


def _not_installed(evaluation: Evaluation) -> str:
    if not evaluation.not_installed:
        return ""
    rows = (
        (f"<th>{escape(name)}</th>", f"<td>{one.rules}</td>", f"<td>{one.intervals}</td>")
        for name, one in evaluation.not_installed.items()
    )
    return "<h2>Not installed, not measured</h2>" + table(("type", "rules", "events"), rows)


def _counting(evaluation: Evaluation) -> str:
    rows = [
        (
            f"<th>{escape(one['clip'])} / {escape(one['rule'])}</th>",
            *(f"<td>{_totals(one[key])}</td>" for key in ("expected", "counted", "absolute_error")),
            f"<td>{_NONE if one['relative_error'] is None else format(one['relative_error'], '.1%')}</td>",
        )
        for one in counting(evaluation.clips)
    ]
    columns = ("rule", "expected", "counted", "error", "error of the total")
    return "<h2>Counting</h2>" + table(columns, rows) if rows else ""


def _totals(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{escape(name)} {count}" for name, count in sorted(counts.items()))


def _conditions(evaluation: Evaluation) -> str:
    rows = {
        f"{condition} · {type_}": of
        for condition, types in by_condition(evaluation.clips).items()
        for type_, of in types.items()
    }
    if not rows:
        return ""
    return f"<h2>Per condition, of {ENOUGH_INTERVALS} events or more</h2>" + _figures_table("condition", rows)


def _legend() -> str:
    marks = (
        f'<span><svg class=mark viewBox="0 0 14 16"><path class="{kind}" d="{shape}"/></svg> {text}</span>'
        for kind, shape, text in _LEGEND
    )
    return f"<p class=legend>{''.join(marks)}</p>"


def _clip(clip: ClipResult, run: ClipRun) -> str:
    facts = f"{', '.join(map(escape, clip.conditions))} · {clip.duration_s:.1f} s"
    head = f"<section><h3>{escape(clip.clip)} <small>{facts}</small></h3>"
    types = by_type(measured([clip]))
    figures_ = _figures_table("type", types) if types else ""
    stills = "".join(_stills(clip, run))
    pictures = f"<div class=stills>{stills}</div>" if stills else ""
    return f"{head}<div class=wide>{timeline(clip)}</div>{pictures}<details><summary>Figures</summary>{figures_}</details></section>"


def _stills(clip: ClipResult, run: ClipRun) -> Iterator[str]:
    """Every false alarm and every miss, rule by rule."""
    for rule in clip.rules:
        yield from _false_alarms(rule, run)
        for index, interval in enumerate(rule.intervals):
            if interval.found_s is None:
                text = f"missed: {rule.rule} ({rule.type}), {interval.start_s:g} to {interval.end_s:g} s"
                yield _figure("missed", run.middles.get((rule.rule, index), b""), text)


def _false_alarms(rule: RuleResult, run: ClipRun) -> Iterator[str]:
    for alert, raised in zip(rule.alerts, alerts_of(run, rule.rule), strict=False):
        if alert.outcome is Outcome.FALSE_POSITIVE:
            text = f"false alarm: {rule.rule} ({rule.type}) at {alert.time_s:g} s"
            yield _figure("fp", raised.still, f"{text}, {alert.label}" if alert.label else text)


def _figure(kind: str, jpeg: bytes, text: str) -> str:
    picture = ""
    if jpeg:
        data = base64.b64encode(jpeg).decode("ascii")
        picture = f'<img alt="" src="data:image/jpeg;base64,{data}">'
    return f'<figure class="{kind}">{picture}<figcaption>{escape(text)}</figcaption></figure>'
