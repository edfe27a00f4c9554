"""Objects that walk: what a tracker would report of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.contracts import Rule
from core.types import Box, Occurrence, Point, Tick, Track

WIDTH, HEIGHT = 0.05, 0.2


def at(
    point: Point,
    *,
    track_id: int = 1,
    label: str = "person",
    width: float = WIDTH,
    height: float = HEIGHT,
    is_measured: bool = True,
) -> Track:
    """A track whose ground point is there."""
    x, y = point
    box = Box(left=x - width / 2, top=y - height, right=x + width / 2, bottom=y)
    return Track(track_id=track_id, label=label, score=0.9, box=box, first_seen=0.0, is_measured=is_measured)


def between(start: Point, end: Point, steps: int) -> list[Point]:
    """``steps`` + 1 places on the straight way."""
    shares = [step / steps for step in range(steps + 1)]
    return [(start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])) for share in shares]


def watch(
    rule: Rule, frames: Iterable[Sequence[Track]], *, start: float = 0.0, interval_s: float = 0.1
) -> list[Occurrence]:
    """Shows a rule one frame after the other."""
    found: list[Occurrence] = []
    for number, tracks in enumerate(frames):
        found += rule.update(Tick(captured_at=start + number * interval_s, tracks=tuple(tracks)))
    return found


def walk(rule: Rule, places: Iterable[Point], *, start: float = 0.0, interval_s: float = 0.1) -> list[Occurrence]:
    """One object goes from place to place."""
    return watch(rule, ([at(place)] for place in places), start=start, interval_s=interval_s)
