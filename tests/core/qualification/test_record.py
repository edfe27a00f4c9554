from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from config.model import ControlState, RuleSettings, SiteSettings
from core.qualification.record import read_judged, read_records
from core.store import Store
from core.store.feedback import Switch
from core.store.slips import Judgement, SlipBox
from core.store.watches import WatchedRule
from core.types import Answer, Polygon, RuleState
from tests.core.engine.sites import camera, site
from tests.core.qualification.samples import judged, observed, record, rule, watch
from tests.core.store.alerts import NOW

pytestmark = pytest.mark.slow

ZONE: Polygon = ((0.1, 0.2), (0.9, 0.2), (0.9, 1.0))


class Counting(RuleSettings):
    fires: ClassVar[bool] = False


class Zoned(RuleSettings):
    zone: Polygon = ZONE


@pytest.fixture
def box(tmp_path: Path) -> SlipBox:
    return SlipBox(tmp_path / "verdicts")


def site_with(*rules: RuleSettings) -> SiteSettings:
    return site(camera("a").model_copy(update={"rules": rules}), camera("b").model_copy(update={"rules": rules}))


def judgement(at_s: float, answer: Answer, said_s: float) -> Judgement:
    return Judgement(alert_id=observed(at_s).alert_id, answer=answer, at=NOW + said_s, by="Anne")


def test_alerts_come_oldest_first_with_the_last_word_on_each(store: Store, box: SlipBox) -> None:
    for at_s in (20.0, 0.0, 10.0):
        store.add_alert(observed(at_s), [])
    store.feedback.judge_by_hand(judgement(0, Answer.FALSE, 60))
    store.feedback.judge_by_hand(judgement(10, Answer.FALSE, 90))
    box.put(judgement(0, Answer.TRUE, 70))
    box.put(judgement(10, Answer.TRUE, 80))
    assert [(item.alert.captured_at - NOW, item.answer) for item in read_judged(store, box)] == [
        (0.0, Answer.TRUE),
        (10.0, Answer.FALSE),
        (20.0, None),
    ]


def test_every_rule_that_fires_has_its_own_record(store: Store, box: SlipBox) -> None:
    store.add_alert(observed(), [])
    found = read_records(site_with(rule(), Counting(id="count", type="counting")), store, box)
    assert [(item.camera.id, item.rule.id, len(item.alerts)) for item in found] == [("a", "zone", 1), ("b", "zone", 0)]
    assert [item.camera.id for item in read_records(site_with(rule()), store, box, camera_id="b")] == ["b"]
    assert read_records(site_with(rule()), store, box, rule_id="other") == []


def test_what_was_captured_before_is_left_out(store: Store, box: SlipBox) -> None:
    for at_s in (0.0, 10.0):
        store.add_alert(observed(at_s), [])
    store.watches.extend([WatchedRule("a", "zone", RuleState.OBSERVE)], NOW, NOW + 7200)
    found = read_records(site_with(rule()), store, box, camera_id="a", since=NOW + 3600)[0]
    assert (len(found.alerts), found.hours()) == (0, 1.0)


def test_alerts_up_to_the_last_one_of_another_zone_are_left_out_with_their_hours(store: Store, box: SlipBox) -> None:
    old: Polygon = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    for at_s, zone in ((0.0, ZONE), (1800.0, old), (2000.0, ZONE)):
        store.add_alert(observed(at_s, zone=zone), [])
    store.watches.extend([WatchedRule("a", "zone", RuleState.OBSERVE)], NOW, NOW + 3600)
    found = read_records(site_with(Zoned(id="zone", type="zone_presence")), store, box, camera_id="a")[0]
    assert (len(found.alerts), found.left_out, found.hours()) == (1, 2, 0.5)


def test_the_state_is_what_operators_switched(store: Store, box: SlipBox) -> None:
    switch = Switch(camera_id="a", rule_id="zone", state=ControlState.ARMED, vms_id="vms", event="e", switched_at=NOW)
    store.feedback.switch(switch)
    assert [item.state for item in read_records(site_with(rule()), store, box)] == [RuleState.ARMED, RuleState.OBSERVE]


def test_hours_are_those_of_watching_by_state() -> None:
    made = record(judged(None), None, watch(0, 3600), watch(7200, 9000, RuleState.ARMED))
    assert (made.hours(), made.hours(RuleState.OBSERVE), made.hours(RuleState.ARMED)) == (1.5, 1.0, 0.5)


def test_alerts_from_before_the_hours_are_known_are_not_in_the_rate() -> None:
    made = record(judged(*[None] * 4, every_s=1000.0), None, watch(1030, 1030 + 7200))  # at 0, 1000, 2000, 3000 s
    assert made.alerts_per_hour == 1.5


def test_without_known_hours_there_is_no_rate() -> None:
    assert record(judged(None)).alerts_per_hour is None
