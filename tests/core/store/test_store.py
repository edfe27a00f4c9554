"""What holds on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from core.clock import ManualClock
from core.errors import StoreError
from core.store import SETTLE_S, Store
from core.types import AlertObject, Box, Delivery, DeliveryState, Receipt, RuleState
from tests.core.store.alerts import EVENT, NOW, alert, deliver, deliver_all, due

pytestmark = pytest.mark.slow

FAR = NOW + 1e6


def test_an_alert_comes_back_as_it_was_with_its_snapshot(store: Store) -> None:
    stored = alert(snapshot=bytes(range(256)) * 40)
    assert store.add_alert(stored, EVENT)
    assert store.alert(stored.alert_id) == stored
    assert store.alert(uuid4()) is None


def test_numbers_of_a_detector_are_stored_as_plain_numbers(store: Store) -> None:
    side = np.float32(0.25)
    box = Box(left=side, top=side, right=side, bottom=side)  # type: ignore[arg-type]
    seen = AlertObject(track_id=np.int64(7), label="person", score=np.float32(0.5), box=box)  # type: ignore[arg-type]
    stored = replace(alert(), objects=(seen,), zone=((side, side),))  # type: ignore[arg-type]
    store.add_alert(stored, [])
    assert store.alert(stored.alert_id) == stored


def test_the_same_alert_twice_is_stored_once_and_changes_nothing(store: Store) -> None:
    assert store.add_alert(alert(), EVENT)
    assert not store.add_alert(replace(alert(), rule_name="other"), [("vms", "event"), ("vms", "bookmark")])
    assert [found.rule_name for found in store.alerts()] == ["Voie interdite"]
    assert len(store.deliveries()) == 1


def test_an_observed_alert_is_stored_without_deliveries(store: Store) -> None:
    store.add_alert(replace(alert(), state=RuleState.OBSERVE), [])
    assert [found.state for found in store.alerts()] == [RuleState.OBSERVE]
    assert store.deliveries() == []


def test_an_alert_whose_deliveries_cannot_be_written_is_not_written_either(store: Store) -> None:
    with pytest.raises(StoreError):
        store.add_alert(alert(), [("vms", "event"), ("vms", "event")])
    assert store.alerts() == []
    assert store.delivery_counts() == {}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (float("nan"), None),
        (np.float32(0.5), 0.5),
        (np.array([1, 2]), [1, 2]),
        ((1, {"deep": {float("inf")}}), [1, {"deep": [None]}]),
        (Path("a"), "a"),
    ],
    ids=["nan", "scalar", "array", "nested", "object"],
)
def test_an_alert_is_never_refused_for_what_its_details_hold(store: Store, value: Any, stored: object) -> None:
    odd = replace(alert(), details={"odd": value})
    assert store.add_alert(odd, EVENT)
    found = store.alert(odd.alert_id)
    assert found is not None
    assert found.details == {"odd": stored}


def test_alerts_are_listed_newest_first_and_can_be_narrowed(store: Store) -> None:
    for camera_id, age in (("a", 3), ("b", 2), ("a", 1), ("a", 0)):
        store.add_alert(alert(camera_id, NOW - age, snapshot=b"jpeg"), [])
    assert [(found.camera_id, NOW - found.captured_at) for found in store.alerts(limit=2)] == [("a", 0), ("a", 1)]
    assert [NOW - found.captured_at for found in store.alerts(camera_id="a", since=NOW - 2)] == [0, 1]
    assert len(store.alerts(limit=None)) == 4
    assert all(found.snapshot_jpeg == b"" for found in store.alerts())


def test_the_latest_alert_of_each_rule_is_known(store: Store) -> None:
    for rule_id, age in (("line", 5), ("zone", 4), ("line", 1)):
        store.add_alert(alert("a", NOW - age, rule_id=rule_id), [])
    store.add_alert(alert("b", NOW), [])
    assert store.last_alerts("a") == {"line": NOW - 1, "zone": NOW - 4}
    assert store.last_alerts("nobody") == {}


def test_a_new_delivery_is_due_at_once_and_carries_its_derived_key(store: Store) -> None:
    store.add_alert(alert(), EVENT)
    delivery = due(store)
    assert delivery == Delivery(
        key=Delivery.derive_key(alert().alert_id, "vms", "event"),
        alert_id=alert().alert_id,
        camera_id="cam",
        vms_id="vms",
        action="event",
        state=DeliveryState.PENDING,
        attempts=0,
    )
    assert store.next_due_at("vms") == 0.0
    assert store.next_delivery("other", FAR) is None
    assert store.next_due_at("other") is None


def test_a_camera_is_served_by_capture_time_then_insertion_then_action(store: Store) -> None:
    store.add_alert(alert(captured_at=NOW, rule_id="second"), [("vms", "event"), ("vms", "bookmark")])
    store.add_alert(alert(captured_at=NOW, rule_id="third"), [("vms", "bookmark"), ("vms", "alarm")])
    store.add_alert(alert(captured_at=NOW - 1, rule_id="first"), EVENT)
    order = []
    while store.next_delivery("vms", NOW):
        delivery = deliver(store)
        stored = store.alert(delivery.alert_id)
        assert stored is not None
        order.append((stored.rule_id, delivery.action))
    assert order == [
        ("first", "event"),
        ("second", "event"),
        ("second", "bookmark"),
        ("third", "bookmark"),
        ("third", "alarm"),
    ]


def test_a_later_alert_waits_for_the_earlier_ones_of_its_camera_only(store: Store) -> None:
    store.add_alert(alert("a", NOW), EVENT)
    store.add_alert(alert("a", NOW + 1), EVENT)
    store.add_alert(alert("b", NOW + 2), EVENT)
    first = due(store)
    store.mark_sending(first.key)
    store.mark_retry(first.key, next_at=NOW + 60, error="busy", may_have_arrived=False)
    assert deliver_all(store) == [("b", "event")]
    assert store.next_due_at("vms") == NOW + 60
    assert due(store, NOW + 60).key == first.key


def test_while_one_is_being_sent_its_camera_waits(store: Store) -> None:
    store.add_alert(alert("a", NOW), EVENT)
    store.add_alert(alert("a", NOW + 1), EVENT)
    store.mark_sending(due(store).key)
    assert store.next_delivery("vms", FAR) is None
    assert store.next_due_at("vms") is None


def test_cameras_take_turns_whatever_the_backlog_of_one(store: Store) -> None:
    for age in range(6):
        store.add_alert(alert("busy", NOW - 100 - age), EVENT)
    store.add_alert(alert("calm", NOW), EVENT)
    store.add_alert(alert("calm", NOW + 1), EVENT)
    cameras = [camera for camera, _ in deliver_all(store)]
    assert cameras[:4] == ["busy", "calm", "busy", "calm"]
    assert len(cameras) == 8


def test_vms_do_not_wait_for_each_other(store: Store) -> None:
    store.add_alert(alert(), [("vms", "event"), ("other", "event")])
    store.mark_sending(due(store).key)
    found = store.next_delivery("other", NOW)
    assert found is not None
    assert found.vms_id == "other"


def test_an_attempt_is_counted_and_its_failure_kept(store: Store) -> None:
    store.add_alert(alert(), EVENT)
    key = due(store).key
    assert store.mark_sending(key)
    assert not store.mark_sending(key)
    store.mark_retry(key, next_at=NOW + 4, error="no\x00answer\ud800", may_have_arrived=True)
    [delivery] = store.deliveries()
    assert (delivery.attempts, delivery.last_error, delivery.may_have_arrived) == (1, "noanswer?", True)
    assert store.next_due_at("vms") == NOW + 4


def test_a_delivery_is_delivered_once_and_stays_so(store: Store) -> None:
    store.add_alert(alert(), EVENT)
    key = deliver(store).key
    store.mark_delivered(key, Receipt(remote_id="another"))
    store.mark_retry(key, next_at=0.0, error="late", may_have_arrived=True)
    assert not store.park(key, "late")
    [delivery] = store.deliveries()
    assert (delivery.state, delivery.remote_id, delivery.last_error) == (DeliveryState.DELIVERED, "x", "")
    assert store.next_delivery("vms", FAR) is None


def test_a_parked_delivery_lets_the_next_one_pass_and_can_be_sent_again(store: Store) -> None:
    store.add_alert(alert(captured_at=NOW), EVENT)
    store.add_alert(alert(captured_at=NOW + 1), EVENT)
    first = due(store)
    store.mark_sending(first.key)
    assert store.park(first.key, "the VMS does not know this camera")
    assert deliver_all(store) == [("cam", "event")]
    [parked] = store.deliveries(state=DeliveryState.PARKED)
    assert (parked.key, parked.last_error) == (first.key, "the VMS does not know this camera")
    assert store.unpark(first.key)
    assert not store.unpark(first.key)
    again = due(store)
    assert (again.key, again.attempts, again.state) == (first.key, 0, DeliveryState.PENDING)


def test_a_delivery_parked_by_a_person_while_it_was_sent_ends_as_what_the_vms_says(store: Store) -> None:
    store.add_alert(alert(), EVENT)
    key = due(store).key
    store.mark_sending(key)
    store.park(key, "enough")
    store.mark_retry(key, next_at=NOW, error="", may_have_arrived=True)
    assert store.deliveries()[0].state is DeliveryState.PARKED
    store.mark_delivered(key, Receipt())
    assert store.deliveries()[0].state is DeliveryState.DELIVERED


def test_what_a_dead_process_was_sending_is_pending_and_uncertain_after_a_moment(
    store: Store, clock: ManualClock
) -> None:
    store.add_alert(alert("a"), EVENT)
    store.add_alert(alert("b"), EVENT)
    sending = due(store)
    store.mark_sending(sending.key)
    assert store.recover() == 1
    assert store.recover() == 0
    assert [camera for camera, _ in deliver_all(store)] == ["b"]
    taken_over = due(store, clock.utc() + SETTLE_S)
    assert (taken_over.key, taken_over.may_have_arrived, taken_over.attempts) == (sending.key, True, 1)


def test_deliveries_of_a_vms_that_left_the_settings_are_parked(store: Store) -> None:
    store.add_alert(alert(), [("vms", "event"), ("gone", "event"), ("gone", "bookmark")])
    assert store.park_unknown_vms(["vms"]) == 2
    assert {delivery.vms_id for delivery in store.deliveries(state=DeliveryState.PARKED)} == {"gone"}
    assert deliver_all(store) == [("cam", "event")]


def test_hastening_brings_back_offs_forward_and_never_puts_anything_off(store: Store, clock: ManualClock) -> None:
    for camera_id, wait in (("a", 200.0), ("b", 0.5)):
        store.add_alert(alert(camera_id), EVENT)
        key = due(store).key
        store.mark_sending(key)
        store.mark_retry(key, next_at=NOW + wait, error="", may_have_arrived=False)
    assert store.hasten("vms") == 1
    assert store.next_due_at("vms") == NOW + 0.5
    assert len(deliver_all(store, clock.utc() + SETTLE_S)) == 2


def test_counts_and_backlog_tell_where_everything_stands(store: Store) -> None:
    assert store.backlog("vms") == (0, None)
    for index, camera_id in enumerate(("a", "b", "b")):
        store.add_alert(alert(camera_id, NOW + index), [("vms", "event"), ("vms", "bookmark")])
    deliver(store)
    store.park(due(store).key, "no")
    assert store.delivery_counts() == {
        ("vms", "event", DeliveryState.DELIVERED): 1,
        ("vms", "event", DeliveryState.PARKED): 1,
        ("vms", "event", DeliveryState.PENDING): 1,
        ("vms", "bookmark", DeliveryState.PENDING): 3,
    }
    assert store.delivery_counts(state=DeliveryState.PARKED) == {("vms", "event", DeliveryState.PARKED): 1}
    assert store.backlog("vms") == (4, NOW)


def test_deliveries_are_listed_newest_first_and_can_be_narrowed(store: Store) -> None:
    for age in (2, 1, 0):
        store.add_alert(alert("a", NOW - age), [("vms", "event"), ("other", "event")])
    deliver(store)
    assert len(store.deliveries(limit=None)) == 6
    newest = store.deliveries(vms_id="vms", limit=1)[0]
    assert newest.alert_id == alert("a", NOW).alert_id
    [delivered] = store.deliveries(state=DeliveryState.DELIVERED)
    assert delivered.alert_id == alert("a", NOW - 2).alert_id


def test_purging_erases_what_is_settled_and_never_what_still_waits(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.store.store._PURGE_BATCH", 2)
    for index in range(5):
        store.add_alert(alert("done", NOW - 500 + index, snapshot=b"x"), EVENT)
    deliver_all(store)
    store.add_alert(alert("observed", NOW - 400), [])
    store.add_alert(alert("parked", NOW - 400), EVENT)
    store.park(due(store).key, "no")
    store.add_alert(alert("waiting", NOW - 400), [("vms", "event"), ("vms", "bookmark")])
    deliver(store)
    store.add_alert(alert("recent", NOW), [])
    assert store.purge(NOW - 100) == 7
    assert {found.camera_id for found in store.alerts()} == {"waiting", "recent"}
    assert len(store.deliveries()) == 2
    assert store.purge(NOW - 100) == 0


def test_an_alert_added_after_a_purge_is_served_in_order(store: Store) -> None:
    store.add_alert(alert("a", NOW - 100), EVENT)
    deliver_all(store)
    store.purge(NOW)
    store.add_alert(alert("a", NOW), [("vms", "first"), ("vms", "second")])
    assert deliver_all(store) == [("a", "first"), ("a", "second")]


def test_many_threads_may_write_and_read_at_once(store: Store) -> None:
    start = threading.Barrier(4)

    def work(name: str) -> None:
        start.wait(10)
        for number in range(8):
            store.add_alert(alert(name, NOW + number), EVENT)
            assert store.alerts(camera_id=name, limit=1)[0].captured_at == NOW + number

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, "abcd"))
    assert len(store.alerts()) == 32
    assert len(deliver_all(store)) == 32


def test_what_was_stored_is_there_after_a_restart(url: str, clock: ManualClock) -> None:
    first = Store.open(url, clock=clock)
    first.add_alert(alert(), EVENT)
    first.close()
    second = Store.open(url, clock=clock)
    assert second.alerts() == [alert()]
    assert deliver_all(second) == [("cam", "event")]
    second.close()


def test_a_second_service_on_the_same_database_is_refused_until_the_first_ends(url: str, clock: ManualClock) -> None:
    first = Store.open(url, clock=clock)
    with pytest.raises(StoreError, match="another Vigie service") as refused:
        Store.open(url, clock=clock)
    assert "Stop that service" in refused.value.remedy
    assert first.add_alert(alert(), EVENT)
    first.close()
    Store.open(url, clock=clock).close()


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.add_alert(alert(), [])
    with pytest.raises(StoreError, match="closed"):
        store.alerts()


def test_a_write_that_hangs_is_reported_by_those_who_wait(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.store.transactions.LOCK_WAIT_S", 0.01)
    with store._transactions.exclusively(), pytest.raises(StoreError, match="did not finish a write"):
        store.add_alert(alert(), [])
