"""Places to look at, made from a number: a camera sees a window of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.view.watch import Change, SceneWatch
from core.types import Picture

Luma = NDArray[np.uint8]

WIDTH, HEIGHT = 320, 192
HOME = 60, 40
ADVICE = "turn it back"


@dataclass(frozen=True)
class Shown:
    """A picture as the watch asks for it."""

    luma: Luma

    @property
    def width(self) -> int:
        return int(self.luma.shape[1])

    @property
    def height(self) -> int:
        return int(self.luma.shape[0])

    def gray(self, _width: int | None = None, _height: int | None = None) -> Luma:
        return self.luma

    def rgb(self, width: int | None = None, height: int | None = None) -> Picture:
        picture = cv2.cvtColor(self.luma, cv2.COLOR_GRAY2RGB)
        return np.asarray(cv2.resize(picture, (width or self.width, height or self.height)), np.uint8)


def place(seed: int) -> Luma:
    """Walls, windows and kerbs: boxes and lines of all sizes."""
    rng = np.random.default_rng(seed)
    canvas = np.full((HEIGHT * 2, WIDTH * 2), 110, np.uint8)
    for _ in range(160):
        x, y = int(rng.integers(0, WIDTH * 2)), int(rng.integers(0, HEIGHT * 2))
        wide, high = (int(side) for side in rng.integers(6, 70, 2))
        cv2.rectangle(canvas, (x, y), (x + wide, y + high), int(rng.integers(30, 220)), -1)
    for _ in range(40):
        first, second = ((int(rng.integers(0, WIDTH * 2)), int(rng.integers(0, HEIGHT * 2))) for _ in range(2))
        cv2.line(canvas, first, second, int(rng.integers(20, 235)), 2)
    return canvas


def seen(canvas: Luma, right: int = 0, down: int = 0) -> Luma:
    """What the camera sees of it when it is turned by so many pixels."""
    x, y = HOME[0] + right, HOME[1] + down
    return canvas[y : y + HEIGHT, x : x + WIDTH].copy()


def fog() -> Luma:
    """Some light from one side, and nothing else."""
    return np.tile(np.linspace(100, 140, WIDTH).astype(np.uint8), (HEIGHT, 1))


Alter = Callable[[Luma, np.random.Generator], Luma]


def plain(luma: Luma, _rng: np.random.Generator) -> Luma:
    return luma


def brighter(luma: Luma, _rng: np.random.Generator) -> Luma:
    return np.asarray(np.clip(luma * 1.3 + 20, 0, 255), np.uint8)


def at_night(luma: Luma, rng: np.random.Generator) -> Luma:
    """Dark, with little contrast and much noise."""
    return np.clip((luma / 255.0) ** 2 * 80 + rng.normal(0, 5, luma.shape), 0, 255).astype(np.uint8)


def in_infrared(luma: Luma, _rng: np.random.Generator) -> Luma:
    """What was dark is bright: leaves, clothes."""
    return np.asarray(255 - luma, np.uint8)


def lights_out(luma: Luma, rng: np.random.Generator) -> Luma:
    return np.clip(luma * 0.15 + rng.normal(0, 1, luma.shape), 0, 255).astype(np.uint8)


def shaking(luma: Luma, rng: np.random.Generator) -> Luma:
    right, down = rng.integers(-3, 4, 2)
    return np.asarray(np.roll(luma, (down, right), (0, 1)), np.uint8)


def in_rain(luma: Luma, rng: np.random.Generator) -> Luma:
    for x, y in rng.integers(0, (WIDTH, HEIGHT), (150, 2)):
        cv2.line(luma, (int(x), int(y)), (int(x) + 1, int(y) + 8), 225, 1)
    return luma


def crowded(luma: Luma, rng: np.random.Generator) -> Luma:
    """People hide a good half of it."""
    for x, y in rng.integers(0, (WIDTH, HEIGHT), (45, 2)):
        cv2.ellipse(luma, (int(x), int(y)), (8, 24), 0, 0, 360, int(rng.integers(20, 235)), -1)
    return luma


def covered(luma: Luma, _rng: np.random.Generator) -> Luma:
    """A hand close to the lens."""
    cv2.ellipse(luma, (WIDTH // 3, HEIGHT // 2), (WIDTH // 2, HEIGHT * 2 // 3), 0, 0, 360, 60, -1)
    return np.asarray(cv2.GaussianBlur(luma, (0, 0), 4), np.uint8)


def blurred(luma: Luma, _rng: np.random.Generator) -> Luma:
    return np.asarray(cv2.GaussianBlur(luma, (0, 0), 2.5), np.uint8)


def black(luma: Luma, rng: np.random.Generator) -> Luma:
    return np.clip(rng.normal(8, 1.5, luma.shape), 0, 255).astype(np.uint8)


def blue(luma: Luma, _rng: np.random.Generator) -> Luma:
    """What an encoder sends that gets no signal."""
    return np.full_like(luma, 90)


class Camera:
    """Shows pictures to a watch, two a second, with the noise of a sensor."""

    def __init__(self, watch: SceneWatch, start: float = 1_000.0) -> None:
        self.watch = watch
        self.now = start
        self.changes: list[tuple[float, Change]] = []
        self._rng = np.random.default_rng(7)
        self._noise = [self._rng.normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32) for _ in range(7)]
        """Made once: it is most of the work."""

    def show(self, luma: Luma, seconds: float, alter: Alter = plain) -> list[Change]:
        """The changes that these pictures brought."""
        before = len(self.changes)
        for number in range(round(seconds * 2)):
            noisy = np.clip(luma + self._noise[number % 7], 0, 255).astype(np.uint8)
            self._look(alter(noisy, self._rng))
        return [change for _, change in self.changes[before:]]

    def hang(self, luma: Luma, seconds: float, *, key_every_s: float = 1e6) -> list[Change]:
        """Shows the very same picture."""
        before = len(self.changes)
        for number in range(round(seconds * 2)):
            self._look(luma, 1 + int(number / 2 / key_every_s))
        return [change for _, change in self.changes[before:]]

    def delays(self, since: float) -> Mapping[str, float]:
        """Each fault that began after then, and how long that took."""
        return {
            change.fault.value: at - since for at, change in self.changes if change.cause is not None and at >= since
        }

    def _look(self, luma: Luma, keys: int = 0) -> None:
        self.changes += [(self.now, change) for change in self.watch.look(Shown(luma), self.now, keys)]
        self.now += 0.5
