from __future__ import annotations

from typing import ClassVar

import pytest
from structlog.testing import capture_logs

from analytics.detect.density import DensityModel
from analytics.rules.zone_presence import ZonePresenceSettings
from analytics.runner import RuleRunner
from analytics.scene import SceneAnalyser, Verdict
from config.model import RuleSettings
from core import registry
from core.contracts import Detector, Rule
from core.types import Box, Detection, Occurrence, Tick
from tests.analytics.detect.onnx_file import density_model, verified_density
from tests.analytics.frames import scene_frame
from tests.analytics.scenes import BrightSpotDetector

ZONE = ZonePresenceSettings.model_validate(
    {"id": "yard", "type": "zone_presence", "zone": [[0.3, 0.3], [0.7, 0.3], [0.7, 0.9], [0.3, 0.9]], "dwell_s": 1.0}
)
INSIDE, OUTSIDE = (0.5, 0.7), (0.1, 0.7)


def scene(detector: Detector | None = None) -> SceneAnalyser:
    rule = RuleRunner("cam", ZONE, is_active=lambda _moment: True)
    return SceneAnalyser("cam", detector or BrightSpotDetector(), [rule], min_confidence=0.35)


def shown(analyser: SceneAnalyser, *places: tuple[float, float] | None, start: float = 0.0) -> list[Verdict]:
    """One picture every 0.2 s with a person at the place, or nobody."""
    frames = (scene_frame(start + number * 0.2, *([place] if place else [])) for number, place in enumerate(places))
    return [analyser.analyse(frame) for frame in frames]


def test_a_person_in_a_picture_becomes_an_alert_with_a_snapshot() -> None:
    verdicts = shown(scene(), *[OUTSIDE] * 3, *[INSIDE] * 12)
    (alert,) = [alert for verdict in verdicts for alert in verdict.alerts]
    assert alert.rule_id == "yard"
    assert alert.captured_at - alert.started_at == pytest.approx(1.0)
    assert alert.snapshot_jpeg.startswith(b"\xff\xd8")
    assert alert.objects[0].box.bottom == pytest.approx(0.7, abs=0.02)


def test_boxes_come_with_every_frame_empty_ones_included() -> None:
    boxes = [verdict.boxes for verdict in shown(scene(), None, None, *[INSIDE] * 5, *[None] * 20)]
    told = [item for item in boxes if item is not None]
    assert len(told) == len(boxes)
    assert [item.captured_at for item in told] == sorted(item.captured_at for item in told)
    assert {item.camera_id for item in told} == {"cam"}
    assert [bool(item.tracks) for item in (told[0], told[6], told[-1])] == [False, True, False]


def test_tracks_do_not_survive_an_interruption_and_ids_are_not_used_again() -> None:
    analyser = scene()
    before = shown(analyser, *[INSIDE] * 5)[-1].boxes
    analyser.interrupted()
    after = shown(analyser, *[INSIDE] * 5, start=1.0)
    assert before is not None
    assert after[0].boxes is not None
    assert after[0].boxes.tracks == ()
    assert after[-1].boxes is not None
    assert {track.track_id for track in after[-1].boxes.tracks}.isdisjoint({track.track_id for track in before.tracks})


def test_a_presence_reported_before_an_interruption_is_not_reported_again_after_it() -> None:
    analyser = scene()
    before = shown(analyser, *[INSIDE] * 12)
    analyser.interrupted()
    after = shown(analyser, *[INSIDE] * 12, start=3.0)
    assert [len([alert for verdict in part for alert in verdict.alerts]) for part in (before, after)] == [1, 0]


def test_when_the_clock_is_set_back_everything_starts_over() -> None:
    analyser = scene()
    with capture_logs() as logs:
        first = shown(analyser, *[INSIDE] * 12, start=10_000.0)
        second = shown(analyser, *[INSIDE] * 12, start=5_000.0)
    assert [len([alert for verdict in part for alert in verdict.alerts]) for part in (first, second)] == [1, 1]
    assert [entry["camera"] for entry in logs] == ["cam"]


def test_a_detector_that_fails_costs_its_frames_and_is_logged_once_with_its_recovery() -> None:
    detector = BrightSpotDetector([RuntimeError("boom"), RuntimeError("boom")])
    analyser = scene(detector)
    with capture_logs() as logs:
        verdicts = shown(analyser, *[INSIDE] * 12)
    assert verdicts[:2] == [Verdict([], None)] * 2
    assert sum(len(verdict.alerts) for verdict in verdicts) == 1
    assert analyser.detector_defects == 2
    assert [entry["log_level"] for entry in logs] == ["error", "info"]


class ScalingDetector(BrightSpotDetector):
    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        return width // 2, height // 2


def test_a_detector_that_tells_its_size_gets_pictures_of_that_size() -> None:
    plain, scaling = BrightSpotDetector(), ScalingDetector()
    for detector in (plain, scaling):
        shown(scene(detector), INSIDE)
    assert (plain.shapes, scaling.shapes) == ([(240, 320, 3)], [(120, 160, 3)])


def test_time_in_the_detector_is_measured() -> None:
    analyser = scene()
    shown(analyser, *[INSIDE] * 5)
    assert analyser.inference_s > 0.0
    assert analyser.captured_at == pytest.approx(0.8)


class SharedSpotDetector(BrightSpotDetector):
    """Has no memory of the scene, so that it may look at parts of it."""

    is_shared = True


class LooksCloser(Rule):
    """Looks at the same part in each frame, where it can."""

    settings_model: ClassVar[type[RuleSettings]] = RuleSettings
    found: ClassVar[list[list[Detection] | None]] = []
    part = Box(left=0.25, top=0.25, right=0.75, bottom=1.0)

    def __init__(self, settings: RuleSettings) -> None:
        """Needs nothing."""

    def update(self, tick: Tick) -> list[Occurrence]:
        self.found.append(None if tick.closer is None else tick.closer([self.part]))
        return []


def looking(detector: BrightSpotDetector, monkeypatch: pytest.MonkeyPatch) -> Verdict:
    """The verdict of one frame, with two rules that look closer."""
    LooksCloser.found.clear()
    monkeypatch.setattr(registry, "rule", lambda _name: LooksCloser)
    rules = [
        RuleRunner("cam", RuleSettings(id=name, type="looks"), is_active=lambda _moment: True) for name in ("a", "b")
    ]
    return SceneAnalyser("cam", detector, rules, min_confidence=0.35).analyse(scene_frame(0.0, INSIDE))


def test_rules_look_closer_through_the_detector_and_share_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = SharedSpotDetector()
    verdict = looking(detector, monkeypatch)
    first, second = LooksCloser.found
    assert first is not None
    assert first == second
    assert first[0].box.bottom == pytest.approx(0.7, abs=0.02)
    assert len(detector.shapes) == 2
    assert verdict.looks is not None
    assert [(look.parts, list(look.found)) for look in verdict.looks] == [((LooksCloser.part,), first)]


def test_a_detector_that_remembers_its_scene_is_not_shown_parts_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looking(BrightSpotDetector(), monkeypatch).looks is None
    assert LooksCloser.found == [None, None]


class AsksForPeople(Rule):
    """Asks the density map in each frame, where there is one."""

    settings_model: ClassVar[type[RuleSettings]] = RuleSettings
    told: ClassVar[list[float | None]] = []

    def __init__(self, settings: RuleSettings) -> None:
        """Needs nothing."""

    def update(self, tick: Tick) -> list[Occurrence]:
        seen = [track.box for track in tick.tracks] or [Box(left=0.45, top=0.4, right=0.55, bottom=0.7)]
        self.told.append(None if tick.density is None else tick.density(ZONE.zone, seen))
        return []


def asking(monkeypatch: pytest.MonkeyPatch, density: DensityModel | None) -> tuple[SceneAnalyser, Verdict]:
    """One frame in which a bright person stands, shown to two rules that ask."""
    AsksForPeople.told.clear()
    monkeypatch.setattr(registry, "rule", lambda _name: AsksForPeople)
    rules = [
        RuleRunner("cam", RuleSettings(id=name, type="asks"), is_active=lambda _moment: True) for name in ("a", "b")
    ]
    analyser = SceneAnalyser("cam", BrightSpotDetector(), rules, min_confidence=0.35, density=density)
    return analyser, analyser.analyse(scene_frame(0.0, INSIDE))


def test_rules_ask_the_density_map_and_the_verdict_tells_what_they_were_told(monkeypatch: pytest.MonkeyPatch) -> None:
    analyser, verdict = asking(monkeypatch, DensityModel(verified_density(density_model(0.1))))
    first, second = AsksForPeople.told
    assert first is not None
    assert first > 1.0
    assert first == second
    assert verdict.readings is not None
    assert [(reading.zone, reading.people) for reading in verdict.readings] == [(ZONE.zone, first)]
    assert analyser.inference_s > 0.0


def test_without_a_model_no_density_map_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    _, verdict = asking(monkeypatch, None)
    assert AsksForPeople.told == [None, None]
    assert verdict.readings is None


def test_a_density_map_that_fails_is_a_defect_of_the_rule_that_asked_only(monkeypatch: pytest.MonkeyPatch) -> None:
    model = DensityModel(verified_density(density_model()))
    monkeypatch.setattr(model, "map_of", lambda _pixels: 1 / 0)
    with capture_logs():
        analyser, verdict = asking(monkeypatch, model)
    assert analyser.rule_defects == 2
    assert analyser.detector_defects == 0
    assert verdict.boxes is not None
