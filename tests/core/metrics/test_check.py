from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest

from config.base import SecretRef
from config.metrics import MetricsSettings, OtlpSettings, PrometheusSettings
from core.errors import SecretError
from core.fakes import FakeServices
from core.metrics.check import check_metrics
from core.types import Finding, FindingLevel
from tests.core.metrics.pki import pki
from tests.core.metrics.receiver import receiving
from tests.core.metrics.source import free_port


def found(settings: MetricsSettings) -> list[Finding]:
    return list(check_metrics(settings, FakeServices()))


def prometheus(listen: str) -> MetricsSettings:
    return MetricsSettings(prometheus=PrometheusSettings(listen=listen))


def test_nothing_is_said_of_what_is_off() -> None:
    assert found(MetricsSettings()) == []


def test_an_address_that_can_be_opened_is_ok_and_free_afterwards() -> None:
    listen = f"127.0.0.1:{free_port()}"
    for _ in range(2):
        [finding] = found(prometheus(listen))
        assert finding.level is FindingLevel.OK
        assert f"http://{listen}/metrics" in finding.message


def test_an_address_in_use_may_be_a_vigie_that_runs() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        [finding] = found(prometheus(f"127.0.0.1:{taken.getsockname()[1]}"))
    assert (finding.level, finding.code) == (FindingLevel.WARNING, "cannot_listen")
    assert "another Vigie" in finding.remedy


def test_an_address_of_another_machine_is_a_failure() -> None:
    [finding] = found(prometheus("192.0.2.1:9464"))
    assert (finding.level, finding.subject) == (FindingLevel.FAILURE, "metrics/prometheus")
    assert finding.remedy


def test_a_certificate_that_cannot_be_used_is_a_failure(tmp_path: Path) -> None:
    absent = tmp_path / "absent.pem"
    settings = PrometheusSettings(listen=f"127.0.0.1:{free_port()}", certificate=absent, key=absent)
    [finding] = found(MetricsSettings(prometheus=settings))
    assert finding.level is FindingLevel.FAILURE


def test_a_collector_is_sent_a_request_without_metrics() -> None:
    with receiving() as receiver:
        [finding] = found(MetricsSettings(otlp=OtlpSettings(endpoint=receiver.endpoint)))
        assert len(receiver.requests[0].resource_metrics) == 0
    assert (finding.level, finding.subject) == (FindingLevel.OK, "metrics/otlp")


def test_a_collector_that_does_not_take_it_is_a_warning(tmp_path: Path) -> None:
    certificates = pki(tmp_path)
    with receiving(certificates.server_context()) as receiver:
        [finding] = found(MetricsSettings(otlp=OtlpSettings(endpoint=receiver.endpoint)))
    assert finding.level is FindingLevel.WARNING
    assert "'ca:'" in finding.remedy


def test_a_secret_that_cannot_be_read_is_an_error_of_the_check() -> None:
    def fail(_reference: object) -> str:
        raise SecretError("the secret 'prom' cannot be read")

    settings = PrometheusSettings(listen="127.0.0.1:9464", username="prom", password=SecretRef(secret="prom"))
    with pytest.raises(SecretError):
        list(check_metrics(MetricsSettings(prometheus=settings), FakeServices(secrets=fail)))
