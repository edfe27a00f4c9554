"""A camera's rules changed while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from analytics import pipeline
from analytics.pipeline import LiveAnalyser, create_analyser
from analytics.rules.all_of import AllOfSettings
from analytics.rules.zone_presence import ZonePresenceSettings
from analytics.runner import RuleRunner, rule_runners
from config.model import AnalysisSettings, CameraSettings, RuleSettings, SiteSettings
from core.types import Box, RuleState, Tick, Track, UtcSeconds
from tests.analytics.scenes import BrightSpotDetector, RecordingSink
from tests.analytics.test_pipeline import push_all, push_each_analysed, site, stream, wait_until

pytestmark = pytest.mark.slow


def zone(name: str, **settings: Any) -> RuleSettings:
    corners = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
    return ZonePresenceSettings.model_validate(
        {"id": name, "type": "zone_presence", "zone": corners, "dwell_s": 1.0, **settings}
    )


def both(*names: str) -> RuleSettings:
    return AllOfSettings.model_validate({"id": "both", "type": "all_of", "rules": names})


def built(*rules: RuleSettings, running: list[RuleRunner] | None = None, active: bool = True) -> list[RuleRunner]:
    return rule_runners("cam", rules, is_active=lambda _rule: lambda _moment: active, running=running or [])


def seen(runner: RuleRunner, moment: UtcSeconds) -> int:
    """How many alerts a person in the zone makes at that moment."""
    box = Box(left=0.4, top=0.4, right=0.5, bottom=0.6)
    track = Track(track_id=1, label="person", score=0.9, box=box, first_seen=0.0)
    return len(runner.update(Tick(captured_at=moment, tracks=(track,), pixels=None)))


def test_a_rule_that_did_not_change_goes_on_with_what_it_saw_and_the_others_are_new() -> None:
    before = built(zone("same"), zone("other"), zone("gone"))
    after = built(zone("same"), zone("other", dwell_s=2.0), zone("new"), running=before)
    assert after[0] is before[0]
    assert not {id(runner) for runner in after[1:]} & {id(runner) for runner in before}
    assert [runner.rule_id for runner in after] == ["same", "other", "new"]


def test_a_composition_is_new_when_one_of_its_members_is() -> None:
    before = built(zone("a"), zone("b"), both("a", "b"))
    assert built(zone("a"), zone("b"), both("a", "b"), running=before) == before
    after = built(zone("a"), zone("b", dwell_s=2.0), both("a", "b"), running=before)
    assert [new is old for new, old in zip(after, before, strict=True)] == [True, False, False]


def test_a_schedule_changes_under_a_rule_that_goes_on() -> None:
    before = built(zone("a", dwell_s=0.0))
    built(zone("a", dwell_s=0.0), running=before, active=False)
    assert seen(before[0], 10.0) == 0


def test_the_cooldown_of_a_changed_rule_goes_on() -> None:
    earlier, later = built(zone("a", dwell_s=0.0))[0], built(zone("a", dwell_s=0.0, cooldown_s=5.0))[0]
    assert seen(earlier, 10.0) == 1
    later.follow(earlier)
    assert seen(later, 14.0) == 0
    fresh = built(zone("a", dwell_s=0.0, cooldown_s=5.0))[0]
    fresh.follow(earlier)
    assert seen(fresh, 15.0) == 1


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[LiveAnalyser, SiteSettings, RecordingSink]]:
    settings = site()
    monkeypatch.setattr(pipeline, "create_detector", lambda _settings: BrightSpotDetector())
    sink = RecordingSink()
    analyser = create_analyser(settings.cameras[0], settings, sink, {}, {})
    assert isinstance(analyser, LiveAnalyser)
    yield analyser, settings, sink
    analyser.close()


def with_rules(settings: SiteSettings, *rules: RuleSettings, **more: Any) -> CameraSettings:
    return settings.cameras[0].model_copy(update={"rules": rules, **more})


def test_another_detector_or_rate_needs_another_analyser_and_changes_nothing(
    running: tuple[LiveAnalyser, SiteSettings, RecordingSink],
) -> None:
    analyser, settings, _sink = running
    analysis = AnalysisSettings(fps=settings.analysis.fps + 1.0)
    assert not analyser.configure(with_rules(settings, analysis=analysis), settings, {})
    assert not analyser.configure(settings.cameras[0], settings.model_copy(update={"analysis": analysis}), {})
    assert not analyser._orders


def test_rules_change_while_tracks_go_on(running: tuple[LiveAnalyser, SiteSettings, RecordingSink]) -> None:
    analyser, settings, sink = running
    yard = settings.cameras[0].rules[0]
    packets = stream(6.0)
    push_each_analysed(analyser, packets[:75])
    assert [alert.rule_id for alert in sink.alerts] == ["yard"]
    late = yard.model_copy(update={"id": "late"})
    silent = late.model_copy(update={"id": "silent"})
    camera = with_rules(settings, yard, late, silent)
    assert analyser.configure(camera, settings, {"silent": RuleState.OFF})
    push_all(analyser, packets[75:])
    wait_until(lambda: len(sink.alerts) > 1)
    assert [alert.rule_id for alert in sink.alerts] == ["yard", "late"]
    first, second = sink.alerts
    assert [thing.track_id for thing in first.objects] == [thing.track_id for thing in second.objects]
