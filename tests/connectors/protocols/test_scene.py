from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from connectors.protocols.clips import load_clip
from connectors.protocols.scene import (
    CROSSINGS,
    GROUND_SCALE,
    LINE,
    SCHEDULE,
    SCHEDULE_S,
    STAYS,
    ZONE,
    person_height,
    present,
    scene_pictures,
    write_scene,
)

STEP_S = 0.02
MOMENTS = [index * STEP_S for index in range(round(SCHEDULE_S / STEP_S))]


@cache
def _positions(name: str) -> list[tuple[float, float, float]]:
    return [(moment, place.x, place.y) for moment in MOMENTS for actor, place in present(moment) if actor.name == name]


def _inside_zone(x: float, y: float) -> bool:
    (left, top), _, (right, bottom), _ = ZONE
    return left <= x <= right and top <= y <= bottom


def test_the_loop_is_empty_at_both_ends() -> None:
    for moment in (0.0, 0.1, SCHEDULE_S - 0.1):
        assert present(moment) == []


def test_the_announced_crossings_are_those_of_the_people() -> None:
    line_x = LINE[0][0]
    seen = [
        (actor.name, round(then[0], 1), "to_right" if then[1] > now[1] else "to_left")
        for actor in SCHEDULE
        if actor.kind == "person"
        for now, then in pairwise(_positions(actor.name))
        if (now[1] < line_x) != (then[1] < line_x)
    ]
    for (name, moment, way), announced in zip(sorted(seen), sorted(CROSSINGS), strict=True):
        assert (name, way) == (announced[0], announced[2])
        assert moment == pytest.approx(announced[1], abs=0.1)
    assert {way for _, _, way in CROSSINGS} == {"to_left", "to_right"}
    assert len({name for name, _, _ in CROSSINGS}) >= 3


def test_the_announced_stays_are_those_of_the_people() -> None:
    for actor in SCHEDULE:
        inside = [moment for moment, x, y in _positions(actor.name) if _inside_zone(x, y)]
        stays = [(entered, left) for name, entered, left in STAYS if name == actor.name]
        if not stays:
            assert inside == [] or actor.kind == "car"
            continue
        assert [(inside[0], inside[-1])] == [pytest.approx(stays[0], abs=0.1)]
        assert len(inside) * STEP_S == pytest.approx(inside[-1] - inside[0], abs=0.05)  # in one go


def test_stays_last_four_seconds_and_follow_one_another() -> None:
    assert all(left - entered >= 4.0 for _, entered, left in STAYS)
    assert all(first[2] < second[1] for first, second in pairwise(STAYS))


def test_people_walk_at_a_plausible_speed_and_size() -> None:
    for actor in SCHEDULE:
        if actor.kind != "person":
            continue
        for (t1, x1, y1), (t2, x2, y2) in pairwise(_positions(actor.name)):
            height = person_height(y1)
            assert 0.18 <= height <= 0.30
            assert np.hypot((x2 - x1) * 16 / 9, y2 - y1) / height / (t2 - t1) < 1.2  # body heights per second


def test_the_scale_of_the_ground_is_that_of_the_figures() -> None:
    assert [person_height(y) for y, _ in GROUND_SCALE] == pytest.approx([height for _, height in GROUND_SCALE])


def test_nothing_moves_in_an_empty_scene_but_the_noise() -> None:
    first, *_, last = list(scene_pictures(48, (320, 180), seed=1))
    difference = np.abs(first.astype(int) - last)
    assert 0.5 < difference.mean() < 4.0
    assert difference.max() < 20


def test_in_a_still_scene_nothing_but_the_noise_ever_moves() -> None:
    pictures = [picture.astype(int) for picture in scene_pictures(24, (320, 180), seed=1, is_still=True)]
    differences = [np.abs(picture - pictures[0]) for picture in pictures[1:]]
    assert max(difference.max() for difference in differences) < 20
    assert any(difference.any() for difference in differences)


def test_a_figure_is_as_high_as_the_scale_says() -> None:
    pictures = list(scene_pictures(8, (640, 360), seed=1))
    at_6_s = 2  # the visitor alone, and the car
    changed = np.abs(pictures[at_6_s].astype(int) - pictures[0]).max(axis=2) > 30
    (_, place) = next(pair for pair in present(6.0) if pair[0].name == "visitor")
    column = round(place.x * 640)
    rows = np.flatnonzero(changed[180:, column - 25 : column + 25].any(axis=1)) + 180
    assert (rows[-1] - rows[0]) / 360 == pytest.approx(person_height(place.y), rel=0.12)
    assert rows[-1] / 360 == pytest.approx(place.y, abs=0.02)


def test_the_file_is_one_sendable_loop(tmp_path: Path) -> None:
    path = tmp_path / "scene.mp4"
    write_scene(path, seconds=4.0, fps=10.0, size=(320, 180), seed=3)
    clip = load_clip(path)
    assert (clip.codec, clip.width, clip.height, clip.fps) == ("h264", 320, 180, 10.0)
    assert clip.duration_s == pytest.approx(4.0)
    assert [index for index, packet in enumerate(clip.packets) if packet.is_key] == [0, 10, 20, 30]


def test_the_same_seed_gives_the_same_file(tmp_path: Path) -> None:
    contents = []
    for name, seed in (("a.mp4", 5), ("b.mp4", 5), ("c.mp4", 6)):
        write_scene(tmp_path / name, seconds=1.0, fps=5.0, size=(160, 90), seed=seed)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1] != contents[2]
