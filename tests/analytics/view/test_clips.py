"""No fault on fixed cameras, and every kind of fault on what was made of their pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from analytics.filevideo import FileVideo
from analytics.rate import FrameRate
from analytics.view.watch import HOME, SceneWatch
from tests.analytics.view import scenery
from tests.analytics.view.scenery import ADVICE, Camera, Luma
from tests.shared import shared

CLIPS = (
    "persons_pets2009_vtest.mp4",
    "vehicles_highway.avi",
    "wrongway_thai_road_edited.mkv",
    "fire_livingroom_battery.mp4",
    "crowd_rush_stampede.mp4",
    "density_hall_overhead.mp4",
    "gmdcsa_s3_adl_18.mp4",
)


def glances(name: str) -> list[Luma]:
    """Two small pictures of each second."""
    rate = FrameRate(2.0)
    with FileVideo(shared(f"data/videos/{name}")) as video:
        return [
            np.asarray(
                cv2.resize(frame.gray(), (scenery.WIDTH, scenery.HEIGHT), interpolation=cv2.INTER_AREA), np.uint8
            )
            for frame in video.frames()
            if rate.take(frame.captured_at)
        ]


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize("name", CLIPS)
def test_a_fixed_camera_is_never_at_fault_and_one_that_turns_or_is_hidden_is(name: str) -> None:
    clip = glances(name)
    camera = Camera(SceneWatch((), advice=ADVICE))
    for luma in clip:
        assert camera.show(luma, 0.5) == []
        assert camera.watch.facing == HOME
    there_and_back = (clip + clip[::-1]) * 8
    for alter, fault in (
        (scenery.at_night, None),
        (scenery.covered, "covered"),
        (scenery.black, "black"),
        (_turned, "view_changed"),
    ):
        found = [change for luma in there_and_back[:30] for change in camera.show(luma, 0.5, alter)]
        assert [change.fault.value for change in found] == ([fault] if fault else [])
        back = [change for luma in there_and_back[:20] for change in camera.show(luma, 0.5)]
        assert [change.cause for change in back] == ([None] if fault else [])


def _turned(luma: Luma, _rng: np.random.Generator) -> Luma:
    """By a tenth of the picture; its edge is what lies at the other side."""
    return np.asarray(np.roll(luma, scenery.WIDTH // 10, axis=1), np.uint8)
