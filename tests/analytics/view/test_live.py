"""The watch of the view in live analysis, on real H.264."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from analytics.pipeline import LiveAnalyser
from analytics.rules.zone_presence import ZonePresenceSettings
from analytics.runner import RuleRunner
from analytics.scene import SceneAnalyser
from analytics.view.watch import SceneWatch
from config.model import AnalysisSettings, CameraSettings, SecretRef, Site, SiteSettings, VmsSettings
from core.clock import ManualClock
from core.types import CameraFault, Picture
from tests.analytics.coded import FPS, HEIGHT, START, WIDTH, coded
from tests.analytics.scenes import BrightSpotDetector, RecordingSink
from tests.analytics.test_pipeline import push_each_analysed, wait_until
from tests.analytics.view import scenery
from tests.analytics.view.scenery import ADVICE

pytestmark = pytest.mark.slow

_TURNS_AT = 8 * FPS
YARD = ZonePresenceSettings.model_validate(
    {"id": "yard", "type": "zone_presence", "zone": [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]}
)
PLACES = [scenery.place(seed)[:HEIGHT, :WIDTH] // 2 for seed in (1, 2)]


def turns(picture: Picture, number: int) -> None:
    """Looks elsewhere after eight seconds."""
    picture[:] = PLACES[number >= _TURNS_AT][..., None]
    picture[:] += np.random.default_rng(number).integers(0, 4, picture.shape, np.uint8)


@pytest.fixture
def live() -> Iterator[tuple[LiveAnalyser, RecordingSink]]:
    sink = RecordingSink()
    scene = SceneAnalyser(
        "cam", BrightSpotDetector(), [RuleRunner("cam", YARD, is_active=lambda _moment: True)], min_confidence=0.35
    )
    view = SceneWatch((), advice=ADVICE)
    analysis = AnalysisSettings(fps=10.0)
    clock = ManualClock(START)
    analyser = LiveAnalyser("cam", scene, sink, fps=10.0, clock=clock, analysis=analysis, view=view)
    yield analyser, sink
    analyser.close()


def test_a_camera_that_turns_is_told_to_the_sink_and_its_pictures_are_counted_as_not_watched(
    live: tuple[LiveAnalyser, RecordingSink],
) -> None:
    analyser, sink = live
    push_each_analysed(analyser, coded(count=16 * FPS, gop=25, options={"bf": "0"}, paint=turns))
    sink.wait_until(lambda sink: CameraFault.VIEW_CHANGED in sink.faults)
    assert sink.faults[CameraFault.VIEW_CHANGED].endswith(ADVICE)
    assert 60.0 <= analyser.statistics()["paused/yard"] <= 81.0


def test_who_no_longer_wants_the_view_watched_hears_that_its_faults_are_over(
    live: tuple[LiveAnalyser, RecordingSink],
) -> None:
    analyser, sink = live
    packets = coded(count=18 * FPS, gop=25, options={"bf": "0"}, paint=turns)
    push_each_analysed(analyser, packets[: 15 * FPS])
    sink.wait_until(lambda sink: CameraFault.VIEW_CHANGED in sink.faults)
    camera = CameraSettings(id="cam", vms="v", device="d", rules=(YARD,), watch_view=False)
    vms = VmsSettings(id="v", type="any", url="https://vms", username="u", password=SecretRef(secret="p"))
    site = SiteSettings(
        version=1, site=Site(name="Gare"), vms=(vms,), cameras=(camera,), analysis=AnalysisSettings(fps=10.0)
    )
    assert analyser.configure(camera, site, {})
    paused = analyser.statistics()["paused/yard"]
    push_each_analysed(analyser, packets[15 * FPS :])
    sink.wait_until(lambda sink: CameraFault.VIEW_CHANGED not in sink.faults)
    wait_until(lambda: analyser.statistics()["frames_analysed"] + analyser.statistics()["frames_skipped"] >= 175)
    assert analyser.statistics()["paused/yard"] <= paused + 2.0
