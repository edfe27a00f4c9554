from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
from structlog.testing import capture_logs

from config.base import SecretRef
from config.metrics import PrometheusSettings
from core.clock import SystemClock
from core.errors import MetricsError
from core.health import HealthBoard
from core.metrics import endpoint as module
from core.metrics.catalogue import BUILD
from core.metrics.endpoint import COMPONENT, PrometheusEndpoint, is_in_use, open_server
from core.metrics.family import Family
from core.metrics.server import PageServer
from core.types import Health, HealthLevel
from tests.core.metrics.pki import pki
from tests.core.metrics.source import free_port

WAIT_S = 5.0


class Board(HealthBoard):
    """A board that tells when a colour came."""

    def __init__(self) -> None:
        super().__init__()
        self.came = {level: threading.Event() for level in HealthLevel}

    def report(self, health: Health, *, is_logged: bool = True) -> None:
        super().report(health, is_logged=is_logged)
        self.came[health.level].set()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PageServer, "timeout", 0.02)
    monkeypatch.setattr(module, "RETRY_S", 0.02)


def told() -> list[Family]:
    return [Family(metric=BUILD, samples={("1.0",): 1.0})]


def endpoint(settings: PrometheusSettings, board: HealthBoard) -> PrometheusEndpoint:
    return PrometheusEndpoint(settings, told, secrets=lambda _: "right", health=board, clock=SystemClock())


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening


def test_the_page_is_there_until_the_stop(tmp_path: Path) -> None:
    board, port = Board(), free_port()
    certificates = pki(tmp_path)
    settings = PrometheusSettings(
        listen=f"127.0.0.1:{port}",
        username="prom",
        password=SecretRef(env="UNUSED"),
        certificate=certificates.certificate,
        key=certificates.key,
    )
    running = endpoint(settings, board)
    running.start()
    assert board.came[HealthLevel.GREEN].wait(WAIT_S)
    url = f"https://127.0.0.1:{port}/metrics"
    with requests.Session() as session:
        session.trust_env = False  # a CA in the environment would go before this one
        session.verify = str(certificates.ca)
        assert session.get(url, auth=("prom", "wrong"), timeout=WAIT_S).status_code == 401
        assert "vigie_build_info" in session.get(url, auth=("prom", "right"), timeout=WAIT_S).text
    running.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)


def test_a_port_in_use_is_red_and_logged_once_and_the_page_comes_when_it_is_free(taken: socket.socket) -> None:
    board = Board()
    port = taken.getsockname()[1]
    running = endpoint(PrometheusSettings(listen=f"127.0.0.1:{port}"), board)
    with capture_logs() as logs:
        running.start()
        assert board.came[HealthLevel.RED].wait(WAIT_S)
        [health] = board.all()
        for _ in range(3):  # it goes on trying
            board.came[HealthLevel.RED].clear()
            assert board.came[HealthLevel.RED].wait(WAIT_S)
        taken.close()
        assert board.came[HealthLevel.GREEN].wait(WAIT_S)
        assert "vigie_build_info" in requests.get(f"http://127.0.0.1:{port}/metrics", timeout=WAIT_S).text
        running.stop()
    assert health.component == COMPONENT
    assert f"cannot listen on 127.0.0.1:{port}" in health.cause
    assert "write another port" in health.cause
    assert [entry["event"] for entry in logs] == ["degraded", "recovered"]


def test_one_that_could_never_listen_stops_too(taken: socket.socket) -> None:
    board = Board()
    running = endpoint(PrometheusSettings(listen=f"127.0.0.1:{taken.getsockname()[1]}"), board)
    running.start()
    assert board.came[HealthLevel.RED].wait(WAIT_S)
    running.stop()
    assert not running._thread.is_alive()


def opened(settings: PrometheusSettings) -> PageServer:
    return open_server(settings, told, secrets=lambda _: "", clock=SystemClock())


def test_a_port_in_use_is_told_from_an_address_of_another_machine(taken: socket.socket) -> None:
    with pytest.raises(MetricsError) as in_use:
        opened(PrometheusSettings(listen=f"127.0.0.1:{taken.getsockname()[1]}"))
    assert is_in_use(in_use.value)
    with pytest.raises(MetricsError, match=r"cannot listen on 192\.0\.2\.1:9464") as elsewhere:
        opened(PrometheusSettings(listen="192.0.2.1:9464"))
    assert not is_in_use(elsewhere.value)
    assert "an address that this machine has" in elsewhere.value.remedy


def test_a_certificate_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("no certificate", encoding="utf-8")
    for certificate in (rubbish, tmp_path / "absent.pem"):
        with pytest.raises(MetricsError, match="cannot be used") as refused:
            opened(PrometheusSettings(listen="127.0.0.1:9464", certificate=certificate, key=rubbish))
        assert not is_in_use(refused.value)
        assert "PEM" in refused.value.remedy
