from __future__ import annotations

import socket
import threading
from contextlib import closing
from typing import Any

import pytest
from structlog.testing import capture_logs

from config.metrics import OtlpSettings
from core.errors import SecretError
from core.health import HealthBoard
from core.metrics.collector import NOTHING
from core.metrics.sender import COMPONENT, OtlpSender
from core.types import HealthLevel
from tests.core.metrics.receiver import receiving
from tests.core.metrics.source import free_port

pytestmark = pytest.mark.slow

WAIT_S = 5.0


class Told:
    """Counts how often there was something to tell."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.fails: Exception | None = None

    def __call__(self) -> dict[str, Any]:
        self.asked.release()
        if self.fails:
            raise self.fails
        return dict(NOTHING)


def sender(endpoint: str, told: Told, health: HealthBoard) -> OtlpSender:
    settings = OtlpSettings(endpoint=endpoint, timeout_s=2.0).model_copy(update={"every_s": 0.02})
    return OtlpSender(settings, told, secrets=lambda _: "", health=health)


def times(semaphore: threading.Semaphore, count: int) -> None:
    for _ in range(count):
        assert semaphore.acquire(timeout=WAIT_S)


def test_it_tells_again_and_again_and_ends() -> None:
    health = HealthBoard()
    with receiving() as receiver:
        running = sender(receiver.endpoint, Told(), health)
        running.start()
        times(receiver.came, 3)
        running.stop()
        assert not running._thread.is_alive()
        assert receiver.paths[0] == "/v1/metrics"
    assert [(one.component, one.level) for one in health.all()] == [(COMPONENT, HealthLevel.GREEN)]


def test_a_collector_that_is_away_is_logged_once_and_its_return_once() -> None:
    health, told, port = HealthBoard(), Told(), free_port()
    running = sender(f"http://127.0.0.1:{port}", told, health)
    with capture_logs() as logs:
        running.start()
        times(told.asked, 5)
        assert health.all()[0].level is HealthLevel.YELLOW
        assert "firewall" in health.all()[0].cause
        with receiving(port=port) as receiver:
            times(receiver.came, 2)
            assert health.all()[0].level is HealthLevel.GREEN
            running.stop()
    assert [entry["event"] for entry in logs if entry["log_level"] != "debug"] == ["degraded", "recovered"]


@pytest.mark.parametrize("failure", [SecretError("the secret 'otel' is empty"), ZeroDivisionError("inside")])
def test_what_fails_on_our_side_does_not_end_it(failure: Exception) -> None:
    health, told = HealthBoard(), Told()
    told.fails = failure
    with receiving() as receiver:
        running = sender(receiver.endpoint, told, health)
        running.start()
        times(told.asked, 2)
        assert str(failure) in health.all()[0].cause
        told.fails = None
        times(receiver.came, 2)
        running.stop()
    assert health.all()[0].level is HealthLevel.GREEN


def test_a_collector_that_never_answers_does_not_keep_the_service_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("core.metrics.sender._STOP_S", 0.05)
    told = Told()
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        running = sender(f"http://127.0.0.1:{silent.getsockname()[1]}", told, HealthBoard())
        running.start()
        times(told.asked, 1)
        running.stop()  # returns, though the request is under way
    running._thread.join(WAIT_S)
    assert not running._thread.is_alive()
