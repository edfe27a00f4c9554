from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from config.model import SiteSettings
from core import registry
from core.clock import ManualClock
from core.contracts import VmsConnector
from core.engine.messages import AlertRaised, Heartbeat, Released, StreamChanged
from core.engine.service import Service
from core.errors import StoreError, UsageError
from core.fakes import FakeConnector
from core.services import services_for
from core.types import Alert, DeliveryState, Health, HealthLevel, Priority, RuleState, StreamState
from tests.core.engine.sites import camera, site

pytestmark = pytest.mark.slow


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
    made.stop()


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
    monkeypatch.setattr(service._giving_up, "wait", no_wait)
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


def test_an_alert_that_the_database_refuses_to_the_end_is_named_and_does_not_hold_up_the_stop(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> bool:
        raise StoreError("the disk is full")

    monkeypatch.setattr(service.store, "add_alert", refuse)
    service._giving_up.set()
    with capture_logs() as logs:
        service.accept(alert())
    lost = [line for line in logs if line["log_level"] == "error"]
    assert [(line["camera"], line["rule"], line["cause"]) for line in lost] == [("a", "zone", "the disk is full")]


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith(("delivery-", "pool-", "AP"))}


def test_a_start_that_fails_half_way_leaves_no_thread_and_no_lock(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_fronts: object) -> None:
        assert threads()
        raise RuntimeError("no thread left")

    monkeypatch.setattr(service._pool, "start", fail)
    with pytest.raises(RuntimeError, match="no thread left"):
        service.start()
    assert threads() == set()
    assert isinstance(service.connector("vms"), FakeConnector)
    assert service.connector("vms").is_closed  # type: ignore[attr-defined]
    Service(site(camera("a"), folder=tmp_path / "var"), tmp_path / "s.yaml", services_for(tmp_path / "s.yaml")).stop()


def test_what_deliveries_go_through_is_there_before_the_first_of_them(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []

    def start_front(_self: object, _cameras: object) -> dict[str, str]:
        seen.append(threads())
        return {}

    monkeypatch.setattr(service._pool, "start", lambda _fronts: None)
    monkeypatch.setattr(FakeConnector, "start_front", start_front)
    service.start()
    service.stop()
    assert seen == [set()]


def test_a_stop_may_be_repeated(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service._pool, "start", lambda _fronts: None)
    service.start()
    service.stop()
    service.stop()
    assert threads() == set()


def test_a_part_that_cannot_be_ended_does_not_keep_the_others(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("a defect in the pool")

    monkeypatch.setattr(service._pool, "start", lambda _fronts: None)
    monkeypatch.setattr(service._pool, "stop", fail)
    service.start()
    with pytest.raises(RuntimeError, match="a defect in the pool"):
        service.stop()
    assert threads() == set()
    Service(site(camera("a"), folder=tmp_path / "var"), tmp_path / "s.yaml", services_for(tmp_path / "s.yaml")).stop()


def test_a_connector_that_cannot_be_made_does_not_keep_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_name: str) -> type[VmsConnector]:
        raise UsageError("not installed")

    settings = site(camera("a"), folder=tmp_path / "var")
    with monkeypatch.context() as patch:
        patch.setattr(registry, "connector", refuse)
        with pytest.raises(UsageError):
            Service(settings, tmp_path / "s.yaml", services_for(tmp_path / "s.yaml"))
    monkeypatch.setattr(registry, "connector", lambda _name: FakeConnector)
    Service(settings, tmp_path / "s.yaml", services_for(tmp_path / "s.yaml")).stop()


def test_a_worker_that_dies_again_and_again_is_not_green_between_its_deaths(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service._pool, "is_settled", lambda _index: False)
    service.died(0, ["a"], -11)
    service.said(0, Heartbeat(statistics={}, dropped_boxes=4))
    assert {health.component: health.level for health in service.health.all()}["worker/0"] is HealthLevel.YELLOW
    assert service.statistics()["worker/0"] == {"boxes_dropped": 4.0}


@pytest.fixture
def running(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Two cameras, no worker processes; ``applied`` keeps what the pool was told."""
    monkeypatch.setattr(service._pool, "start", lambda _fronts: None)
    monkeypatch.setattr(service._pool, "apply", lambda site, changed: APPLIED.append((site, tuple(changed))))
    APPLIED.clear()
    service.start()
    service.apply(site(camera("a"), camera("b"), folder=service.site.storage.dir))
    service.said(0, Heartbeat(statistics={"a": {"frames_analysed": 1.0}, "b": {}}, dropped_boxes=0))
    for name in "ab":
        service.said(0, StreamChanged(camera_id=name, state=StreamState.STREAMING))
    return service


APPLIED: list[tuple[SiteSettings, tuple[str, ...]]] = []


def components(service: Service) -> set[str]:
    return {health.component for health in service.health.all()}


def test_a_new_camera_is_watched_and_its_alerts_are_delivered(running: Service) -> None:
    assert [one.id for one in APPLIED[0][0].cameras] == ["a", "b"]
    running.said(0, AlertRaised(alert=replace(alert(), camera_id="b")))
    assert {delivery.camera_id for delivery in running.store.deliveries()} == {"b"}
    assert {"camera/a", "camera/b"} <= components(running)


def test_a_camera_that_is_gone_leaves_statistics_and_health_and_what_it_raised_is_still_delivered(
    running: Service,
) -> None:
    done = running.apply(site(camera("b"), folder=running.site.storage.dir))
    assert done.removed == ("a",)
    assert APPLIED[-1] == (running.site, ())
    running.said(0, Heartbeat(statistics={"a": {"frames_analysed": 2.0}, "b": {}}, dropped_boxes=0))
    running.said(0, StreamChanged(camera_id="a", state=StreamState.LOST, cause="late"))
    running.said(0, AlertRaised(alert=alert()))
    running.said(0, Released(camera_id="a"))
    assert "camera/a" not in components(running)
    assert "camera/a" not in running.statistics()
    assert [delivery.camera_id for delivery in running.store.deliveries()] == ["a", "a"]


def test_only_what_needs_a_restart_is_kept_back(running: Service) -> None:
    changed = site(camera("a").model_copy(update={"name": "Yard"}), camera("b"), folder=Path("elsewhere"))
    done = running.apply(changed)
    assert (done.refused, done.changed) == (("storage",), ("a",))
    assert APPLIED[-1] == (running.site, ("a",))
    assert running.site.storage.dir != Path("elsewhere")


def test_a_camera_that_does_not_fit_is_red_with_the_figures(running: Service) -> None:
    running.refused("b", "does not fit: it needs 0.31 cores")
    assert (
        Health(component="camera/b", level=HealthLevel.RED, cause="does not fit: it needs 0.31 cores")
        in running.health.all()
    )


def test_what_hung_is_the_cause_that_its_cameras_show(running: Service) -> None:
    running.stuck(0, "a", "analysis")
    running.died(0, ["a", "b"], -9)
    causes = {health.cause for health in running.health.all() if health.level is HealthLevel.YELLOW}
    assert causes == {"analysis of a hung in the worker process; another one takes its cameras over"}
