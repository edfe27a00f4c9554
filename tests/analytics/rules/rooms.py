"""A drawn room with people in it: what rules that look at pixels are tested with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core.contracts import Rule
from core.types import Box, Occurrence, Picture, Tick, Track
from tests.analytics.rules.pictures import Still

WIDTH, HEIGHT = 320, 240
INTERVAL_S = 0.125
_NOISE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One picture of a story: things painted in it, and what the detector and tracker make of them."""

    painted: tuple[tuple[Box, tuple[int, int, int]], ...] = ()
    tracks: tuple[Track, ...] = ()
    light: float = 1.0


def box(left: float, top: float, right: float, bottom: float) -> Box:
    return Box(left=left, top=top, right=right, bottom=bottom)


def person(where: Box, track_id: int = 1, *, score: float = 0.8, first_seen: float = 0.0) -> Track:
    return Track(track_id=track_id, label="person", score=score, box=where, first_seen=first_seen)


def room() -> Picture:
    """A wall, and a floor of planks from y = 0.5 down."""
    picture = np.full((HEIGHT, WIDTH, 3), (190, 195, 200), np.uint8)
    picture[HEIGHT // 2 :] = (150, 120, 90)
    picture[HEIGHT // 2 :: 16] = (120, 95, 70)
    return picture


def watch_room(rule: Rule, story: Iterable[Shown], *, mirrored: bool = False) -> list[Occurrence]:
    """Shows a rule the story, eight pictures a second."""
    noise = np.random.default_rng(1)
    found: list[Occurrence] = []
    for number, shown in enumerate(story):
        picture = room()
        for where, colour in shown.painted:
            rows = slice(round(where.top * HEIGHT), round(where.bottom * HEIGHT))
            picture[rows, round(where.left * WIDTH) : round(where.right * WIDTH)] = colour
        grain = noise.integers(-_NOISE, _NOISE + 1, picture.shape)
        picture = np.clip(picture * shown.light + grain, 0, 255).astype(np.uint8)
        if mirrored:
            picture = np.ascontiguousarray(picture[:, ::-1])
        tracks = _mirrored(shown.tracks) if mirrored else shown.tracks
        found += rule.update(Tick(captured_at=number * INTERVAL_S, tracks=tracks, pixels=Still(picture)))
    return found


def _mirrored(tracks: Sequence[Track]) -> tuple[Track, ...]:
    return tuple(
        Track(
            track_id=track.track_id,
            label=track.label,
            score=track.score,
            first_seen=track.first_seen,
            box=box(1 - track.box.right, track.box.top, 1 - track.box.left, track.box.bottom),
        )
        for track in tracks
    )
