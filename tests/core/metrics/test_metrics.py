"""All of it together: off without a word of the site file, and only at the declared addresses with one."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from config.metrics import MetricsSettings, OtlpSettings, PrometheusSettings
from core.clock import ManualClock
from core.health import HealthBoard
from core.metrics.metrics import Metrics
from core.metrics.server import PageServer
from tests.core.engine.sites import site
from tests.core.metrics.receiver import receiving
from tests.core.metrics.source import NOW, busy_source, free_port

WAIT_S = 5.0


def metrics(settings: MetricsSettings, clock: ManualClock) -> Metrics:
    described = site().model_copy(update={"metrics": settings})
    return Metrics(described, busy_source(), health=HealthBoard(), secrets=lambda _: "", clock=clock)


def test_nothing_is_opened_when_the_site_file_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **_: Any) -> None:
        raise AssertionError(f"a socket is opened: {arguments}")

    before = set(threading.enumerate())
    monkeypatch.setattr(socket.socket, "__init__", refuse)
    off = metrics(MetricsSettings(), ManualClock())
    off.start()
    assert set(threading.enumerate()) == before
    off.stop()


def test_only_the_declared_addresses_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Any] = []
    resolved: list[Any] = []
    connect, bind, resolve = socket.socket.connect, socket.socket.bind, socket.getaddrinfo

    def watched_connect(self: socket.socket, address: Any) -> None:
        used.append(address)
        connect(self, address)

    def watched_bind(self: socket.socket, address: Any) -> None:
        used.append(address)
        bind(self, address)

    def watched_resolve(host: Any, *arguments: Any, **named: Any) -> Any:
        resolved.append(host)
        return resolve(host, *arguments, **named)

    monkeypatch.setattr(PageServer, "timeout", 0.02)
    port = free_port()
    with receiving() as receiver:
        declared = {("127.0.0.1", port), ("127.0.0.1", receiver.server_port)}
        monkeypatch.setattr(socket.socket, "connect", watched_connect)
        monkeypatch.setattr(socket.socket, "bind", watched_bind)
        monkeypatch.setattr(socket, "getaddrinfo", watched_resolve)
        monkeypatch.setattr(socket, "getfqdn", watched_resolve)
        running = metrics(
            MetricsSettings(
                prometheus=PrometheusSettings(listen=f"127.0.0.1:{port}"),
                otlp=OtlpSettings(endpoint=receiver.endpoint),
            ),
            ManualClock(NOW),
        )
        running.start()
        assert receiver.came.acquire(timeout=WAIT_S)
        text = page_of(port)
        running.stop()
    assert {address[:2] for address in used} <= declared
    assert set(resolved) <= {"127.0.0.1"}
    shown = {family.name for family in text_string_to_metric_families(text)}
    [resource] = receiver.requests[0].resource_metrics
    [scope] = resource.scope_metrics
    assert len(shown) == len(scope.metrics)


def page_of(port: int) -> str:
    """The page, once its thread listens."""
    pause = threading.Event()
    for _ in range(100):
        try:
            return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=WAIT_S).text
        except requests.ConnectionError:
            pause.wait(0.02)
    raise AssertionError("the page never came")
