"""Pictures of fires, and of what is taken for fire, painted: no clip was looked at to make them.

Every scene is a function of time that gives a picture of 320 x 180; ``shown`` runs one at 8 pictures a second with the noise
of a camera.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.contracts import Rule
from core.types import Occurrence, Tick, Track
from tests.analytics.rules.pictures import Still

WIDTH, HEIGHT = 320, 180
FPS = 8.0
NOISE = 2.5

Canvas = NDArray[np.float32]
Scene = Callable[[int, float], Canvas]
"""The picture of that number and time: height x width x RGB, 0 to 255 and beyond."""


def shown(scene: Scene, *, seconds: float = 9.5, fps: float = FPS, noise: float = NOISE) -> Iterator[Tick]:
    """The scene as a camera sees it."""
    dice = np.random.default_rng(5)
    grains = dice.normal(0.0, noise, (5, HEIGHT, WIDTH, 3)).astype(np.float32)
    for number in range(round(seconds * fps)):
        picture = np.clip(scene(number, number / fps) + grains[number % 5], 0.0, 255.0).astype(np.uint8)
        yield Tick(captured_at=number / fps, tracks=(), pixels=Still(picture))


def watched(rule: Rule, ticks: Iterator[Tick], tracks: Sequence[Track] = ()) -> list[Occurrence]:
    """What the rule says of it, with the same tracks in every picture."""
    return [
        occurrence
        for tick in ticks
        for occurrence in rule.update(Tick(captured_at=tick.captured_at, tracks=tuple(tracks), pixels=tick.pixels))
    ]


def room(level: float = 90.0, *, warmth: float = 0.0, seed: int = 1) -> Canvas:
    """A scene at rest: walls and things of all sizes, a white window."""
    dice = np.random.default_rng(seed)
    grey = np.full((HEIGHT, WIDTH), level, np.float32)
    for _ in range(60):
        x, y = int(dice.integers(0, WIDTH - 20)), int(dice.integers(0, HEIGHT - 20))
        w, h = (int(value) for value in dice.integers(6, 50, 2))
        grey[y : y + h, x : x + w] = level * dice.uniform(0.5, 1.5)
    grey += cv2.resize(dice.normal(0.0, 9.0, (HEIGHT // 2, WIDTH // 2)).astype(np.float32), (WIDTH, HEIGHT))
    canvas = np.stack([grey * (1 + warmth), grey, grey * (1 - warmth)], axis=2)
    canvas[10:40, 270:310] = 235.0
    return canvas.astype(np.float32)


class Burning:
    """A fire: heat rises from a bed of embers, torn and cooled at random, and glows as hot soot does."""

    def __init__(
        self, x: int, y: int, width: int, *, from_s: float = 2.0, seed: int = 3, ground: Canvas | None = None
    ) -> None:
        """``x``, ``y``: middle of the bed of embers, in pixels; ``width`` of it."""
        self._ground = room() if ground is None else ground
        self._x, self._y, self._width, self._from_s = x, y, width, from_s
        self._dice = np.random.default_rng(seed)
        self._heat = np.zeros((2 * width, 2 * width), np.float32)

    def __call__(self, number: int, at: float) -> Canvas:
        canvas = self._ground.copy()
        if at < self._from_s:
            return canvas
        for _ in range(4):
            self._rise()
        heat = cv2.GaussianBlur(self._heat, (3, 3), 0.0)
        light = np.stack([3.2 * heat, 3.2 * heat - 0.8, 3.2 * heat - 2.0], axis=2).clip(0.0, 1.1) * 255.0
        height, width = heat.shape
        top, left = max(0, self._y - height), max(0, self._x - width // 2)
        place = canvas[top : self._y, left : left + width]
        place[:] = np.maximum(place, light[-place.shape[0] :, : place.shape[1]])
        return canvas

    def _rise(self) -> None:
        dice, heat = self._dice, self._heat
        wind = int(dice.integers(-1, 2))
        rise = max(1, self._width // 12)
        heat[:-rise] = np.roll(heat[rise:], wind, axis=1)
        cooling = cv2.resize(
            dice.uniform(0.0, 0.22, (10, 10)).astype(np.float32), heat.shape[::-1], interpolation=cv2.INTER_LINEAR
        )
        heat -= cooling
        heat.clip(0.0, 1.0, out=heat)
        quarter = self._width // 2
        bed = cv2.resize(dice.uniform(0.4, 1.2, (1, 6)).astype(np.float32), (self._width, 1))
        heat[-rise:, quarter : quarter + self._width] = bed


def smoking(x: int, y: int, size: int, *, from_s: float = 3.0, brightness: float = 200.0, seed: int = 4) -> Scene:
    """Smoke that grows from a place and drifts up, over a scene with patterns."""
    ground = room(70.0)
    dice = np.random.default_rng(seed)
    cloud = cv2.GaussianBlur(dice.uniform(0.0, 1.0, (HEIGHT * 4, WIDTH)).astype(np.float32), (0, 0), 12.0)
    cloud = (cloud - cloud.min()) / (cloud.max() - cloud.min())
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)

    def scene(number: int, at: float) -> Canvas:
        grown = size * min(1.0, max(0.0, at - from_s) / 6.0)
        if grown <= 1.0:
            return ground.copy()
        shape = np.exp(-(((columns - x) / grown) ** 2) - ((rows - y + 0.5 * grown) / grown) ** 2)
        shift = int(at * 12.0) % (3 * HEIGHT)
        density = np.clip(1.6 * shape * (0.35 + 0.9 * cloud[shift : shift + HEIGHT]), 0.0, 0.8)[:, :, None]
        return np.asarray(ground * (1.0 - density) + brightness * density, np.float32)

    return scene


def lamp(canvas: Canvas, x: float, y: float, radius: float, colour: tuple[float, float, float], light: float) -> None:
    """Adds a lamp with its halo; ``light`` 0 to 1 and more."""
    reach = int(4.0 * radius)
    top, left = max(0, int(y) - reach), max(0, int(x) - reach)
    place = canvas[top : int(y) + reach, left : int(x) + reach]
    rows, columns = np.mgrid[top : top + place.shape[0], left : left + place.shape[1]].astype(np.float32)
    glow = light * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2.0 * radius**2))
    place += glow[:, :, None] * np.asarray(colour, np.float32) * 2.0


AMBER, RED, SODIUM, WARM_WHITE = (255.0, 120.0, 10.0), (255.0, 30.0, 20.0), (255.0, 170.0, 60.0), (255.0, 235.0, 190.0)
