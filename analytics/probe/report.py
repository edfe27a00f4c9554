"""What is told of one camera, as JSON, as a line and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from analytics.probe.figures import Figures
from analytics.probe.texts import Language, label, words_of
from analytics.probe.verdict import Remark, worst
from core.types import HealthLevel

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --ground: #fff; --rule: #d5dae0; --green: #12703a;
  --yellow: #8a5a00; --red: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #9aa5b1; --ground: #14171b; --rule: #39424c;
  --green: #5ad48a; --yellow: #f0b54a; --red: #ff8a80; } }
body { margin: 2rem auto; max-width: 80rem; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--ground); }
h1 { font-size: 1.6rem; } p { color: var(--soft); } .wide { overflow-x: auto; } small { color: var(--soft); }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); }
thead th { white-space: nowrap; } b.green { color: var(--green); } b.yellow { color: var(--yellow); } b.red { color: var(--red); }
ul { margin: 0; padding-left: 1.1rem; } li.red { color: var(--red); }
"""
_COLUMNS = (
    "codec",
    "size",
    "rate",
    "keys",
    "bit_rate",
    "jitter",
    "lost",
    "clock",
    "start",
    "decode",
    "light",
    "person",
)
_ABSENT = "–"  # noqa: RUF001 - the sign for nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraReport:
    """What was found. ``figures`` is None where no stream could be had; ``person_px``: height that people should have."""

    camera_id: str
    name: str
    figures: Figures | None
    remarks: Sequence[Remark]
    person_px: int | None = None

    @property
    def level(self) -> HealthLevel:
        """Its colour."""
        return worst(list(self.remarks))

    def as_json(self, language: Language) -> dict[str, Any]:
        """One entry of ``--json``."""
        told = [(remark, words_of(remark, language)) for remark in self.remarks]
        return {
            "camera": self.camera_id,
            "level": self.level.value,
            "figures": self.figures.as_json() if self.figures else None,
            "person_height_px": self.person_px,
            "findings": [
                {"level": remark.level.value, "code": remark.code, "message": words.message, "remedy": words.remedy}
                for remark, words in told
            ],
        }

    def cells(self) -> dict[str, str]:
        """The figures as text, by column."""
        figures = self.figures
        if figures is None:
            return dict.fromkeys(_COLUMNS, _ABSENT)
        quality = figures.quality
        return {
            "codec": " ".join(filter(None, (figures.codec, figures.profile, "B" if figures.has_b_frames else ""))),
            "size": _size(figures),
            "rate": f"{_text(figures.fps, '.1f')} ({_text(figures.nominal_fps, '.1f')})",
            "keys": _text(figures.key_interval_s, ".1f", " s"),
            "bit_rate": _text(figures.kbit_s, ".0f"),
            "jitter": _text(figures.jitter_ms, ".0f", " ms"),
            "lost": _text(figures.lost_share, ".1%"),
            "clock": _text(figures.clock_offset_s, "+.2f", " s"),
            "start": _text(figures.first_picture_s, ".2f", " s"),
            "decode": _text(figures.decode_ms, ".1f", " ms"),
            "light": f"{quality.light:.0f}, {quality.contrast:.0f}, {quality.sharpness:.0f}, {quality.blockiness:.2f}"
            if quality
            else _ABSENT,
            "person": _text(self.person_px, "d", " px"),
        }


def page(site: str, told: str, reports: Sequence[CameraReport], language: Language) -> str:
    """A whole document that loads nothing. ``told``: when and how it was made."""
    title = f"{label('title', language)} · {site}"
    heads = [label(name, language) for name in ("camera", "verdict", "what", *_COLUMNS)]
    rows = "".join(_row(report, language) for report in reports)
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style>"
    )
    table = f"<table><thead><tr>{''.join(f'<th>{escape(text)}</th>' for text in heads)}</tr></thead><tbody>{rows}</tbody></table>"
    body = f'<h1>{escape(title)}</h1><p>{escape(told)}</p><div class="wide">{table}</div>'
    return f'<!doctype html>\n<html lang="{language}"><head>{head}</head><body>{body}</body></html>\n'


def _row(report: CameraReport, language: Language) -> str:
    level = report.level.value
    told = [(remark.level.value, words_of(remark, language)) for remark in report.remarks]
    items = "".join(
        f'<li class="{colour}">{escape(words.message)}<br><small>{escape(words.remedy)}</small></li>'
        for colour, words in told
    )
    what = f"<ul>{items}</ul>" if items else escape(label("nothing", language))
    figures = "".join(f"<td>{escape(text)}</td>" for text in report.cells().values())
    name = f"{escape(report.name)}<br><small>{escape(report.camera_id)}</small>"
    return f'<tr><th>{name}</th><td><b class="{level}">{escape(label(level, language))}</b></td><td>{what}</td>{figures}</tr>'


def _size(figures: Figures) -> str:
    coded = f"{figures.width} x {figures.height}"
    is_square = (figures.width, figures.height) == (figures.shown_width, figures.shown_height)
    return coded if is_square else f"{coded} ({figures.shown_width} x {figures.shown_height})"


def _text(value: float | None, form: str, unit: str = "") -> str:
    return _ABSENT if value is None else f"{value:{form}}{unit}"
