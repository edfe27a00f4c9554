"""A real service with a page: an alert goes through it, and Prometheus reads how long it took."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from config.metrics import MetricsSettings, PrometheusSettings
from core import registry
from core.clock import SystemClock
from core.contracts import VmsConnector
from core.engine.messages import AlertRaised, FaultChanged, Heartbeat
from core.engine.service import Service
from core.fakes import FakeConnector
from core.metrics.server import PageServer
from core.services import services_for
from core.types import Alert, CameraFault, HealthLevel, Priority, RuleState
from tests.core.engine.sites import camera, site
from tests.core.metrics.source import free_port

WAIT_S = 10.0

Start = Callable[[int], Service]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    made: list[Service] = []

    def connector(_name: str) -> type[VmsConnector]:
        return FakeConnector

    def _start(port: int) -> Service:
        metrics = MetricsSettings(prometheus=PrometheusSettings(listen=f"127.0.0.1:{port}"))
        settings = site(camera("a"), folder=tmp_path / "var").model_copy(update={"metrics": metrics})
        service = Service(settings, tmp_path / "site.yaml", services_for(tmp_path / "site.yaml"))
        made.append(service)
        monkeypatch.setattr(service._pool, "start", lambda _fronts: None)
        service.start()
        return service

    monkeypatch.setattr(registry, "connector", connector)
    monkeypatch.setattr(PageServer, "timeout", 0.02)
    yield _start
    for service in made:
        service.stop()


def samples(port: int) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=WAIT_S).text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(500):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it never came true")


def alert() -> Alert:
    now = SystemClock().utc()
    return Alert(
        alert_id=uuid4(),
        camera_id="a",
        rule_id="zone",
        rule_type="zone_presence",
        rule_name="Zone",
        priority=Priority.HIGH,
        state=RuleState.ARMED,
        captured_at=now - 1.0,
        started_at=now - 1.0,
    )


def level_of(service: Service, component: str) -> HealthLevel | None:
    return next((health.level for health in service.health.all() if health.component == component), None)


def test_prometheus_reads_what_the_service_does(start: Start) -> None:
    port = free_port()
    service = start(port)
    service.said(0, AlertRaised(alert=alert()))
    service.said(0, Heartbeat(statistics={"a": {"frames_analysed": 12.0, "lag_s": 0.5}}, dropped_boxes=0))
    service.said(0, FaultChanged(camera_id="a", fault=CameraFault.FROZEN, is_present=True, cause="all the same"))
    until(lambda: service.backlog() == 0 and bool(service.latencies()["vms"]))
    until(lambda: level_of(service, "metrics/prometheus") is HealthLevel.GREEN)
    read = samples(port)

    def value(name: str, **labels: str) -> float:
        return read[name, frozenset(labels.items())]

    assert value("vigie_camera_frames_analysed_total", camera="a") == 12.0
    assert value("vigie_camera_lag_seconds", camera="a") == 0.5
    assert value("vigie_camera_fault", camera="a", fault="frozen") == 1.0
    assert value("vigie_component_health", component="camera/a", level="red") == 1.0
    assert value("vigie_delivery_accepted_total", vms="vms") == 1.0
    assert value("vigie_delivery_backlog", vms="vms") == 0.0
    [(action, reading)] = service.latencies()["vms"].items()
    assert value("vigie_delivery_latency_seconds_count", vms="vms", action=action) == reading.since_capture.count == 1
    assert value("vigie_delivery_latency_seconds_bucket", vms="vms", action=action, le="0.75") == 0.0
    assert value("vigie_delivery_latency_seconds_sum", vms="vms", action=action) > 1.0


def test_a_port_in_use_makes_health_red_and_alerts_go_on(start: Start) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        service = start(taken.getsockname()[1])
        until(lambda: level_of(service, "metrics/prometheus") is HealthLevel.RED)
        service.said(0, AlertRaised(alert=alert()))
        until(lambda: service.backlog() == 0)
    assert service.statistics()["vms/vms"]["delivered"] == 1.0
