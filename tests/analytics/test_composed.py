"""Compositions among the rules of a camera, as runners run them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from analytics.rules.all_of import AllOf
from analytics.rules.any_of import AnyOf
from analytics.runner import RuleRunner, rule_runners
from config.model import RuleSettings
from core import registry
from core.contracts import Composition, Rule
from core.types import Alert, Box, Occurrence, RuleState, Tick, Track


class LabelSettings(RuleSettings):
    classes: tuple[str, ...]


class EveryTrackOfItsClass(Rule):
    """Fires in each frame that has such an object."""

    settings_model: ClassVar[type[RuleSettings]] = LabelSettings

    def __init__(self, settings: RuleSettings) -> None:
        self.id = settings.id

    def update(self, tick: Tick) -> list[Occurrence]:
        if self.id == "broken":
            raise KeyError("a defect")
        if not tick.tracks:
            return []
        return [Occurrence(captured_at=tick.captured_at, started_at=tick.captured_at, tracks=tick.tracks)]


_KINDS: Mapping[str, type[Rule | Composition]] = {"every": EveryTrackOfItsClass, "all_of": AllOf, "any_of": AnyOf}


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "rule", _KINDS.__getitem__)


def member(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "every", "classes": [name], **more}


def both(name: str = "both", rules: tuple[str, ...] = ("cat", "dog"), **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "all_of", "rules": rules, **more}


class Camera:
    """Runners of some rules, and a moment for each frame."""

    def __init__(self, *rules: dict[str, Any], off_duty: str = "") -> None:
        settings = [_KINDS[rule["type"]].settings_model.model_validate(rule) for rule in rules]
        self.runners = rule_runners("cam", settings, is_active=lambda rule: lambda _moment: rule.id != off_duty)
        self._moment = 0.0

    def shows(self, *labels: str, **boxes: float) -> list[Alert]:
        """A frame, a second after the one before."""
        self._moment += 1.0
        tracks = tuple(_track(label, boxes.get(label, 0.5)) for label in labels)
        tick = Tick(captured_at=self._moment, tracks=tracks)
        return [alert for runner in self.runners for alert in runner.update(tick)]

    def runner(self, name: str) -> RuleRunner:
        return next(runner for runner in self.runners if runner.rule_id == name)


def _track(label: str, bottom: float) -> Track:
    number = sum(map(ord, label))
    box = Box(left=0.4, top=0.1, right=0.5, bottom=bottom)
    return Track(track_id=number, label=label, score=0.9, box=box, first_seen=0.0)


def told(alerts: list[Alert]) -> list[str]:
    return [f"{alert.rule_id} {alert.state.value}" for alert in alerts]


def test_members_that_only_observe_feed_the_composition_and_it_alone_is_armed() -> None:
    camera = Camera(both(), member("cat", state="observe"), member("dog", state="observe"))
    assert told(camera.shows("cat")) == ["cat observe"]
    assert told(camera.shows("dog")) == ["dog observe", "both armed"]


def test_a_member_s_own_cooldown_does_not_hide_it_from_the_composition() -> None:
    camera = Camera(member("cat", cooldown_s=100), member("dog", cooldown_s=100), both())
    camera.shows("cat")
    camera.shows("dog")
    assert told(camera.shows("cat", "dog")) == ["both armed"]


def test_a_composition_has_a_cooldown_and_a_schedule_of_its_own() -> None:
    camera = Camera(member("cat", state="observe"), member("dog", state="observe"), both(cooldown_s=2))
    fired = ["both armed" in told(camera.shows("cat", "dog")) for _ in range(5)]
    assert fired == [True, False, True, False, True]
    asleep = Camera(member("cat"), member("dog"), both(), off_duty="both")
    assert told(asleep.shows("cat", "dog")) == ["cat armed", "dog armed"]


@pytest.mark.parametrize("how", ["off", "off duty", "absent", "broken"])
def test_a_member_that_sees_nothing_keeps_all_of_from_firing_and_not_any_of(how: str) -> None:
    name = "broken" if how == "broken" else "dog"
    silent = [] if how == "absent" else [member(name, state="off" if how == "off" else "armed")]
    either = {"id": "either", "type": "any_of", "rules": ("cat", name)}
    off_duty = name if how == "off duty" else ""
    camera = Camera(member("cat"), *silent, both(rules=("cat", name)), either, off_duty=off_duty)
    assert told(camera.shows("cat", "dog")) == ["cat armed", "either armed"]
    assert camera.runner("both").defects == 0


def test_what_a_member_saw_is_forgotten_by_the_next_frame() -> None:
    camera = Camera(member("cat"), member("dog"), both())
    camera.shows("cat", "dog")
    camera.runner("cat").switch(RuleState.OFF)
    assert told(camera.shows("cat", "dog")) == ["dog armed"]
    assert camera.runner("cat").occurrences == ()


def test_operators_switch_members_and_compositions_while_it_runs() -> None:
    camera = Camera(member("cat"), member("dog", state="off"), both())
    assert told(camera.shows("cat", "dog")) == ["cat armed"]
    camera.runner("dog").switch(RuleState.OBSERVE)
    assert told(camera.shows("cat", "dog")) == ["cat armed", "dog observe", "both armed"]
    camera.runner("both").switch(RuleState.OBSERVE)
    assert told(camera.shows("cat", "dog"))[-1] == "both observe"
    camera.runner("both").switch(RuleState.OFF)
    camera.shows("cat")
    camera.runner("both").switch(None)
    assert told(camera.shows("dog")) == ["dog observe"]


def test_compositions_may_be_composed_in_whatever_order_they_are_written() -> None:
    outer = both("outer", ("both", "bird"))
    camera = Camera(outer, both(), member("cat"), member("dog"), member("bird"))
    assert [runner.rule_id for runner in camera.runners] == ["cat", "dog", "both", "bird", "outer"]
    alerts = camera.shows("cat", "dog", "bird")
    assert told(alerts)[-1] == "outer armed"
    assert {thing.label for thing in alerts[-1].objects} == {"cat", "dog", "bird"}


def test_objects_are_told_where_they_are_now_and_else_where_they_were_seen_last() -> None:
    camera = Camera(member("cat"), member("dog"), both())
    camera.shows("cat", cat=0.3)
    (*_, alert) = camera.shows("dog", cat=0.9)
    assert {thing.label: thing.box.bottom for thing in alert.objects} == {"dog": 0.5, "cat": 0.3}
    camera.shows("cat", cat=0.3)
    (*_, alert) = camera.shows("cat", "dog", cat=0.9)
    assert {thing.label: thing.box.bottom for thing in alert.objects} == {"dog": 0.5, "cat": 0.9}


def test_objects_too_small_for_the_composition_do_not_count_for_it() -> None:
    camera = Camera(member("cat"), member("dog"), both(min_size=0.3))
    assert told(camera.shows("cat", "dog", cat=0.2)) == ["cat armed", "dog armed"]
    assert told(camera.shows("cat", "dog"))[-1] == "both armed"


def test_watching_tells_what_comes_true_without_cooldown_or_alert() -> None:
    camera = Camera(member("cat", cooldown_s=100))
    tick = Tick(captured_at=1.0, tracks=(_track("cat", 0.5),))
    (runner,) = camera.runners
    assert [len(runner.watch(tick)) for _ in range(2)] == [1, 1]
    assert len(runner.update(tick)) == 1
    assert len(runner.update(tick)) == 0
    assert len(runner.occurrences) == 1
