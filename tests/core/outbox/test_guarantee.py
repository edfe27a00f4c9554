"""Guarantee 1 under any sequence of faults: nothing lost, order kept, nothing doubled where the VMS can be asked."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.model import CameraSettings
from core.fakes import FakeConnector, Outcome
from core.types import Alert, Delivery, DeliveryState, Receipt
from tests.core.outbox.bench import Bench

ASKABLE, UNASKABLE = "event", "bookmark"
FAULTS = [outcome for outcome in Outcome if outcome not in {Outcome.REFUSE, Outcome.NOT_FOUND, Outcome.LACK_RIGHT}]
"""All but refusals, which park."""

KILL = "kill before the request leaves", "kill before the answer"


class Death(BaseException):
    """kill -9, as far as the relay can see."""


class MortalConnector(FakeConnector):
    """Also dies while it publishes, as if its process had been killed."""

    death: str = ""

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        death, self.death = self.death, ""
        if death == KILL[0]:
            raise Death
        receipt = super().publish(delivery, alert, camera)
        if death == KILL[1]:
            raise Death
        return receipt


@dataclass(frozen=True)
class Add:
    camera_id: str
    age_s: float
    actions: tuple[str, ...]


@dataclass(frozen=True)
class Fault:
    publish: Outcome
    find: Outcome


@dataclass(frozen=True)
class Step:
    times: int


@dataclass(frozen=True)
class Kill:
    when: str


Event = Add | Fault | Step | Kill

EVENTS: st.SearchStrategy[Sequence[Event]] = st.lists(
    st.one_of(
        st.builds(
            Add,
            st.sampled_from("abc"),
            st.sampled_from([0.0, 0.0, 30.0]),
            st.sampled_from([(ASKABLE,), (ASKABLE, UNASKABLE), (UNASKABLE, ASKABLE)]),
        ),
        st.builds(Fault, st.sampled_from(FAULTS), st.sampled_from(FAULTS)),
        st.builds(Step, st.integers(1, 6)),
        st.builds(Kill, st.sampled_from(KILL)),
    ),
    min_size=4,
    max_size=30,
)


def play(bench: Bench, connector: MortalConnector, events: Sequence[Event]) -> None:
    for event in events:
        match event:
            case Add():
                bench.add(event.camera_id, age_s=event.age_s, actions=event.actions)
            case Fault():
                connector.script.append(event.publish)
                connector.find_script.append(event.find)
            case Kill():
                connector.death = event.when
            case Step():
                walk(bench, event.times)


def walk(bench: Bench, times: int) -> None:
    for _ in range(times):
        try:
            bench.clock.advance(bench.relay.step())
        except Death:
            bench.restart()


def _lies_ready(event: Event) -> bool:
    """What a real VMS fetches comes in the order of its queue; the fake's lands later than what follows it."""
    return isinstance(event, Fault) and Outcome.LIE_READY in {event.publish, event.find}


def first_arrivals(connector: FakeConnector, camera_id: str) -> list[Delivery]:
    seen: dict[object, Delivery] = {}
    for taken in connector.accepted:
        if taken.delivery.camera_id == camera_id:
            seen.setdefault(taken.delivery.key, taken.delivery)
    return list(seen.values())


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EVENTS)
def test_nothing_is_lost_and_nothing_askable_is_doubled_whatever_goes_wrong(events: Sequence[Event]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        connector = MortalConnector(bench.vms, bench.connector.services, askable=[ASKABLE])
        bench.connector = connector
        bench.relay = bench.new_relay()
        try:
            play(bench, connector, events)
            connector.death = ""
            connector.script.clear()
            connector.find_script.clear()
            bench.restart()
            bench.drain()
            assert set(bench.states()) <= {DeliveryState.DELIVERED}
            meant = {delivery.key for delivery in bench.store.deliveries(limit=None)}
            counts = Counter(taken.delivery.key for taken in connector.accepted)
            assert set(counts) == meant
            doubled = {taken.delivery.action for taken in connector.accepted if counts[taken.delivery.key] > 1}
            assert ASKABLE not in doubled
        finally:
            bench.store.close()


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EVENTS)
def test_what_waits_together_leaves_in_order_of_capture_whatever_goes_wrong(events: Sequence[Event]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        connector = MortalConnector(bench.vms, bench.connector.services, askable=[ASKABLE, UNASKABLE])
        bench.connector = connector
        bench.relay = bench.new_relay()
        try:
            play(bench, connector, [event for event in events if isinstance(event, Add)])
            play(bench, connector, [event for event in events if not isinstance(event, Add) and not _lies_ready(event)])
            connector.death = ""
            connector.script.clear()
            connector.find_script.clear()
            bench.restart()
            bench.drain()
            captured_at = {alert.alert_id: alert.captured_at for alert in bench.store.alerts(limit=None)}
            as_stored = reversed(bench.store.deliveries(limit=None))
            in_order = sorted(as_stored, key=lambda delivery: captured_at[delivery.alert_id])
            for camera_id in "abc":
                meant = [delivery.key for delivery in in_order if delivery.camera_id == camera_id]
                assert [delivery.key for delivery in first_arrivals(connector, camera_id)] == meant
        finally:
            bench.store.close()
