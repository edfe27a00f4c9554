"""A made moving scene, for demonstrations and tests: no footage of people, no assets, the same for the same seed.

A yard in front of buildings, seen from above the door, with a road behind. ``SCHEDULE`` says who is where when, so
that a demonstration can name the events to expect. All places are ground points, normalised (x right, y down).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal, TypeAlias

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from connectors.protocols.clips import encoder_options
from core.types import Picture, Point, Polygon

_Colour: TypeAlias = tuple[int, int, int]
_Canvas: TypeAlias = NDArray[np.uint8]

LINE: Final[tuple[Point, Point]] = ((0.5, 0.35), (0.5, 1.0))
"""Crossed by people: see ``CROSSINGS``."""
ZONE: Final[Polygon] = ((0.68, 0.45), (0.97, 0.45), (0.97, 1.0), (0.68, 1.0))
"""Entered by people, one after the other: see ``STAYS``."""
SCHEDULE_S: Final = 24.0
"""Length of one loop; nobody is in the picture at either end."""
GROUND_SCALE: Final = ((0.62, 0.18), (0.97, 0.30))
"""Two pairs (y, height): how high a standing person is in the picture at two depths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Someone or something that moves: ground points (time in s, x, y), straight and even between them."""

    name: str
    kind: Literal["person", "car"]
    path: tuple[tuple[float, float, float], ...]
    colours: tuple[_Colour, _Colour]
    """Upper and lower part, RGB."""


SCHEDULE: Final[tuple[Actor, ...]] = (
    Actor(
        name="visitor",
        kind="person",
        path=(
            (0.2, -0.08, 0.80),
            (6.9, 0.69, 0.80),
            (7.9, 0.80, 0.81),
            (8.9, 0.88, 0.84),
            (9.9, 0.80, 0.84),
            (12.0, 1.08, 0.80),
        ),
        colours=((178, 38, 34), (28, 32, 48)),
    ),
    Actor(
        name="passer-by",
        kind="person",
        path=((7.6, -0.10, 0.95), (13.0, 0.61, 0.95), (13.3, 0.61, 0.95), (18.7, -0.10, 0.95)),
        colours=((30, 58, 126), (46, 42, 40)),
    ),
    Actor(
        name="intruder",
        kind="person",
        path=(
            (12.7, 1.08, 0.74),
            (14.2, 0.88, 0.74),
            (15.4, 0.78, 0.77),
            (16.4, 0.87, 0.77),
            (18.2, 0.66, 0.75),
            (23.8, -0.07, 0.75),
        ),
        colours=((24, 26, 24), (70, 58, 34)),
    ),
    Actor(
        name="car",
        kind="car",
        path=((2.4, 1.16, 0.43), (6.6, -0.16, 0.43)),
        colours=((206, 208, 214), (36, 44, 52)),
    ),
)
"""Who moves in one loop."""

CROSSINGS: Final[tuple[tuple[str, float, Literal["to_left", "to_right"]], ...]] = (
    ("visitor", 5.2, "to_right"),
    ("passer-by", 12.2, "to_right"),
    ("passer-by", 14.1, "to_left"),
    ("intruder", 19.4, "to_left"),
)
"""People who cross ``LINE``: name, time in s, way they go in the picture."""

STAYS: Final[tuple[tuple[str, float, float], ...]] = (("visitor", 6.8, 11.2), ("intruder", 13.5, 18.0))
"""People in ``ZONE``: name, from and to, in s."""

_GROUND: _Colour = (128, 126, 120)
_ROAD: _Colour = (88, 88, 92)
_WALL: _Colour = (164, 150, 134)
_SKY: _Colour = (196, 210, 222)
_SKIN: _Colour = (196, 154, 126)
_NOISE_LEVEL = 1.6
_NOISE_PICTURES = 7
_STRIDES_PER_BODY_HEIGHT = 1.2
_CAR_LENGTH, _CAR_HEIGHT = 2.45, 0.84
"""In body heights."""
_SHIFT = 4
"""Binary digits of sub-pixel drawing."""


def write_scene(
    path: Path,
    *,
    seconds: float = SCHEDULE_S,
    fps: float = 12.5,
    size: tuple[int, int] = (640, 360),
    seed: int = 1,
    is_still: bool = False,
) -> None:
    """Writes one loop of the scene as H.264 in the container that the file's ending names.

    ``size`` is width and height in pixels, even. Other ``seconds`` than ``SCHEDULE_S`` stretch the schedule.
    ``is_still``: nobody comes, only the sensor's noise moves.
    """
    rate = Fraction(fps).limit_denominator(1001)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options=encoder_options(fps))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for picture in scene_pictures(round(seconds * fps), size, seed, is_still=is_still):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def scene_pictures(count: int, size: tuple[int, int], seed: int, *, is_still: bool = False) -> Iterator[Picture]:
    """The loop as ``count`` pictures, height x width x 3 RGB; without anybody in it where it ``is_still``."""
    rng = np.random.default_rng(seed)
    background = _background(size, rng)
    shape = (_NOISE_PICTURES, size[1], size[0], 1)
    noise = np.rint(rng.normal(0.0, _NOISE_LEVEL, shape)).astype(np.int16)
    for index in range(count):
        canvas = background.copy()
        for actor, place in () if is_still else present(SCHEDULE_S * index / count):
            _DRAWINGS[actor.kind](canvas, actor, place)
        noisy = canvas + noise[int(rng.integers(_NOISE_PICTURES))]
        yield np.clip(noisy, 0, 255).astype(np.uint8)


def present(time_s: float) -> list[tuple[Actor, Place]]:
    """Who is in or near the picture at that time of the loop, farthest first."""
    found = [(actor, place) for actor in SCHEDULE if (place := _place(actor, time_s)) is not None]
    return sorted(found, key=lambda pair: pair[1].y)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an actor is: ground point, way walked so far in body heights, and the way it faces (-1 left, 1 right)."""

    x: float
    y: float
    walked: float
    facing: int


def person_height(y: float) -> float:
    """Height in the picture of a person who stands at ``y``."""
    (y1, height1), (y2, height2) = GROUND_SCALE
    return height1 + (y - y1) * (height2 - height1) / (y2 - y1)


def _place(actor: Actor, time_s: float) -> Place | None:
    walked = 0.0
    for (t1, x1, y1), (t2, x2, y2) in pairwise(actor.path):
        share = (min(time_s, t2) - t1) / (t2 - t1)
        if share < 0.0:
            return None
        x, y = x1 + share * (x2 - x1), y1 + share * (y2 - y1)
        walked += math.hypot((x - x1) * 16 / 9, y - y1) / person_height(y)
        if time_s < t2:
            return Place(x=x, y=y, walked=walked, facing=1 if x2 >= x1 else -1)
    return None


def _background(size: tuple[int, int], rng: np.random.Generator) -> _Canvas:
    width, height = size
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = _GROUND
    canvas[: round(0.46 * height)] = _ROAD
    canvas[: round(0.36 * height)] = _WALL
    canvas[: round(0.08 * height)] = _SKY
    for column in range(9):
        for row in range(2):
            left, top = round((0.03 + column * 0.11) * width), round((0.12 + row * 0.12) * height)
            shade = int(rng.integers(60, 110))
            cv2.rectangle(
                canvas,
                (left, top),
                (left + round(0.055 * width), top + round(0.08 * height)),
                (shade, shade, shade + 12),
                -1,
            )
    for row in range(1, 9):
        y = round((0.46 + 0.54 * (row / 8) ** 1.6) * height)
        cv2.line(canvas, (0, y), (width, y), (118, 116, 110), 1)
    coarse = rng.normal(0.0, 9.0, (height // 8 + 1, width // 8 + 1)).astype(np.float32)
    fine = rng.normal(0.0, 3.0, (height, width)).astype(np.float32)
    texture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) + fine
    return np.clip(canvas + texture[..., None], 0, 255).astype(np.uint8)


def _draw_person(canvas: _Canvas, actor: Actor, place: Place) -> None:
    """Head, trunk, two arms and two legs that swing with the way walked."""
    tall = person_height(place.y) * canvas.shape[0]
    x, ground = place.x * canvas.shape[1], place.y * canvas.shape[0]
    swing = math.sin(2 * math.pi * _STRIDES_PER_BODY_HEIGHT * place.walked)
    upper, lower = actor.colours
    hip, shoulder = ground - 0.48 * tall, ground - 0.80 * tall
    for side in (-1, 1):
        foot = x + side * swing * 0.15 * tall
        lift = max(0.0, side * swing) * 0.03 * tall
        _limb(canvas, (x + side * 0.025 * tall, hip), (foot, ground - 0.05 * tall - lift), 0.095 * tall, lower)
        hand = x - side * swing * 0.12 * tall + place.facing * 0.03 * tall
        _limb(canvas, (x + side * 0.07 * tall, shoulder + 0.03 * tall), (hand, hip), 0.06 * tall, upper)
    _ellipse(canvas, (x, ground - 0.64 * tall), (0.115 * tall, 0.205 * tall), upper)
    _ellipse(canvas, (x + place.facing * 0.01 * tall, ground - 0.915 * tall), (0.062 * tall, 0.085 * tall), _SKIN)


def _draw_car(canvas: _Canvas, actor: Actor, place: Place) -> None:
    tall = person_height(place.y) * canvas.shape[0]
    x, ground = place.x * canvas.shape[1], place.y * canvas.shape[0]
    half, high = _CAR_LENGTH * tall / 2, _CAR_HEIGHT * tall
    body, glass = actor.colours
    _polygon(
        canvas,
        [
            (x - half, ground - 0.2 * high),
            (x - half, ground - 0.55 * high),
            (x + half, ground - 0.58 * high),
            (x + half, ground - 0.2 * high),
        ],
        body,
    )
    _polygon(
        canvas,
        [
            (x - 0.72 * half, ground - 0.5 * high),
            (x - 0.4 * half, ground - high),
            (x + 0.45 * half, ground - high),
            (x + 0.75 * half, ground - 0.5 * high),
        ],
        body,
    )
    _polygon(
        canvas,
        [
            (x - 0.58 * half, ground - 0.55 * high),
            (x - 0.35 * half, ground - 0.93 * high),
            (x + 0.4 * half, ground - 0.93 * high),
            (x + 0.62 * half, ground - 0.55 * high),
        ],
        glass,
    )
    for side in (-1, 1):
        _ellipse(canvas, (x + side * 0.6 * half, ground - 0.2 * high), (0.2 * high, 0.2 * high), (22, 22, 24))


_DRAWINGS: dict[str, Callable[[_Canvas, Actor, Place], None]] = {"person": _draw_person, "car": _draw_car}


def _fixed(*values: float) -> tuple[int, ...]:
    return tuple(round(value * (1 << _SHIFT)) for value in values)


def _ellipse(canvas: _Canvas, centre: Point, axes: Point, colour: _Colour) -> None:
    cv2.ellipse(canvas, _fixed(*centre), _fixed(*axes), 0, 0, 360, colour, -1, cv2.LINE_AA, _SHIFT)


def _polygon(canvas: _Canvas, points: list[Point], colour: _Colour) -> None:
    cv2.fillPoly(canvas, [np.array([_fixed(*point) for point in points], np.int32)], colour, cv2.LINE_AA, _SHIFT)


def _limb(canvas: _Canvas, start: Point, end: Point, thickness: float, colour: _Colour) -> None:
    cv2.line(canvas, _fixed(*start), _fixed(*end), colour, max(1, round(thickness)), cv2.LINE_AA, _SHIFT)
