"""What the rules of a camera do when it looks elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from analytics.rules.counting import CountingSettings
from analytics.rules.zone_presence import ZonePresenceSettings
from analytics.runner import RuleRunner
from analytics.scene import SceneAnalyser, Verdict
from analytics.view.watch import HOME, NOWHERE, Facing
from config.model import RuleSettings
from tests.analytics.frames import scene_frame
from tests.analytics.scenes import BrightSpotDetector

pytestmark = pytest.mark.slow

ZONE = {"type": "zone_presence", "zone": [[0.3, 0.3], [0.7, 0.3], [0.7, 0.9], [0.3, 0.9]], "dwell_s": 1.0}
YARD = ZonePresenceSettings.model_validate({"id": "yard", **ZONE})
GATE = ZonePresenceSettings.model_validate({"id": "gate", "preset": "gate", **ZONE})
COUNT = CountingSettings.model_validate({"id": "count", "type": "counting", "line": [[0.5, 0.0], [0.5, 1.0]]})
INSIDE, LEFT, RIGHT = (0.5, 0.7), (0.3, 0.7), (0.7, 0.7)
UNSURE = Facing(frozenset(), is_sure=False)
FACING_GATE = Facing(frozenset({"gate"}))


class Bench:
    """Ten pictures a second."""

    def __init__(self, *rules: RuleSettings) -> None:
        runners = [RuleRunner("cam", rule, is_active=lambda _moment: True) for rule in rules]
        self.detector = BrightSpotDetector()
        self.scene = SceneAnalyser("cam", self.detector, runners, min_confidence=0.35)
        self.now = 0.0

    def shown(self, facing: Facing, places: Sequence[tuple[float, float]]) -> list[Verdict]:
        verdicts = []
        for place in places:
            self.scene.face(facing)
            verdicts.append(self.scene.analyse(scene_frame(self.now, place)))
            self.now += 0.1
        return verdicts

    def alerts(self, facing: Facing, seconds: float) -> list[str]:
        """Rules that fired while somebody stood in the zone."""
        verdicts = self.shown(facing, [INSIDE] * round(seconds * 10))
        return [alert.rule_id for verdict in verdicts for alert in verdict.alerts]


def test_a_rule_pauses_and_forgets_while_its_view_is_not_shown() -> None:
    bench = Bench(YARD)
    assert bench.alerts(HOME, 0.8) == []
    assert bench.alerts(NOWHERE, 30.0) == []
    assert bench.alerts(HOME, 0.8) == []
    assert bench.alerts(HOME, 2.0) == ["yard"]


def test_a_rule_that_waits_in_doubt_forgets_nothing() -> None:
    bench = Bench(YARD)
    assert bench.alerts(HOME, 1.2) == []
    assert bench.alerts(UNSURE, 0.5) == []
    assert bench.alerts(HOME, 0.7) == ["yard"]


def test_each_rule_watches_in_the_view_of_its_preset() -> None:
    bench = Bench(YARD, GATE)
    assert bench.alerts(HOME, 2.5) == ["yard"]
    assert bench.alerts(FACING_GATE, 2.5) == ["gate"]
    assert bench.alerts(Facing(frozenset({"gate", None})), 3.0) == ["yard"]


def test_tracks_do_not_survive_another_view() -> None:
    bench = Bench(YARD, GATE)
    before = bench.shown(HOME, [INSIDE] * 10)[-1].boxes
    after = bench.shown(FACING_GATE, [INSIDE] * 10)[-1].boxes
    assert before is not None
    assert after is not None
    assert {track.track_id for track in before.tracks}.isdisjoint({track.track_id for track in after.tracks})


def test_the_detector_rests_while_no_rule_watches() -> None:
    bench = Bench(YARD)
    bench.shown(HOME, [INSIDE] * 5)
    verdicts = bench.shown(NOWHERE, [INSIDE] * 5)
    assert len(bench.detector.shapes) == 5
    assert [verdict.boxes for verdict in verdicts] == [None] * 5


def test_a_camera_without_rules_goes_on_showing_boxes() -> None:
    assert Bench().shown(NOWHERE, [INSIDE])[0].boxes is not None


def test_what_a_rule_has_counted_stays() -> None:
    bench = Bench(COUNT)
    over = [(LEFT[0] + 0.02 * step, 0.7) for step in range(21)]
    bench.shown(HOME, [LEFT] * 5 + over + [RIGHT] * 10)
    first = dict(bench.scene.figures["count"])
    bench.shown(NOWHERE, [LEFT] * 20)
    assert bench.scene.figures["count"] == first
    bench.shown(HOME, [LEFT] * 10 + over + [RIGHT] * 10)
    assert sum(first.values()) > 0
    assert sum(bench.scene.figures["count"].values()) == 2 * sum(first.values())


def test_pictures_of_another_view_are_counted_for_each_rule() -> None:
    bench = Bench(YARD, GATE)
    bench.shown(HOME, [INSIDE] * 4)
    bench.shown(FACING_GATE, [INSIDE] * 3)
    bench.shown(UNSURE, [INSIDE] * 2)
    assert bench.scene.frames_paused == {"yard": 5, "gate": 6}
