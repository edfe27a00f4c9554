"""All metrics of a service: what its site file asks for, started and stopped together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

from config.model import SiteSettings
from core.contracts import Clock
from core.health import HealthBoard
from core.metrics.collect import MetricsSource, collect
from core.metrics.endpoint import PrometheusEndpoint
from core.metrics.otlp import Encoder
from core.metrics.sender import OtlpSender


class Metrics:
    """Nothing at all where the site file has no ``metrics``: no thread, no socket."""

    def __init__(
        self,
        site: SiteSettings,
        source: MetricsSource,
        *,
        health: HealthBoard,
        secrets: Callable[[object], str],
        clock: Clock,
    ) -> None:
        release, started_at = version("vigie"), clock.utc()
        read = partial(collect, source, version=release, started_at=started_at)
        encoder = Encoder(site=site.site.name, version=release, started_at=started_at)

        def document() -> dict[str, Any]:
            now = clock.utc()
            return encoder.encode(read(now=now), now)

        prometheus, otlp = site.metrics.prometheus, site.metrics.otlp
        self._parts: list[PrometheusEndpoint | OtlpSender] = []
        if prometheus:
            self._parts.append(
                PrometheusEndpoint(
                    prometheus, lambda: read(now=clock.utc()), secrets=secrets, health=health, clock=clock
                )
            )
        if otlp:
            self._parts.append(OtlpSender(otlp, document, secrets=secrets, health=health))

    def start(self) -> None:
        """Shows and sends from now on."""
        for part in self._parts:
            part.start()

    def stop(self) -> None:
        """Frees the address and ends the sending."""
        for part in self._parts:
            part.stop()
