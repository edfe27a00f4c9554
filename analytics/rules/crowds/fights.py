"""Fights, as far as the detector's model has a class for them: no figure of movement or posture tells one from walkers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from analytics.rules.geometry import contains
from core.types import Polygon, Track

LABELS: Final = frozenset({"fight", "fighting", "brawl", "violence"})
"""What manifests of models call a fight, whatever the case."""


def fights(tracks: Iterable[Track], zone: Polygon) -> Sequence[Track]:
    """Those seen now whose middle is in the zone: a box around people who fight has no feet of its own."""
    return [
        track
        for track in tracks
        if track.is_measured and track.label.casefold() in LABELS and contains(zone, _inside(*track.box.centre))
    ]


def _inside(x: float, y: float) -> tuple[float, float]:
    """Boxes may reach out of the picture."""
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
