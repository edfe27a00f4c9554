"""What control rooms have seen taken for fire: lamps, beacons, signs, reflections, clothes, screens, traffic; painted."""

from __future__ import annotations

import cv2
import numpy as np

from tests.analytics.rules.painted_fires import (
    AMBER,
    FPS,
    HEIGHT,
    RED,
    SODIUM,
    WARM_WHITE,
    WIDTH,
    Canvas,
    Scene,
    lamp,
    room,
)


def write(
    canvas: Canvas, text: str, place: tuple[int, int], size: float, colour: tuple[float, float, float], width: int
) -> None:
    """Letters of light."""
    letters = cv2.putText(np.zeros((HEIGHT, WIDTH), np.uint8), text, place, cv2.FONT_HERSHEY_SIMPLEX, size, 1, width)
    canvas[letters > 0] = colour


def rotating_beacon(turns_per_s: float, *, level: float = 40.0) -> Scene:
    ground = room(level)

    def scene(number: int, at: float) -> Canvas:
        canvas = ground.copy()
        angle = 2.0 * np.pi * turns_per_s * at
        lamp(canvas, 160 + 4.0 * np.sin(angle), 90, 7.0, AMBER, 0.15 + max(0.0, float(np.cos(angle))) ** 3)
        return canvas

    return scene


def double_flash(period_s: float) -> Scene:
    """A stroboscope: two flashes, then a pause; pictures catch some of them."""
    ground = room(40.0)

    def scene(number: int, at: float) -> Canvas:
        canvas = ground.copy()
        phase = at % period_s
        lamp(canvas, 160, 90, 8.0, AMBER, 1.0 if phase < 0.1 or 0.2 < phase < 0.3 else 0.05)
        return canvas

    return scene


def blinking_sign(period_s: float) -> Scene:
    ground = room(50.0)

    def scene(number: int, at: float) -> Canvas:
        canvas = ground.copy()
        if at % period_s < period_s / 2:
            write(canvas, "OPEN", (110, 100), 1.2, AMBER, 5)
            write(canvas, "OPEN", (110, 100), 1.2, (255.0, 230.0, 120.0), 2)
        return canvas

    return scene


def running_lights() -> Scene:
    """A chain of lamps of which every third one is lit, in turn."""
    ground = room(40.0)

    def scene(number: int, at: float) -> Canvas:
        canvas = ground.copy()
        for index in range(12):
            lamp(canvas, 100 + 10 * index, 90, 3.0, SODIUM, 1.0 if (index + int(at * 4.0)) % 3 == 0 else 0.1)
        return canvas

    return scene


def faulty_tube() -> Scene:
    """A lamp that flickers at random, but as a whole."""
    ground, dice = room(40.0), np.random.default_rng(8)

    def scene(number: int, at: float) -> Canvas:
        canvas = ground.copy()
        lamp(canvas, 160, 60, 9.0, SODIUM, float(dice.uniform(0.1, 1.0)))
        return canvas

    return scene


def sodium_lamps_warm_up() -> Scene:
    ground = room(35.0)

    def scene(number: int, at: float) -> Canvas:
        canvas = ground.copy()
        for index in range(4):
            light = 0.0 if at < 2.0 else min(1.0, 0.1 + (at - 2.0) / 8.0) + 0.03 * np.sin(40.0 * at + index)
            lamp(canvas, 50 + 70 * index, 50, 8.0, SODIUM, float(light))
        return canvas

    return scene


def vest(step: float, *, sways: float = 0.0) -> Scene:
    """A worker in orange with white stripes: walks ``step`` pixels a second, swaying so far from side to side."""
    ground, dice = room(100.0), np.random.default_rng(9)

    def scene(number: int, at: float) -> Canvas:
        canvas = ground.copy()
        x = int(60 + step * at + sways * float(dice.normal())) % (WIDTH - 30)
        y = int(70 + 0.5 * sways * float(dice.normal()))
        canvas[y - 12 : y, x + 5 : x + 15] = (150.0, 110.0, 90.0)
        canvas[y : y + 30, x : x + 20] = (250.0, 110.0, 40.0)
        canvas[y + 10 : y + 14, x : x + 20] = 225.0
        canvas[y + 20 : y + 23, x : x + 20] = 225.0
        canvas[y + 30 : y + 60, x + 3 : x + 17] = (40.0, 40.0, 60.0)
        return canvas

    return scene


def headlights() -> Scene:
    """A street at night: pairs of warm white lamps that come nearer, one car every two seconds."""
    ground = room(25.0)

    def scene(number: int, at: float) -> Canvas:
        canvas = ground.copy()
        for car in range(10):
            way = (at - 1.3 * car) / 4.0
            if 0.0 < way < 1.0:
                spread = 3.0 + 14.0 * way
                x, y = 120.0 + 120.0 * way**2, 60.0 + 110.0 * way**2
                for side in (-1, 1):
                    lamp(canvas, x + side * spread, y, 2.0 + 5.0 * way, WARM_WHITE, 1.2)
        return canvas

    return scene


def reflection_on_water(*, seed: int = 10) -> Scene:
    """A sodium lamp above a canal, and its image, torn into strips by waves."""
    ground, dice = room(30.0), np.random.default_rng(seed)
    phases = dice.uniform(0.0, 6.3, (HEIGHT, 3))
    rates = dice.uniform(1.0, 9.0, (HEIGHT // 3 + 1, 3)).repeat(3, axis=0)[:HEIGHT]
    columns = np.arange(WIDTH, dtype=np.float32)

    def scene(number: int, at: float) -> Canvas:
        canvas = ground.copy()
        lamp(canvas, 160, 40, 5.0, SODIUM, 1.1)
        for y in range(90, 160):
            wave = np.sin(rates[y] * at + phases[y // 3])
            bright = max(0.0, 0.6 + 0.6 * float(wave[0]))
            strip = bright * np.exp(-((columns - 160 - 6.0 * float(wave[1])) ** 2) / (2.0 * (3.0 + 2.0 * wave[2]) ** 2))
            canvas[y] += strip[:, None] * np.asarray(SODIUM, np.float32)
        return canvas

    return scene


def leaves_in_the_sun() -> Scene:
    """Autumn leaves that sway in the wind before a bright sky."""
    ground, dice = room(100.0), np.random.default_rng(11)
    field = np.asarray(cv2.GaussianBlur(dice.normal(0.0, 1.0, (80, 140)).astype(np.float32), (0, 0), 2.0), np.float32)
    field /= float(field.std())
    gust = [0.0, 0.0]

    def scene(number: int, at: float) -> Canvas:
        canvas = ground.copy()
        gust[0] = 0.7 * gust[0] + float(dice.normal(0.0, 1.2))
        gust[1] = 0.7 * gust[1] + float(dice.normal(0.0, 0.8))
        moved = cv2.warpAffine(field, np.array([[1, 0, gust[0]], [0, 1, gust[1]]], np.float32), (140, 80))
        leaf = np.stack([200.0 + 30.0 * moved, 130.0 + 25.0 * moved, 40.0 + 8.0 * moved], axis=2)
        canvas[40:120, 80:220] = np.where(moved[:, :, None] > 0.8, 245.0, leaf)
        return canvas

    return scene


def television() -> Scene:
    """A screen that shows scenes in all colours, with cuts."""
    ground, dice = room(60.0), np.random.default_rng(12)
    shot = [np.zeros((45, 80, 3), np.float32)]

    def scene(number: int, at: float) -> Canvas:
        canvas = ground.copy()
        if number % round(1.5 * FPS) == 0:
            colours = cv2.resize(dice.uniform(20.0, 255.0, (5, 8, 3)).astype(np.float32), (80, 45))
            shot[0] = np.asarray(colours * np.array([1.0, 0.8, 0.55]), np.float32)
        canvas[60:105, 100:180] = np.roll(shot[0], int(at * 6.0), axis=1)
        return canvas

    return scene


def sunset() -> Scene:
    """Light turns orange, and the exposure steps after it."""
    ground = room(110.0, warmth=0.2)

    def scene(number: int, at: float) -> Canvas:
        step = 1.0 + 0.15 * (int(at / 1.2) % 2)
        return np.asarray(ground * step * np.array([1.0 + 0.03 * at, 1.0, 1.0 - 0.03 * at], np.float32), np.float32)

    return scene


def shaken(still: Canvas, pixels: float) -> Scene:
    dice = np.random.default_rng(13)

    def scene(number: int, at: float) -> Canvas:
        across, down = dice.uniform(-pixels, pixels, 2)
        shift = np.array([[1, 0, across], [0, 1, down]], np.float32)
        return np.asarray(cv2.warpAffine(still, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE), np.float32)

    return scene


def warm_street() -> Canvas:
    """Bricks, lamps and signs in warm, bright colours, all at rest."""
    canvas = room(120.0)
    for row in range(8):
        for column in range(10):
            x, y = 40 + 14 * column + 7 * (row % 2), 60 + 8 * row
            canvas[y : y + 6, x : x + 12] = (235.0, 130.0 + 8.0 * (column % 4), 80.0)
    for index in range(3):
        lamp(canvas, 220 + 30 * index, 120, 4.0, SODIUM, 1.0)
    write(canvas, "PIZZA", (190, 80), 0.7, RED, 2)
    return canvas


def light_switched(level_from: float, level_to: float) -> Scene:
    """The exposure of the whole picture changes."""
    ground = room(90.0) / 90.0

    def scene(number: int, at: float) -> Canvas:
        return ground * (level_from if at < 4.0 else level_to)

    return scene


def shadow() -> Scene:
    """The soft shadow of a cloud or a tree comes and moves."""
    ground = room(110.0)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)

    def scene(number: int, at: float) -> Canvas:
        shape = np.exp(-(((columns - 20.0 * at) / 70.0) ** 2) - ((rows - 100.0) / 60.0) ** 2)
        return np.asarray(ground * (1.0 - 0.6 * shape)[:, :, None], np.float32)

    return scene


def beam() -> Scene:
    """A searchlight adds light and takes nothing away."""
    ground = room(70.0)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)

    def scene(number: int, at: float) -> Canvas:
        shape = np.exp(-(((columns - 160.0 - 40.0 * np.sin(at)) / 60.0) ** 2) - ((rows - 100.0) / 60.0) ** 2)
        return np.asarray(ground + 70.0 * shape[:, :, None], np.float32)

    return scene


def passers_by() -> Scene:
    """People in light and dark clothes walk before the scene."""
    ground = room(80.0)

    def scene(number: int, at: float) -> Canvas:
        canvas = ground.copy()
        for person in range(6):
            x = int(20 * person + (18 + 3 * person) * at) % (WIDTH - 20)
            canvas[60:150, x : x + 20] = 210.0 if person % 2 else 40.0
            canvas[60:75, x + 5 : x + 15] = (200.0, 160.0, 140.0)
        return canvas

    return scene


def defocused() -> Scene:
    """The lens loses its focus and finds it again."""
    ground = room(90.0)

    def scene(number: int, at: float) -> Canvas:
        blur = 2.5 * max(0.0, float(np.sin(at * 0.8)))
        return np.asarray(cv2.GaussianBlur(ground, (0, 0), blur) if blur > 0.2 else ground, np.float32)

    return scene
