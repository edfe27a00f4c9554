"""One clip as a picture over time: events, alerts and misses of every rule, as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from analytics.evaluation.results import AlertResult, ClipResult, IntervalResult, RuleResult
from analytics.evaluation.scoring import Outcome

_WIDTH = 1000
_LABELS = 230
"""Width of the column of names."""
_RIGHT = 12
_ROW = 20
_AXIS = 22
_BAR = 10
_STEPS_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
_MOST_TICKS = 12

_SHAPES = {
    Outcome.TRUE_POSITIVE: "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
    Outcome.REPEAT: "M0 -5l5 5l-5 5l-5 -5z",
    Outcome.FALSE_POSITIVE: "M-4.5 -4.5l9 9m0 -9l-9 9",
    Outcome.IGNORED: "M0 -5v10",
}
"""Told apart without colour: disc, diamond, cross, bar; around the origin."""

WORDS = {
    Outcome.TRUE_POSITIVE: "true positive",
    Outcome.REPEAT: "repeat",
    Outcome.FALSE_POSITIVE: "false alarm",
    Outcome.IGNORED: "not judged (truth incomplete)",
}
"""What readers call the outcomes."""


def timeline(clip: ClipResult) -> str:
    """An ``<svg>`` whose colours come from the page's style sheet (classes ``found``, ``missed``, ``tp``, ``fp`` …)."""
    rules = [rule for rule in clip.rules if rule.counts is None]
    height = _AXIS + _ROW * len(rules) + 4
    parts = [*_axis(clip.duration_s, height)]
    for row, rule in enumerate(rules):
        parts += _row(rule, _AXIS + _ROW * row + _ROW / 2, clip.duration_s)
    title = f"Timeline of {escape(clip.clip)}"
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{title}">{"".join(parts)}</svg>'


def _x(time_s: float, duration_s: float) -> float:
    share = min(max(time_s / duration_s, 0.0), 1.0) if duration_s else 0.0
    return round(_LABELS + share * (_WIDTH - _LABELS - _RIGHT), 1)


def _axis(duration_s: float, height: int) -> Iterator[str]:
    step = next((step for step in _STEPS_S if duration_s / step <= _MOST_TICKS), duration_s)
    tick = 0
    while tick * step <= duration_s:
        x = _x(tick * step, duration_s)
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{_AXIS - 4}" y2="{height}"/>'
        yield f'<text class="tick" x="{x}" y="{_AXIS - 8}">{tick * step:g} s</text>'
        tick += 1
        if not step:
            break


def _row(rule: RuleResult, y: float, duration_s: float) -> Iterator[str]:
    name = f"{escape(rule.rule)} · {escape(rule.type)}"
    yield f'<text class="rule" x="{_LABELS - 8}" y="{y + 4}">{name}</text>'
    yield f'<line class="base" x1="{_LABELS}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
    yield from (_interval(interval, y, duration_s) for interval in rule.intervals)
    yield from (_alert(alert, y, duration_s) for alert in rule.alerts)


def _interval(interval: IntervalResult, y: float, duration_s: float) -> str:
    left, right = _x(interval.start_s, duration_s), _x(interval.end_s, duration_s)
    kind = "missed" if interval.found_s is None else "found"
    text = f"event {interval.start_s:g} to {interval.end_s:g} s, {kind}"
    return (
        f'<rect class="{kind}" x="{left}" y="{y - _BAR / 2}" width="{max(right - left, 2.0):.1f}" height="{_BAR}">'
        f"<title>{text}</title></rect>"
    )


def _alert(alert: AlertResult, y: float, duration_s: float) -> str:
    x = _x(alert.time_s, duration_s)
    text = f"{WORDS[alert.outcome]} at {alert.time_s:g} s"
    late = "" if alert.delay_s is None else f", {alert.delay_s:+.2f} s"
    place = f'transform="translate({x} {y})"'
    return f'<path class="{alert.outcome}" {place} d="{_SHAPES[alert.outcome]}"><title>{text}{late}</title></path>'
