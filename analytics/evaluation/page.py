"""The frame of the report: style sheet for light and dark, and a policy that forbids loading anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --ground: #ffffff; --panel: #f3f5f7;
  --rule: #d5dae0; --found: #a9bfdc; --missed: #b3261e; --tp: #12703a; --repeat: #9a6200; --fp: #c01c28; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #9aa5b1; --ground: #14171b; --panel: #1e2329;
  --rule: #39424c; --found: #47648d; --missed: #ff8a80; --tp: #5ad48a; --repeat: #f0b54a; --fp: #ff6b6b; } }
body { margin: 2rem auto; max-width: 88rem; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--ground); }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.2rem; font-size: 1.25rem; } h3 { font-size: 1.05rem; margin: 0 0 .4rem; }
small, .note, figcaption { color: var(--soft); font-weight: normal; } .note { font-size: .85rem; }
.warning { color: var(--fp); font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .84rem; }
th, td { padding: .25rem .45rem; text-align: right; border-bottom: 1px solid var(--rule); }
td { white-space: nowrap; } th:first-child { text-align: left; white-space: nowrap; } thead th { vertical-align: bottom; }
section { background: var(--panel); border-radius: .5rem; padding: .9rem 1rem; margin: 1rem 0; }
svg { display: block; width: 100%; min-width: 40rem; } svg.mark { display: inline; width: 14px; min-width: 0; }
svg text { font: 11px system-ui, sans-serif; fill: var(--ink); } text.rule { text-anchor: end; }
svg text.tick { fill: var(--soft); text-anchor: middle; }
line.grid { stroke: var(--rule); stroke-width: .6; } line.base { stroke: var(--rule); }
rect.found, path.found { fill: var(--found); }
rect.missed, path.missed { fill: none; stroke: var(--missed); stroke-width: 1.6; stroke-dasharray: 3 2; }
path.tp { fill: var(--tp); } path.repeat { fill: var(--repeat); }
path.fp { fill: none; stroke: var(--fp); stroke-width: 2.4; }
path.ignored { fill: none; stroke: var(--soft); stroke-width: 2; }
.legend span { margin-right: 1.4rem; white-space: nowrap; }
.stills { display: flex; flex-wrap: wrap; gap: .8rem; margin: .8rem 0; }
figure { margin: 0; max-width: 20rem; border-left: 4px solid var(--fp); padding-left: .5rem; }
figure.missed { border-left-style: dashed; border-left-color: var(--missed); }
img { display: block; max-width: 100%; height: auto; } figcaption { font-size: .82rem; }
"""


def page(title: str, sections: Iterable[str]) -> str:
    """A whole document; ``title`` is text, sections are HTML."""
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    )
    body = f"<h1>{escape(title)}</h1>{''.join(sections)}"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def table(head: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """A table that scrolls sideways; ``head`` is text, cells are whole HTML elements."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f"<div class=wide><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
