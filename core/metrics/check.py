"""What ``vigie check`` says of the metrics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from config.metrics import MetricsSettings, OtlpSettings, PrometheusSettings
from core.contracts import ConnectorServices
from core.errors import MetricsError
from core.metrics.collector import NOTHING, Collector
from core.metrics.endpoint import COMPONENT as PROMETHEUS
from core.metrics.endpoint import is_in_use, open_server, url_of
from core.metrics.sender import COMPONENT as OTLP
from core.types import Finding, FindingLevel


def check_metrics(settings: MetricsSettings, services: ConnectorServices) -> Iterator[Finding]:
    """Opens the address for an instant, and sends the collector a request without metrics; nothing where both are off.

    Raises ``SecretError`` for a secret that cannot be read.
    """
    if settings.prometheus:
        yield _endpoint(settings.prometheus, services)
    if settings.otlp:
        yield _collector(settings.otlp, services)


def _endpoint(settings: PrometheusSettings, services: ConnectorServices) -> Finding:
    if settings.password:
        services.secrets(settings.password)
    try:
        open_server(settings, list, secrets=services.secrets, clock=services.clock).server_close()
    except MetricsError as error:
        # A Vigie that runs meanwhile has it, rightly.
        level = FindingLevel.WARNING if is_in_use(error) else FindingLevel.FAILURE
        return _finding(level, PROMETHEUS, "cannot_listen", error)
    message = f"metrics can be read at {url_of(settings)} while Vigie runs"
    return Finding(level=FindingLevel.OK, subject=PROMETHEUS, code="can_listen", message=message)


def _collector(settings: OtlpSettings, services: ConnectorServices) -> Finding:
    with closing(Collector(settings, services.secrets)) as collector:
        try:
            collector.send(NOTHING)
        except MetricsError as error:
            return _finding(FindingLevel.WARNING, OTLP, "not_taken", error)
    message = f"{settings.endpoint} takes metrics"
    return Finding(level=FindingLevel.OK, subject=OTLP, code="taken", message=message)


def _finding(level: FindingLevel, subject: str, code: str, error: MetricsError) -> Finding:
    return Finding(level=level, subject=subject, code=code, message=str(error), remedy=error.remedy)
