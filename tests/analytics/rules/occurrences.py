"""What members of a composition saw, and the composition over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.contracts import Composition
from core.types import Box, Occurrence, Track

BOX = Box(left=0.4, top=0.4, right=0.5, bottom=0.6)


def saw(moment: float, *track_ids: int, began: float | None = None) -> Occurrence:
    """Decided then, about these tracks."""
    tracks = tuple(Track(track_id=number, label="person", score=0.9, box=BOX, first_seen=0.0) for number in track_ids)
    return Occurrence(captured_at=moment, started_at=moment if began is None else began, tracks=tracks)


def shown(composition: Composition, frames: Mapping[float, Mapping[str, Sequence[Occurrence]]]) -> list[Occurrence]:
    """Asks it at each of these moments."""
    return [made for moment, seen in frames.items() for made in composition.update(moment, seen)]


def moments(composition: Composition, *members: tuple[float, str]) -> list[float]:
    """When it fires, if each of these members sees one thing at that time."""
    times = sorted({moment for moment, _ in members})
    frames = {time: {name: [saw(time)] for moment, name in members if moment == time} for time in times}
    return [made.captured_at for made in shown(composition, frames)]
