from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from analytics.detect.motion import MotionDetector
from analytics.gate import Gate, gate_of
from analytics.rules.zone_presence import ZonePresenceSettings
from analytics.runner import RuleRunner
from analytics.scene import SceneAnalyser
from config.model import AnalysisSettings
from core.types import Alert, Box, Detection, Picture
from tests.analytics.frames import frame_of
from tests.analytics.scenes import BrightSpotDetector, spot_at

pytestmark = pytest.mark.slow

FPS = 5.0
ZONE = ZonePresenceSettings.model_validate(
    {"id": "yard", "type": "zone_presence", "zone": [[0.3, 0.3], [0.7, 0.3], [0.7, 0.9], [0.3, 0.9]], "dwell_s": 10.0}
)


class SharedSpots(BrightSpotDetector):
    """One that has no memory, as models have none."""

    is_shared = True


def picture_of(*places: tuple[float, float], level: int = 60, noise: float = 0.0, seed: int = 0) -> Picture:
    picture = np.full((240, 320, 3), level, np.uint8)
    for x, y in places:
        spot_at(picture, x, y)
    if noise:
        grain = np.random.default_rng(seed).normal(0.0, noise, picture.shape)
        picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    return picture


class Camera:
    """A scene whose detector may rest, shown picture after picture."""

    def __init__(self, detector: BrightSpotDetector | None = None) -> None:
        self.detector = detector or SharedSpots()
        self.gate = Gate(min_score=0.35)
        rule = RuleRunner("cam", ZONE, is_active=lambda _moment: True)
        self.scene = SceneAnalyser("cam", self.detector, [rule], min_confidence=0.35, gate=self.gate)
        self.at = 0.0
        self.alerts: list[Alert] = []
        self.ids: list[tuple[int, ...]] = []

    @property
    def looks(self) -> int:
        return len(self.detector.shapes)

    def show(self, *pictures: Picture) -> int:
        """How often the detector looked at these."""
        before = self.looks
        for picture in pictures:
            verdict = self.scene.analyse(frame_of(picture, self.at))
            self.at += 1.0 / FPS
            self.alerts += verdict.alerts
            assert verdict.boxes is not None
            self.ids.append(tuple(track.track_id for track in verdict.boxes.tracks))
        return self.looks - before


def test_of_a_quiet_scene_the_detector_sees_one_picture_a_second() -> None:
    camera = Camera()
    camera.show(*[picture_of()] * 15)
    assert camera.show(*[picture_of()] * 50) == 10
    assert camera.scene.frames_gated == 65 - camera.looks


def test_somebody_who_comes_is_looked_at_in_the_very_picture() -> None:
    camera = Camera()
    camera.show(*[picture_of()] * 17)
    assert camera.show(picture_of()) == 0
    assert camera.show(picture_of((0.1, 0.7))) == 1
    assert camera.show(*[picture_of((0.1 + 0.02 * step, 0.7)) for step in range(20)]) == 20


def test_one_who_stands_still_keeps_his_track_and_his_dwell_time_while_the_detector_rests() -> None:
    camera = Camera()
    camera.show(*[picture_of((0.1 + 0.04 * step, 0.7)) for step in range(11)])
    looks = camera.show(*[picture_of((0.5, 0.7))] * 100)
    assert looks < 40
    assert set(camera.ids[5:]) == {(1,)}
    (alert,) = camera.alerts
    assert alert.captured_at - alert.started_at == pytest.approx(10.0, abs=0.3)


def test_one_who_leaves_after_standing_is_gone_as_soon_as_without_a_gate() -> None:
    camera = Camera()
    camera.show(*[picture_of((0.5, 0.7))] * 40)
    camera.show(*[picture_of()] * 4)
    assert camera.ids[-1] == ()


def test_sensor_noise_and_a_slow_change_of_light_do_not_wake_it() -> None:
    camera = Camera()
    camera.show(*[picture_of(noise=6.0, seed=number) for number in range(15)])
    pictures = [picture_of(level=60 + number, noise=6.0, seed=number) for number in range(50)]
    assert camera.show(*pictures) <= 12


def test_what_creeps_is_compared_with_what_was_last_looked_at_and_so_noticed() -> None:
    """Each step by itself is too small to be noticed."""
    camera = Camera()
    camera.show(*[picture_of()] * 15)
    fades = [picture_of() for _ in range(4)]
    for step, picture in enumerate(fades):
        picture[100:160, 100:130] += 3 * (step + 1)
    assert camera.show(*fades) >= 1


class Flickering(SharedSpots):
    """Sees something that is hardly there in every other look."""

    def __init__(self, score: float, label: str = "person") -> None:
        super().__init__()
        self.score = score
        self.label = label

    def detect(self, pictures: Sequence[Picture]) -> list[list[Detection]]:
        super().detect(pictures)
        box = Box(left=0.4, top=0.4, right=0.5, bottom=0.7)
        return [[Detection(label=self.label, score=self.score, box=box)] if len(self.shapes) % 2 else []]


@pytest.mark.parametrize("label", ["person", "suitcase", "forklift"])
def test_a_detection_that_flickers_is_neither_doubled_nor_frozen(label: str) -> None:
    camera = Camera(Flickering(0.5, label))
    assert camera.show(*[picture_of()] * 60) == 60


def test_a_chair_that_flickers_in_an_empty_room_does_not_keep_it_awake() -> None:
    camera = Camera(Flickering(0.5, "chair"))
    assert camera.show(*[picture_of()] * 60) < 30


def test_faint_detections_that_cannot_become_an_object_do_not_keep_it_awake() -> None:
    camera = Camera(Flickering(0.2))
    assert camera.show(*[picture_of()] * 60) < 30


class Fading(SharedSpots):
    """Sees one who stands there less and less clearly."""

    def detect(self, pictures: Sequence[Picture]) -> list[list[Detection]]:
        super().detect(pictures)
        score = 0.6 if len(self.shapes) < 20 else 0.2
        box = Box(left=0.4, top=0.4, right=0.5, bottom=0.7)
        return [[Detection(label="person", score=score, box=box)]]


def test_it_does_not_rest_while_a_followed_object_is_seen_only_dimly() -> None:
    camera = Camera(Fading())
    while camera.looks < 20:
        camera.show(picture_of())
    dims, before = len(camera.ids), camera.looks
    while camera.ids[-1]:
        camera.show(picture_of())
    assert camera.looks - before == len(camera.ids) - dims
    assert len(camera.ids) - dims >= 9  # as long as the tracker keeps what is not seen clearly


def test_after_an_interruption_it_looks_until_the_scene_is_known_again() -> None:
    camera = Camera()
    camera.show(*[picture_of()] * 20)
    camera.scene.interrupted()
    assert camera.show(*[picture_of()] * 10) == 10


def test_a_step_of_the_clock_or_another_picture_size_makes_it_look() -> None:
    camera = Camera()
    camera.show(*[picture_of()] * 18)
    assert camera.show(np.full((240, 240, 3), 60, np.uint8)) == 1
    camera.show(*[picture_of()] * 18)
    camera.at += 60.0
    assert camera.show(picture_of()) == 1
    camera.at -= 30.0
    assert camera.show(*[picture_of()] * 10) == 10


def test_the_same_pictures_give_the_same_looks() -> None:
    pictures = [picture_of((0.5, 0.7), noise=9.0, seed=number) for number in range(60)]
    assert len({(camera := Camera()).show(*pictures) or tuple(camera.ids) for _ in range(2)}) == 1


@pytest.mark.parametrize("gating", ["auto", "off"])
def test_only_detectors_without_a_memory_may_rest_and_only_where_the_settings_let_them(gating: str) -> None:
    settings = AnalysisSettings.model_validate({"gating": gating})
    assert (gate_of(settings, SharedSpots()) is not None) == (gating == "auto")
    assert gate_of(settings, MotionDetector.create(settings)) is None
