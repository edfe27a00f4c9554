"""A drawn place with people and things: pictures, and the tracks that a tracker would report of the people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Box, Picture, Tick, Track
from tests.analytics.rules.pictures import Still

WIDE, HIGH = 320, 180
TALL, SLIM = 0.4, 0.09
FPS = 8
Ground = tuple[float, float]
Way = Callable[[float], Ground | None]
"""Where somebody stands at a time; None while he is not in the picture."""


def texture(seed: int, wide: int, high: int, tone: tuple[int, int, int], contrast: float = 26.0) -> Picture:
    """A surface with a pattern of its own."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(0.0, 1.0, (high, wide)), (0, 0), 2.0)
    pattern = noise / max(float(noise.std()), 1e-6) * contrast
    return np.asarray(np.clip(np.array(tone) + pattern[..., None], 0, 255), np.uint8)


def way(*stops: tuple[float, Ground]) -> Way:
    """Straight from stop to stop; not there before the first and after the last."""
    times = [at for at, _ in stops]

    def place(at: float) -> Ground | None:
        if not times[0] <= at <= times[-1]:
            return None
        return float(np.interp(at, times, [x for _, (x, _) in stops])), float(
            np.interp(at, times, [y for _, (_, y) in stops])
        )

    return place


@dataclass
class Person:
    """Somebody, and when the detector finds him."""

    way: Way
    track_id: int = 1
    tall: float = TALL
    is_found: Callable[[float], bool] = lambda _at: True
    label: str = "person"
    slim: float = SLIM
    tone: tuple[int, int, int] = (60, 70, 130)

    def box(self, at: float) -> Box | None:
        place = self.way(at)
        if place is None:
            return None
        x, y = place
        left, right = max(x - self.slim / 2, 0.0), min(x + self.slim / 2, 1.0)
        return Box(left=left, top=max(y - self.tall, 0.0), right=right, bottom=min(y, 1.0)) if right > left else None


@dataclass
class Thing:
    """A rectangle that is there for some time."""

    begin: float
    end: float = 1e9
    box: Box = field(default_factory=lambda: Box(left=0.535, top=0.66, right=0.58, bottom=0.75))
    tone: tuple[int, int, int] = (150, 40, 40)


@dataclass
class Scene:
    """What happens; later people stand in front."""

    people: list[Person] = field(default_factory=list)
    things: list[Thing] = field(default_factory=list)
    light: Callable[[float, NDArray[np.float32]], NDArray[np.float32]] = lambda _at, picture: picture
    shake: float = 0.0

    def ticks(self, seconds: float) -> Iterator[Tick]:
        """So many seconds of it."""
        noise = np.random.default_rng(5)
        ground = texture(1, WIDE, HIGH, (125, 120, 112))
        for step in range(round(seconds * FPS)):
            at = step / FPS
            picture = self._drawn(ground.copy(), at)
            lit = self.light(at, picture.astype(np.float32)) + noise.normal(0.0, 2.0, picture.shape)
            if self.shake:
                dx, dy = noise.uniform(-self.shake, self.shake, 2)
                shift = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
                lit = np.asarray(cv2.warpAffine(lit, shift, (WIDE, HIGH), borderMode=cv2.BORDER_REPLICATE), np.float64)
            shown = Still(np.clip(lit, 0, 255).astype(np.uint8))
            yield Tick(captured_at=1000.0 + at, tracks=tuple(self._tracks(at)), pixels=shown)

    def _drawn(self, picture: Picture, at: float) -> Picture:
        for number, thing in enumerate(self.things):
            if thing.begin <= at < thing.end:
                _fill(picture, thing.box, 100 + number, thing.tone)
        for number, one in enumerate(self.people):
            box = one.box(at)
            if box is not None:
                _fill(picture, box, 200 + number, one.tone)
        return picture

    def _tracks(self, at: float) -> Iterator[Track]:
        for one in self.people:
            box = one.box(at)
            if box is not None and one.is_found(at):
                yield Track(track_id=one.track_id, label=one.label, score=0.8, box=box, first_seen=1000.0)


def _fill(picture: Picture, box: Box, seed: int, tone: tuple[int, int, int]) -> None:
    left, right = round(box.left * WIDE), round(box.right * WIDE)
    top, bottom = round(box.top * HIGH), round(box.bottom * HIGH)
    if right > left and bottom > top:
        picture[top:bottom, left:right] = texture(seed, right - left, bottom - top, tone, 14.0)
