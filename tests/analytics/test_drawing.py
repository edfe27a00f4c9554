from __future__ import annotations

import numpy as np
import pytest

from analytics.drawing import ALARM, ALERTED, SEEN, WATCHED, Canvas
from config.geometry import Line, Zone
from config.model import RuleSettings
from core.types import Box, Picture, Track


class Watching(RuleSettings):
    zone: Zone | None = None
    line: Line | None = None


ZONE = Watching(id="z", type="any", name="Quai désert", zone=((0.5, 0.5), (0.9, 0.5), (0.9, 0.9), (0.5, 0.9)))
LINE = Watching(id="l", type="any", line=((0.2, 0.5), (0.2, 0.9)))


def blank(height: int = 240, width: int = 320) -> Picture:
    return np.full((height, width, 3), 60, np.uint8)


def is_drawn(canvas: Canvas, x: float, y: float, colour: tuple[int, int, int]) -> bool:
    height, width = canvas.picture.shape[:2]
    pixel = canvas.picture[round(y * (height - 1)), round(x * (width - 1))]
    return bool(np.abs(pixel.astype(int) - colour).max() < 40)


def track(track_id: int, *, is_measured: bool = True) -> Track:
    box = Box(left=0.3, top=0.4, right=0.6, bottom=0.95)
    return Track(track_id=track_id, label="person", score=0.9, box=box, first_seen=0.0, is_measured=is_measured)


def test_zones_and_lines_are_outlined() -> None:
    canvas = Canvas(blank())
    canvas.rules([ZONE, LINE])
    assert is_drawn(canvas, 0.9, 0.7, WATCHED)
    assert is_drawn(canvas, 0.2, 0.7, WATCHED)
    assert not is_drawn(canvas, 0.7, 0.7, WATCHED)


def test_boxes_of_an_alert_are_red() -> None:
    canvas = Canvas(blank())
    canvas.tracks([track(1)], alerted=())
    assert is_drawn(canvas, 0.3, 0.7, SEEN)
    canvas.tracks([track(1)], alerted={1})
    assert is_drawn(canvas, 0.3, 0.7, ALERTED)


def test_the_picture_given_is_left_as_it_is() -> None:
    picture = blank()
    canvas = Canvas(picture)
    canvas.rules([ZONE])
    assert (picture == 60).all()
    assert (canvas.picture != 60).any()


@pytest.mark.parametrize(("height", "width"), [(240, 320), (1080, 1920)])
def test_a_banner_is_a_dark_strip_with_light_letters_of_readable_size(height: int, width: int) -> None:
    canvas = Canvas(blank(height, width))
    canvas.banners([("12:05.3   Quai désert", ALARM), ("a second one", ALARM)])
    rows = np.nonzero((canvas.picture != 60).all(axis=(1, 2)))[0]
    strip = canvas.picture[: rows.max()]
    assert rows.min() == 0
    assert np.ptp(np.nonzero((strip[: rows.max() // 2] > 200).all(axis=2))[0]) + 5 >= 13
    assert rows.max() < height / 3


def test_labels_stay_below_banners_and_inside_the_picture() -> None:
    canvas = Canvas(blank())
    canvas.banners([("told", ALARM)])
    before = canvas.picture.copy()
    top = Track(track_id=7, label="person", score=0.9, box=Box(left=0.95, top=0, right=1, bottom=1), first_seen=0.0)
    canvas.tracks([top], alerted=())
    changed = (canvas.picture != before).any(axis=2)
    letters = changed[:, : round(0.93 * 320)]
    assert letters.any()
    assert np.nonzero(letters)[0].min() >= 25
