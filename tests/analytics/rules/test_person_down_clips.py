"""Real falls, and real people who only squat or sit: the shortest shared clips, read in place."""

from __future__ import annotations

import pytest
import yaml

from analytics.detect.factory import create_detector
from analytics.filevideo import FileVideo
from analytics.rate import FrameRate
from analytics.rules.person_down import PersonDown, PersonDownSettings
from analytics.track.tracker import Tracker
from config.model import AnalysisSettings
from core.contracts import Detector
from core.types import Tick
from tests.shared import shared

pytestmark = [pytest.mark.slow, pytest.mark.shared_data, pytest.mark.timeout(180)]


def rule_of(clip: str) -> PersonDown:
    clips = yaml.safe_load(shared("data/dataset.yaml").read_text(encoding="utf-8"))["clips"]
    rules = next(entry["rules"] for entry in clips if entry["id"] == clip)
    wanted = next(entry for entry in rules if entry["type"] == "person_down")
    return PersonDown(
        PersonDownSettings.model_validate({key: value for key, value in wanted.items() if key != "exhaustive"})
    )


def alerts(clip: str, model: str = "yolox_nano") -> list[float]:
    rule, rate = rule_of(clip), FrameRate(8.0)
    detector: Detector = create_detector(AnalysisSettings(detector=str(shared(f"data/models/{model}.onnx"))))
    found: list[float] = []
    with FileVideo(shared(f"data/videos/{clip}.mp4")) as video:
        tracker: Tracker | None = None
        for frame in video.frames():
            if not rate.take(frame.captured_at):
                continue
            tracker = tracker or Tracker(aspect=frame.width / frame.height)
            (detections,) = detector.detect([frame.rgb()])
            tracks = tracker.update(detections, frame.captured_at)
            tick = Tick(captured_at=frame.captured_at, tracks=tracks, pixels=frame)
            found += [occurrence.captured_at for occurrence in rule.update(tick)]
    return found


@pytest.mark.parametrize(
    ("clip", "start_s"), [("gmdcsa_s3_fall_01", 2.3), ("gmdcsa_s3_fall_16", 3.5), ("gmdcsa_s3_fall_20", 4.2)]
)
def test_a_fall_is_reported_once_in_time(clip: str, start_s: float) -> None:
    (at,) = alerts(clip)
    assert start_s - 1.0 <= at <= start_s + 2.0


@pytest.mark.parametrize("clip", ["gmdcsa_s3_adl_07", "gmdcsa_s3_adl_19", "fight_surv_fi061"])
def test_squatting_bending_and_fighting_on_ones_feet_is_no_fall(clip: str) -> None:
    assert alerts(clip) == []
