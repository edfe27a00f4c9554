"""How long deliveries took: from capture, and from when the alert was stored, until the VMS accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from core.errors import StoreError
from core.fakes import Outcome
from core.types import DeliveryState
from tests.core.outbox.bench import Bench

Make = Callable[..., Bench]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Bench] = []

    def _make(*script: Outcome) -> Bench:
        made.append(Bench(tmp_path, script=script))
        return made[-1]

    yield _make
    for bench in made:
        bench.store.close()


def test_nothing_is_told_before_the_vms_has_accepted_anything(make: Make) -> None:
    bench = make(Outcome.REFUSE)
    bench.add()
    bench.drain()
    assert bench.relay.latencies() == {}


def test_a_delivery_counts_once_by_its_action_from_capture_and_from_storing(make: Make) -> None:
    bench = make()
    bench.add(age_s=4.0, actions=("event", "alarm"))  # captured four seconds before it was stored
    bench.clock.advance(2.0)
    bench.drain()
    readings = bench.relay.latencies()
    assert set(readings) == {"event", "alarm"}
    for reading in readings.values():
        assert reading.since_capture.count == reading.since_alert.count == 1
        assert reading.since_capture.sum == pytest.approx(6.0, abs=0.01)
        assert reading.since_alert.sum == pytest.approx(2.0, abs=0.01)


def test_tries_count_into_the_one_that_is_accepted(make: Make) -> None:
    bench = make(Outcome.UNAVAILABLE, Outcome.DROP_AFTER_ACCEPT)
    bench.add()
    waited = bench.drain()
    reading = bench.relay.latencies()["event"]
    assert reading.since_alert.count == 1
    assert reading.since_alert.sum == pytest.approx(waited, abs=0.01)
    assert waited > 0


def test_a_database_that_cannot_tell_costs_a_figure_and_no_delivery(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make()

    def fail(_alert_id: UUID) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(bench.store, "stored_at", fail)
    bench.add()
    bench.drain()
    assert bench.states() == [DeliveryState.DELIVERED]
    reading = bench.relay.latencies()["event"]
    assert (reading.since_capture.count, reading.since_alert.count) == (1, 0)
