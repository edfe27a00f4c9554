"""Sending to a real server: where it goes, what it trusts, and what it never says."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from config.base import SecretRef
from config.metrics import OtlpSettings
from core.errors import MetricsError
from core.metrics.collector import NOTHING, Collector
from core.metrics.otlp import Encoder
from tests.core.metrics.pki import Pki, pki
from tests.core.metrics.receiver import receiving
from tests.core.metrics.source import NOW, free_port

pytestmark = pytest.mark.slow

SECRET = "Bearer Zq7-hidden"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return pki(tmp_path_factory.mktemp("pki"))


def send(settings: OtlpSettings, secrets: Callable[[object], str] = lambda _: SECRET) -> None:
    with closing(Collector(settings, secrets)) as collector:
        collector.send(Encoder(site="Gare", version="1", started_at=NOW).encode([], NOW))


def test_it_is_posted_below_the_endpoint_with_the_headers_asked_for(certificates: Pki) -> None:
    with receiving(certificates.server_context()) as receiver:
        headers = {"Authorization": SecretRef(env="UNUSED")}
        send(OtlpSettings(endpoint=f"{receiver.endpoint}/otlp", ca=certificates.ca, headers=headers))
        assert receiver.paths == ["/otlp/v1/metrics"]
        assert receiver.headers[0]["Authorization"] == SECRET
        assert receiver.headers[0]["Content-Type"] == "application/json"
        assert len(receiver.requests[0].resource_metrics) == 1


def test_a_request_without_metrics_is_one_too() -> None:
    with receiving() as receiver, closing(Collector(OtlpSettings(endpoint=receiver.endpoint), str)) as collector:
        collector.send(NOTHING)
        assert len(receiver.requests[0].resource_metrics) == 0


def test_a_certificate_of_another_authority_is_refused(certificates: Pki, tmp_path: Path) -> None:
    with receiving(certificates.server_context()) as receiver:
        for ca in (None, pki(tmp_path / "other").ca):
            with pytest.raises(MetricsError, match="TLS failed") as refused:
                send(OtlpSettings(endpoint=receiver.endpoint, ca=ca))
            assert "'ca:'" in refused.value.remedy
        assert receiver.requests == []


def test_a_ca_file_that_is_absent_is_told(certificates: Pki, tmp_path: Path) -> None:
    with receiving(certificates.server_context()) as receiver, pytest.raises(MetricsError, match=r"absent\.pem"):
        send(OtlpSettings(endpoint=receiver.endpoint, ca=tmp_path / "absent.pem"))


def test_the_environment_decides_nothing(certificates: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.socket()) as proxy:
        proxy.bind(("127.0.0.1", 0))
        proxy.listen()
        proxy.settimeout(0.1)
        elsewhere = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, elsewhere)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", elsewhere)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", elsewhere)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-other=1")
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "absent.pem")
        with receiving(certificates.server_context()) as receiver:
            send(OtlpSettings(endpoint=receiver.endpoint, ca=certificates.ca))
            assert len(receiver.requests) == 1
            assert "x-other" not in receiver.headers[0]
        with pytest.raises(TimeoutError):
            proxy.accept()


def test_a_redirection_to_another_host_is_not_followed() -> None:
    with receiving() as other, receiving() as receiver:
        receiver.answers = [(307, {"Location": f"{other.endpoint}/v1/metrics"}, b"")]
        with pytest.raises(MetricsError, match="HTTP 307"):
            send(OtlpSettings(endpoint=receiver.endpoint))
        assert other.requests == []


@pytest.mark.parametrize(
    ("status", "body", "said", "remedy"),
    [
        (401, b"who are you? Authorization: Bearer Zq7-hidden", "HTTP 401", "headers"),
        (404, b"", "HTTP 404", "4318"),
        (503, b"busy", "HTTP 503 busy", "log"),
        (
            200,
            b'{"partialSuccess": {"rejectedDataPoints": "3", "errorMessage": "too old"}}',
            "3 points.*too old",
            "log",
        ),
    ],
)
def test_what_is_not_taken_whole_is_told(status: int, body: bytes, said: str, remedy: str) -> None:
    with receiving() as receiver:
        receiver.answers = [(status, {}, body)]
        with pytest.raises(MetricsError, match=said) as failed:
            send(OtlpSettings(endpoint=receiver.endpoint))
    assert remedy in failed.value.remedy
    assert "Zq7" not in failed.value.line()


@pytest.mark.parametrize("body", [b"", b"{}", b'{"partialSuccess": {}}', b'{"partialSuccess": null}', b"[]", b"\xff"])
def test_whatever_else_a_collector_says_with_200_is_a_yes(body: bytes) -> None:
    with receiving() as receiver:
        receiver.answers = [(200, {}, body)]
        send(OtlpSettings(endpoint=receiver.endpoint))


def test_nobody_there_is_told_with_the_address() -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(MetricsError) as failed:
        send(OtlpSettings(endpoint=endpoint))
    assert endpoint in failed.value.line()
    assert "firewall" in failed.value.line()


def test_a_collector_that_never_answers_is_given_up() -> None:
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(MetricsError, match=r"[Tt]imed out"):
            send(OtlpSettings(endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.1))


@pytest.mark.parametrize("value", ["Zq7\nX: y", " Zq7", "Zq7é", "Zq7\x00"])
def test_a_value_that_no_header_may_have_is_told_without_it(value: str) -> None:
    settings = OtlpSettings(endpoint="http://127.0.0.1:1", headers={"Authorization": SecretRef(env="UNUSED")})
    with pytest.raises(MetricsError, match="the header Authorization") as failed:
        send(settings, lambda _: value)
    step: BaseException | None = failed.value
    while step:
        assert "Zq7" not in str(step)
        step = step.__cause__ or step.__context__
