"""The relay as a thread, on the real clock."""

from __future__ import annotations

import random
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from config.model import CameraSettings
from core.clock import SystemClock
from core.fakes import FakeConnector
from core.outbox.relay import DeliveryRelay
from core.store import Store
from core.types import Alert, Delivery, DeliveryState, Receipt
from tests.core.outbox.bench import CAMERAS, VMS, make_alert

PATIENCE_S = 10.0
CLOCK = SystemClock()


class SignallingConnector(FakeConnector):
    """Tells when a request arrives, and may be kept from answering it."""

    def __init__(self) -> None:
        super().__init__(askable=())
        self.arrived = threading.Semaphore(0)
        self.may_answer = threading.Event()
        self.may_answer.set()

    def publish(self, delivery: Delivery, alert: Alert, camera: CameraSettings) -> Receipt:
        self.arrived.release()
        assert self.may_answer.wait(PATIENCE_S)
        return super().publish(delivery, alert, camera)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'vigie.db'}", clock=CLOCK)
    yield opened
    opened.close()


@pytest.fixture
def connector() -> SignallingConnector:
    return SignallingConnector()


@pytest.fixture
def relay(store: Store, connector: SignallingConnector) -> Iterator[DeliveryRelay]:
    made = DeliveryRelay(vms=VMS, connector=connector, store=store, cameras=CAMERAS, clock=CLOCK, rng=random.Random(1))
    yield made
    connector.may_answer.set()
    made.stop(PATIENCE_S)


def add(store: Store, camera_id: str = "a") -> None:
    store.add_alert(make_alert(camera_id, CLOCK.utc()), [("vms", "event")])


def test_a_woken_relay_delivers_at_once(store: Store, connector: SignallingConnector, relay: DeliveryRelay) -> None:
    relay.start()
    for _ in range(3):
        add(store)
        began = CLOCK.monotonic()
        relay.wake()
        assert connector.arrived.acquire(timeout=PATIENCE_S)
        assert CLOCK.monotonic() - began < 2.0  # well before it would have looked again by itself
    assert relay.stop(PATIENCE_S)
    assert store.delivery_counts() == {("vms", "event", DeliveryState.DELIVERED): 3}


def test_stopping_waits_for_the_attempt_under_way(
    store: Store, connector: SignallingConnector, relay: DeliveryRelay
) -> None:
    connector.may_answer.clear()
    add(store, "a")
    add(store, "b")
    relay.start()
    assert connector.arrived.acquire(timeout=PATIENCE_S)
    assert not relay.stop(0.01)
    connector.may_answer.set()
    assert relay.stop(PATIENCE_S)
    assert store.delivery_counts() == {
        ("vms", "event", DeliveryState.DELIVERED): 1,
        ("vms", "event", DeliveryState.PENDING): 1,
    }


def test_a_relay_that_never_started_can_be_stopped(relay: DeliveryRelay) -> None:
    assert relay.stop(PATIENCE_S)


def test_a_defect_of_the_relay_itself_does_not_end_its_thread(
    store: Store, connector: SignallingConnector, relay: DeliveryRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failed = store.next_delivery, threading.Event()

    def failing_once(vms_id: str, now: float, aside: Collection[UUID]) -> Delivery | None:
        if not failed.is_set():
            failed.set()
            raise KeyError("a defect")
        return real(vms_id, now, aside)

    monkeypatch.setattr(store, "next_delivery", failing_once)
    add(store)
    with capture_logs() as logs:
        relay.start()
        assert failed.wait(PATIENCE_S)
        relay.wake()
        assert connector.arrived.acquire(timeout=PATIENCE_S)
    assert [entry["event"] for entry in logs] == ["defect in the relay"]
    assert logs[0]["log_level"] == "error"
