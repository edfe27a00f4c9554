"""The motion detector on the made scene, whose schedule says who is where when."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import av
import numpy as np
import pytest

from analytics.detect.motion import MotionDetector
from config.model import AnalysisSettings
from connectors.protocols.scene import SCHEDULE, Actor, write_scene
from core.types import Detection, Picture

pytestmark = pytest.mark.slow

FPS: Final = 6.25
STEP: Final = 2
"""Every second picture of the scene's 12.5 per second."""
NEAR: Final = 0.06
SURE: Final = 0.35
"""The score that starts a track by default."""


@lru_cache(maxsize=1)
def scene() -> tuple[tuple[float, Picture], ...]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scene.mp4"
        write_scene(path)
        with av.open(str(path)) as container:
            frames = [
                (float(frame.time or 0.0), frame.to_ndarray(format="rgb24"))
                for number, frame in enumerate(container.decode(video=0))
                if number % STEP == 0
            ]
    return tuple((moment, np.asarray(picture, np.uint8)) for moment, picture in frames)


@lru_cache(maxsize=1)
def second_loop() -> tuple[tuple[float, tuple[Detection, ...]], ...]:
    """Detections once the detector has seen the whole scene before, as a camera has."""
    detector = MotionDetector(fps=FPS)
    for _, picture in scene():
        detector.detect([picture])
    return tuple((moment, tuple(detector.detect([picture])[0])) for moment, picture in scene())


def place(actor: Actor, moment: float) -> tuple[float, float] | None:
    """Ground point of an actor that is whole in the picture; None else."""
    times = [time for time, _, _ in actor.path]
    if not times[0] <= moment <= times[-1]:
        return None
    x = float(np.interp(moment, times, [x for _, x, _ in actor.path]))
    y = float(np.interp(moment, times, [y for _, _, y in actor.path]))
    return (x, y) if 0.1 <= x <= 0.9 else None


def is_at(found: Detection, x: float, y: float) -> bool:
    return abs(found.box.ground_point[0] - x) < NEAR and abs(found.box.ground_point[1] - y) < NEAR


def sure(found: tuple[Detection, ...]) -> list[Detection]:
    return [detection for detection in found if detection.score >= SURE]


@pytest.mark.slow
@pytest.mark.parametrize("actor", SCHEDULE, ids=lambda actor: actor.name)
def test_who_moves_through_the_scene_is_found_where_the_schedule_says(actor: Actor) -> None:
    seen = [(place(actor, moment), found) for moment, found in second_loop()]
    hits = [
        any(detection.label == actor.kind and is_at(detection, *at) for detection in sure(found))
        for at, found in seen
        if at is not None
    ]
    assert len(hits) > 15
    assert sum(hits) / len(hits) > 0.85


@pytest.mark.slow
def test_nothing_is_found_where_nobody_is() -> None:
    strangers = [
        detection
        for moment, found in second_loop()
        for detection in sure(found)
        if not any(_is_near_path(actor, moment, detection) for actor in SCHEDULE)
    ]
    assert strangers == []


def _is_near_path(actor: Actor, moment: float, detection: Detection) -> bool:
    """Also while the picture's border cuts the actor."""
    times = [time for time, _, _ in actor.path]
    x = float(np.interp(moment, times, [x for _, x, _ in actor.path]))
    return times[0] - 0.5 <= moment <= times[-1] + 0.5 and abs(detection.box.centre[0] - x) < 0.2


def test_an_empty_scene_gives_nothing() -> None:
    empty = scene()[0][1]
    detector = MotionDetector(fps=FPS)
    noise = np.random.default_rng(1)
    for _ in range(20):
        shaken = np.clip(empty.astype(np.int16) + noise.integers(-4, 5, empty.shape), 0, 255).astype(np.uint8)
        assert detector.detect([shaken]) == [[]]


def test_nothing_is_said_before_the_scene_is_known() -> None:
    detector = MotionDetector(fps=FPS)
    with_people = [picture for moment, picture in scene() if 9.0 <= moment <= 9.6]
    assert [detector.detect([picture]) for picture in with_people] == [[[]]] * len(with_people)


@pytest.mark.parametrize("gain", [0.45, 1.8])
def test_light_that_goes_off_or_on_is_no_object(gain: float) -> None:
    empty = scene()[0][1]
    changed = np.clip(empty.astype(np.float32) * gain, 0, 255).astype(np.uint8)
    detector = MotionDetector(fps=FPS)
    for _ in range(12):
        detector.detect([empty])
    after = [detector.detect([changed])[0] for _ in range(20)]
    assert [detection for found in after for detection in found if detection.score >= SURE] == []


def test_boxes_are_normalised_and_scores_are_shares() -> None:
    detector = MotionDetector(fps=FPS)
    found = [detection for _, picture in scene()[:60] for detection in detector.detect([picture])[0]]
    assert found
    for detection in found:
        box = detection.box
        assert 0.0 <= box.left < box.right <= 1.0
        assert 0.0 <= box.top < box.bottom <= 1.0
        assert 0.0 <= detection.score <= 1.0
        assert detection.label in detector.labels


def test_a_new_picture_size_starts_the_scene_anew() -> None:
    detector = MotionDetector(fps=FPS)
    for _, picture in scene()[:20]:
        detector.detect([picture])
    half = [np.ascontiguousarray(picture[::2, ::2]) for _, picture in scene()[20:23]]
    assert [detector.detect([picture]) for picture in half] == [[[]]] * 3


def test_it_is_one_per_camera_and_takes_the_cameras_settings() -> None:
    settings = AnalysisSettings(fps=5.0, ground_scale=((0.6, 0.2), (0.9, 0.4)))
    first, second = MotionDetector.create(settings), MotionDetector.create(settings)
    assert first is not second
    assert not MotionDetector.is_shared


def test_the_size_it_wants_keeps_the_aspect_and_never_grows() -> None:
    detector = MotionDetector(fps=FPS)
    width, height = detector.picture_size(1920, 1080)
    assert width / height == pytest.approx(16 / 9, rel=0.01)
    assert width * height <= 85_000
    assert detector.picture_size(160, 90) == (160, 90)
