from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from structlog.testing import capture_logs

from analytics.runner import RuleRunner
from config.model import RuleSettings
from core import registry
from core.contracts import Rule
from core.types import Alert, Box, Occurrence, Priority, RuleState, Tick, Track
from tests.analytics.frames import scene_frame


class EveryTrackRule(Rule):
    """Fires for each track it sees, in each frame; ``failures`` are raised first."""

    settings_model: ClassVar[type[RuleSettings]] = RuleSettings
    built: ClassVar[list[EveryTrackRule]] = []
    failures: ClassVar[list[Exception | None]] = []
    figures_fail = False

    def __init__(self, settings: RuleSettings) -> None:
        self.seen: list[Tick] = []
        self.built.append(self)

    def figures(self) -> dict[str, int]:
        if self.figures_fail:
            raise KeyError("figures")
        return {"frames": len(self.seen)}

    def update(self, tick: Tick) -> list[Occurrence]:
        self.seen.append(tick)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        moment = tick.captured_at
        details = {"side": "left"}
        return [
            Occurrence(captured_at=moment, started_at=moment - 2, tracks=(seen,), details=details)
            for seen in tick.tracks
        ]


class ZoneSettings(RuleSettings):
    zone: tuple[tuple[float, float], ...] = ((0.1, 0.1), (0.9, 0.1), (0.5, 0.9))
    classes: tuple[str, ...] = ()


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    EveryTrackRule.built.clear()
    EveryTrackRule.failures.clear()
    monkeypatch.setattr(registry, "rule", lambda _name: EveryTrackRule)


def runner(*, last_alert_at: float | None = None, active: Sequence[float] | None = None, **more: Any) -> RuleRunner:
    settings = ZoneSettings.model_validate({"id": "yard", "type": "every_track", **more})
    is_active = (lambda _moment: True) if active is None else (lambda moment: moment in active)
    return RuleRunner("cam", settings, is_active=is_active, last_alert_at=last_alert_at)


def track(track_id: int = 1, *, label: str = "person", score: float = 0.9, height: float = 0.2) -> Track:
    box = Box(left=0.4, top=0.5, right=0.5, bottom=0.5 + height)
    return Track(track_id=track_id, label=label, score=score, box=box, first_seen=0.0)


def fired(rule: RuleRunner, moment: float, *tracks: Track) -> list[Alert]:
    return rule.update(Tick(captured_at=moment, tracks=tracks or (track(),)))


def test_an_alert_carries_what_the_settings_and_the_occurrence_say() -> None:
    rule = runner(name="Courtyard", priority="high", state="observe")
    (alert,) = rule.update(Tick(captured_at=100.0, tracks=(track(7),), pixels=scene_frame(100.0)))
    assert (alert.camera_id, alert.rule_id, alert.rule_type, alert.rule_name) == (
        "cam",
        "yard",
        "every_track",
        "Courtyard",
    )
    assert (alert.priority, alert.state) == (Priority.HIGH, RuleState.OBSERVE)
    assert (alert.captured_at, alert.started_at) == (100.0, 98.0)
    assert [(thing.track_id, thing.label, thing.score) for thing in alert.objects] == [(7, "person", 0.9)]
    assert alert.objects[0].box == track().box
    assert (alert.zone, alert.line) == (((0.1, 0.1), (0.9, 0.1), (0.5, 0.9)), ())
    assert alert.details == {"side": "left"}
    assert alert.snapshot_jpeg.startswith(b"\xff\xd8")
    assert alert.alert_id == Alert.derive_id("cam", "yard", 100.0, (7,))


def test_a_rule_without_a_name_goes_by_its_id_and_without_pixels_there_is_no_snapshot() -> None:
    (alert,) = fired(runner(), 1.0)
    assert (alert.rule_name, alert.snapshot_jpeg) == ("yard", b"")


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        ({}, [1, 2, 3, 4]),
        ({"classes": ["person"]}, [1, 3, 4]),
        ({"classes": ["person", "car"]}, [1, 2, 3, 4]),
        ({"min_confidence": 0.5}, [1, 2, 4]),
        ({"min_size": 0.25}, [4]),
        ({"max_size": 0.25}, [1, 2, 3]),
        ({"min_size": 0.2, "max_size": 0.2}, [1, 2, 3]),
    ],
)
def test_a_rule_sees_only_the_objects_that_count_for_it(settings: dict[str, Any], seen: list[int]) -> None:
    tracks = (track(1, height=0.2), track(2, label="car"), track(3, score=0.4), track(4, height=0.3))
    exact = tuple(
        Track(track_id=t.track_id, label=t.label, score=t.score, box=_exact(t), first_seen=0.0) for t in tracks
    )
    fired(runner(**settings), 1.0, *exact)
    assert [visible.track_id for visible in EveryTrackRule.built[0].seen[0].tracks] == seen


def _exact(seen: Track) -> Box:
    """Heights that floating point does not blur."""
    height = 0.3 if seen.track_id == 4 else 0.2
    return Box(left=0.4, top=0.0, right=0.5, bottom=height)


def test_outside_its_schedule_a_rule_is_not_asked() -> None:
    rule = runner(active=[2.0, 3.0])
    assert [len(fired(rule, moment)) for moment in (1.0, 2.0, 3.0, 4.0)] == [0, 1, 1, 0]
    assert [tick.captured_at for tick in EveryTrackRule.built[0].seen] == [2.0, 3.0]


def test_off_duty_a_rule_forgets_what_it_saw_once() -> None:
    rule = runner(active=[1.0, 4.0])
    for moment in (1.0, 2.0, 3.0, 4.0):
        fired(rule, moment)
    assert [[tick.captured_at for tick in built.seen] for built in EveryTrackRule.built] == [[1.0], [4.0]]


def test_a_rule_whose_classes_are_a_list_is_run_like_any_other() -> None:
    class PlugInSettings(ZoneSettings):
        classes: list[str]  # type: ignore[assignment]

    settings = PlugInSettings.model_validate({"id": "yard", "type": "every_track", "classes": ["car"]})
    rule = RuleRunner("cam", settings, is_active=lambda _moment: True)
    assert len(fired(rule, 1.0, track(1), track(2, label="car"))) == 1


@pytest.mark.parametrize(
    ("last_alert_at", "moments", "expected"),
    [
        (None, (0.0, 5.0, 9.9, 10.0, 12.0, 20.0), [0.0, 10.0, 20.0]),
        (95.0, (100.0, 104.9, 105.0), [105.0]),
        (500.0, (100.0, 101.0), [100.0]),
    ],
    ids=["in capture time", "across a restart", "the clock was set back"],
)
def test_after_an_alert_a_rule_is_silent_for_its_cooldown(
    last_alert_at: float | None, moments: tuple[float, ...], expected: list[float]
) -> None:
    rule = runner(cooldown_s=10.0, last_alert_at=last_alert_at)
    assert [alert.captured_at for moment in moments for alert in fired(rule, moment)] == expected


def test_without_a_cooldown_every_object_of_a_frame_is_told() -> None:
    assert len(fired(runner(), 1.0, track(1), track(2))) == 2
    assert len(fired(runner(cooldown_s=1.0), 1.0, track(1), track(2))) == 1


def test_a_defect_is_logged_once_with_its_place_and_the_rule_goes_on() -> None:
    EveryTrackRule.failures[:] = [KeyError("secret of the rule"), None, KeyError("again"), None]
    rule = runner()
    with capture_logs() as logs:
        assert [len(fired(rule, moment)) for moment in (1.0, 2.0, 3.0, 4.0)] == [0, 1, 0, 1]
    assert rule.defects == 2
    assert [(entry["camera"], entry["rule"]) for entry in logs] == [("cam", "yard")]


def test_a_rule_that_fails_three_times_in_a_row_is_switched_off() -> None:
    EveryTrackRule.failures[:] = [KeyError()] * 3
    rule = runner()
    with capture_logs() as logs:
        assert [len(fired(rule, float(moment))) for moment in range(6)] == [0] * 6
    assert rule.defects == 3
    assert len(EveryTrackRule.built[0].seen) == 3
    assert "switched off" in logs[-1]["event"]


def test_a_rule_that_fails_now_and_then_is_not_switched_off() -> None:
    EveryTrackRule.failures[:] = [KeyError(), KeyError(), None] * 3
    rule = runner()
    with capture_logs():
        assert [len(fired(rule, float(moment))) for moment in range(10)] == [0, 0, 1] * 3 + [1]
    assert rule.defects == 6


def test_a_rule_that_hands_back_nonsense_is_a_defect_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = runner()
    monkeypatch.setattr(EveryTrackRule, "update", lambda _rule, _tick: [None])
    with capture_logs() as logs:
        assert fired(rule, 1.0) == []
    assert (rule.defects, len(logs)) == (1, 1)


def test_starting_over_forgets_what_the_rule_saw_but_not_the_cooldown() -> None:
    rule = runner(cooldown_s=10.0)
    assert len(fired(rule, 1.0)) == 1
    rule.restart()
    assert len(EveryTrackRule.built) == 2
    assert fired(rule, 5.0) == []


def test_rules_for_which_the_same_objects_count_share_what_they_work_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Tick] = []

    def update(_rule: EveryTrackRule, tick: Tick) -> list[Occurrence]:
        asked.append(tick)
        return []

    monkeypatch.setattr(EveryTrackRule, "update", update)
    tick = Tick(captured_at=1.0, tracks=(track(1), track(2, label="car")))
    for classes in (["person"], ["person"], ["car"]):
        runner(classes=classes).update(tick)
    assert asked[0] is asked[1]
    assert [seen.track_id for seen in asked[2].tracks] == [2]


def test_a_picture_goes_with_its_frame_whatever_was_worked_out_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def update(_rule: EveryTrackRule, _tick: Tick) -> list[Occurrence]:
        return []

    monkeypatch.setattr(EveryTrackRule, "update", update)
    rule, picture = runner(), scene_frame(1.0)
    held = sys.getrefcount(picture)
    rule.update(Tick(captured_at=1.0, tracks=(track(),), pixels=picture))
    assert sys.getrefcount(picture) == held


def test_what_a_rule_counts_is_told_up_to_the_last_frame_and_begins_anew_with_it() -> None:
    rule = runner(active=[1.0, 2.0])
    told = [dict(rule.figures)]
    for moment in (1.0, 2.0, 3.0):
        fired(rule, moment)
        told.append(dict(rule.figures))
    assert told == [{"frames": 0}, {"frames": 1}, {"frames": 2}, {"frames": 2}]
    rule.restart()
    assert rule.figures == {"frames": 0}


def test_figures_that_fail_are_a_defect_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = runner()
    monkeypatch.setattr(EveryTrackRule, "figures_fail", True)
    with capture_logs():
        assert fired(rule, 1.0) == []
    assert (rule.defects, rule.figures) == (1, {"frames": 0})


def test_a_rule_switched_off_sees_nothing_and_starts_afresh_when_it_is_on_again() -> None:
    rule = runner(cooldown_s=10.0)
    assert len(fired(rule, 100.0)) == 1
    rule.switch(RuleState.OFF)
    assert fired(rule, 120.0) == []
    assert len(EveryTrackRule.built) == 1
    rule.switch(None)
    assert len(EveryTrackRule.built) == 2
    assert fired(rule, 105.0) == []  # the cooldown was kept
    assert [alert.state for alert in fired(rule, 130.0)] == [RuleState.ARMED]


def test_a_switched_rule_fires_in_its_new_state_and_keeps_what_it_saw() -> None:
    rule = runner()
    rule.switch(RuleState.OBSERVE)
    assert [alert.state for alert in fired(rule, 100.0)] == [RuleState.OBSERVE]
    assert len(EveryTrackRule.built) == 1
