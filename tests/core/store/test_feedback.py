from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import Connection, Select

from config.model import ControlState
from core.clock import ManualClock
from core.store import Store
from core.store.feedback import Switch
from core.types import Answer, Delivery, RuleState, VerdictGiven
from tests.core.store.alerts import EVENT, NOW, alert

pytestmark = pytest.mark.slow

STRANGER = "vigie:0123456789abcdef0123"


def token_of(store: Store, camera_id: str = "cam", captured_at: float = NOW) -> str:
    made = alert(camera_id, captured_at)
    store.add_alert(made, EVENT)
    return Delivery.token_of(Delivery.derive_key(made.alert_id, "vms", "event"))


def verdict(token: str, answer: Answer = Answer.FALSE, at: float = NOW + 60, by: str = "Anne") -> VerdictGiven:
    return VerdictGiven(token=token, answer=answer, at=at, by=by, comment="reflet")


def switch(state: ControlState = ControlState.OFF, at: float = NOW, rule: str = "zone", camera: str = "cam") -> Switch:
    return Switch(camera_id=camera, rule_id=rule, state=state, vms_id="vms", event="Night off", switched_at=at)


def test_a_verdict_finds_its_alert_by_the_token_of_a_delivery(store: Store) -> None:
    token_of(store, "other")
    kept = store.feedback.judge("vms", verdict(token_of(store)))
    assert kept is not None
    assert (kept.camera_id, kept.rule_id, kept.answer, kept.said_by) == ("cam", "rule", Answer.FALSE, "Anne")
    assert store.feedback.verdict(alert().alert_id) == kept
    assert store.feedback.verdicts() == [kept]


@pytest.mark.parametrize("token", ["", "vigie:", "vigie:zz", STRANGER, STRANGER.replace("vigie", "other"), "vigie:0"])
def test_a_verdict_on_what_is_not_ours_changes_nothing(store: Store, token: str) -> None:
    token_of(store)
    assert store.feedback.judge("vms", verdict(token)) is None
    assert store.feedback.verdicts() == []


def test_half_a_token_is_no_token(store: Store) -> None:
    assert store.feedback.judge("vms", verdict(token_of(store)[:12])) is None


def test_a_verdict_told_twice_is_new_once(store: Store) -> None:
    token = token_of(store)
    assert store.feedback.judge("vms", verdict(token)) is not None
    assert store.feedback.judge("vms", verdict(token)) is None


def test_the_latest_verdict_stands_whatever_the_order_they_are_told_in(store: Store) -> None:
    token = token_of(store)
    store.feedback.judge("vms", verdict(token, Answer.TRUE, at=NOW + 90))
    assert store.feedback.judge("vms", verdict(token, Answer.FALSE, at=NOW + 60)) is None
    kept = store.feedback.verdict(alert().alert_id)
    assert kept is not None
    assert kept.answer is Answer.TRUE


def test_verdicts_are_listed_newest_first_and_since_a_moment(store: Store) -> None:
    for number in range(3):
        store.feedback.judge("vms", verdict(token_of(store, captured_at=NOW + number), at=NOW + 100 + number))
    assert [found.said_at for found in store.feedback.verdicts(since=NOW + 101)] == [NOW + 102, NOW + 101]
    assert len(store.feedback.verdicts(limit=1)) == 1


def test_a_verdict_goes_with_its_alert(store: Store) -> None:
    token = token_of(store)
    store.feedback.judge("vms", verdict(token))
    delivery = store.next_delivery("vms", NOW)
    assert delivery is not None
    store.park(delivery.key, "test")
    assert store.purge(NOW + 1) == 1
    assert store.feedback.verdicts() == []


def test_what_outside_text_holds_is_made_storable(store: Store) -> None:
    kept = store.feedback.judge("vms", verdict(token_of(store), by="A\x00nne \ud800"))
    assert kept is not None
    assert "\x00" not in kept.said_by


def test_a_switched_rule_is_known_until_it_is_as_configured_again(store: Store) -> None:
    assert store.feedback.switch(switch())
    assert store.feedback.states("cam") == {"zone": RuleState.OFF}
    assert store.feedback.states("other") == {}
    assert store.feedback.switch(switch(ControlState.AS_CONFIGURED, NOW + 1))
    assert store.feedback.states("cam") == {}
    assert store.feedback.switches() == []


def test_an_older_or_the_same_switch_told_again_changes_nothing(store: Store) -> None:
    store.feedback.switch(switch(ControlState.OFF, NOW))
    store.feedback.switch(switch(ControlState.ARMED, NOW + 5))
    assert not store.feedback.switch(switch(ControlState.OFF, NOW))
    assert not store.feedback.switch(switch(ControlState.OFF, NOW + 5))
    assert store.feedback.states("cam") == {"zone": RuleState.ARMED}


def test_an_old_switch_told_after_the_rule_is_as_configured_changes_nothing(store: Store) -> None:
    store.feedback.switch(switch(ControlState.OFF, NOW))
    store.feedback.switch(switch(ControlState.AS_CONFIGURED, NOW + 5))
    assert not store.feedback.switch(switch(ControlState.OFF, NOW + 2))
    assert store.feedback.states("cam") == {}


def test_switches_of_rules_that_are_gone_are_dropped(store: Store) -> None:
    store.feedback.switch(switch(rule="kept"))
    store.feedback.switch(switch(rule="gone"))
    assert store.feedback.forget_switches({("cam", "kept")}) == 1
    assert store.feedback.states("cam") == {"kept": RuleState.OFF}
    assert store.feedback.forget_switches({("cam", "kept")}) == 0


def test_a_channels_cursor_moves_forward_only(store: Store) -> None:
    assert store.feedback.heard_to("vms", "events") is None
    store.feedback.hear("vms", "events", NOW)
    store.feedback.hear("vms", "events", NOW - 5)
    store.feedback.hear("vms", "verdicts", NOW + 5)
    assert store.feedback.heard_to("vms", "events") == NOW


def test_what_the_vms_answered_survives_a_restart(url: str, clock: ManualClock) -> None:
    first = Store.open(url, clock=clock)
    token = token_of(first)
    first.feedback.judge("vms", verdict(token))
    first.feedback.switch(switch())
    first.feedback.hear("vms", "events", NOW)
    first.close()
    second = Store.open(url, clock=clock)
    assert len(second.feedback.verdicts()) == 1
    assert second.feedback.states("cam") == {"zone": RuleState.OFF}
    assert second.feedback.heard_to("vms", "events") == NOW
    second.close()


def test_what_one_event_does_is_kept_in_one_transaction_and_read_by_camera(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    transactions = store.feedback._transactions
    writing, reading = transactions.writing, transactions.all
    written: list[AbstractContextManager[Connection]] = []
    read: list[Sequence[Any]] = []

    def counted_writing() -> AbstractContextManager[Connection]:
        written.append(writing())
        return written[-1]

    def counted_reading(wanted: Select[Any]) -> Sequence[Any]:
        read.append(reading(wanted))
        return read[-1]

    monkeypatch.setattr(transactions, "writing", counted_writing)
    monkeypatch.setattr(transactions, "all", counted_reading)
    store.feedback.switch(switch(rule="known", at=NOW + 5))
    rules = [switch(camera=f"cam-{number}") for number in range(20)]
    assert store.feedback.switch(*rules, switch(rule="known")) == rules
    assert len(written) == 2
    assert store.feedback.states("cam-7") == {"zone": RuleState.OFF}
    assert [len(rows) for rows in read] == [1], "a site with thousands of cameras reads only what it asks for"
