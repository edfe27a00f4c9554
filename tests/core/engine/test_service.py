from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from core import registry
from core.clock import ManualClock
from core.contracts import VmsConnector
from core.engine.messages import AlertRaised, Heartbeat, StreamChanged
from core.engine.service import Service
from core.errors import StoreError
from core.fakes import FakeConnector
from core.services import services_for
from core.types import Alert, DeliveryState, Health, HealthLevel, Priority, RuleState, StreamState
from tests.core.engine.sites import camera, site


class TwoActions(FakeConnector):
    """A VMS that gets an event and a bookmark for each alert."""

    def actions(self) -> tuple[str, ...]:
        return ("event", "bookmark")


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    def connector(_name: str) -> type[VmsConnector]:
        return TwoActions

    monkeypatch.setattr(registry, "connector", connector)
    services = services_for(tmp_path / "site.yaml", ManualClock())
    made = Service(site(camera("a"), folder=tmp_path / "var"), tmp_path / "site.yaml", services)
    yield made
    made.store.close()


def alert(state: RuleState = RuleState.ARMED) -> Alert:
    return Alert(
        alert_id=uuid4(),
        camera_id="a",
        rule_id="zone",
        rule_type="zone_presence",
        rule_name="Zone",
        priority=Priority.HIGH,
        state=state,
        captured_at=1_700_000_000.0,
        started_at=1_700_000_000.0,
    )


def test_an_alert_is_stored_with_one_delivery_for_each_action_of_its_vms(service: Service) -> None:
    service.said(0, AlertRaised(alert=alert()))
    assert {delivery.action for delivery in service.store.deliveries()} == {"event", "bookmark"}
    assert service.backlog() == 2


def test_the_same_alert_said_twice_is_stored_once(service: Service) -> None:
    twice = alert()
    service.said(0, AlertRaised(alert=twice))
    service.said(0, AlertRaised(alert=twice))
    assert service.backlog() == 2


def test_an_observed_alert_is_kept_and_told_to_nobody(service: Service) -> None:
    service.said(0, AlertRaised(alert=alert(RuleState.OBSERVE)))
    assert len(service.store.alerts()) == 1
    assert service.store.deliveries() == []


def test_an_alert_that_the_database_refuses_is_tried_until_it_is_taken(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = service.store.add_alert
    refusals = [StoreError("the disk is full", remedy="Make room."), StoreError("the disk is full")]
    seen: list[Health] = []

    def refuse_twice(*arguments: object) -> bool:
        if refusals:
            raise refusals.pop()
        return take(*arguments)  # type: ignore[arg-type]

    def no_wait(_seconds: float) -> bool:
        seen.extend(health for health in service.health.all() if health.component == "store")
        return False

    monkeypatch.setattr(service.store, "add_alert", refuse_twice)
    monkeypatch.setattr(service._stopping, "wait", no_wait)
    service.accept(alert())
    assert [health.level for health in seen] == [HealthLevel.RED, HealthLevel.RED]
    assert service.backlog() == 2
    assert {health.component: health.level for health in service.health.all()}["store"] is HealthLevel.GREEN


@pytest.mark.parametrize(
    ("state", "cause", "level"),
    [
        (StreamState.STREAMING, "", HealthLevel.GREEN),
        (StreamState.LOST, "no one answers", HealthLevel.YELLOW),
        (StreamState.REFUSED, "wrong password", HealthLevel.RED),
    ],
)
def test_a_streams_state_is_the_cameras_health(
    service: Service, state: StreamState, cause: str, level: HealthLevel
) -> None:
    service.said(0, StreamChanged(camera_id="a", state=state, cause=cause))
    assert Health(component="camera/a", level=level, cause=cause) in service.health.all()


def test_a_dead_worker_is_yellow_until_the_next_one_speaks(service: Service) -> None:
    service.died(0, ["a"], -9)
    before = {health.component: health for health in service.health.all()}
    assert before["worker/0"].level is before["camera/a"].level is HealthLevel.YELLOW
    statistics: Mapping[str, Mapping[str, float]] = {"a": {"frames_analysed": 3.0}}
    service.said(0, Heartbeat(statistics=statistics, dropped_boxes=0))
    assert {health.component: health.level for health in service.health.all()}["worker/0"] is HealthLevel.GREEN
    assert service.statistics()["camera/a"] == {"frames_analysed": 3.0}


def test_what_a_stopped_service_left_undelivered_is_delivered_by_the_next_one(service: Service, tmp_path: Path) -> None:
    service.accept(alert())
    key = service.store.deliveries()[0].key
    service.store.mark_sending(key)
    service.store.close()
    services = services_for(tmp_path / "site.yaml", ManualClock())
    following = Service(site(camera("a"), folder=tmp_path / "var"), tmp_path / "site.yaml", services)
    try:
        assert following.store.recover() == 1
        uncertain = [delivery for delivery in following.store.deliveries() if delivery.may_have_arrived]
        assert [(delivery.key, delivery.state) for delivery in uncertain] == [(key, DeliveryState.PENDING)]
    finally:
        following.store.close()
