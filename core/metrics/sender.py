"""OpenTelemetry's side: tells the site's collector every few seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from config.metrics import OtlpSettings
from core.errors import VigieError
from core.health import HealthBoard
from core.logs import describe
from core.metrics.collector import Collector
from core.types import Health, HealthLevel

COMPONENT = "metrics/otlp"

_STOP_S = 3.0

_log = structlog.get_logger(component="metrics")


class OtlpSender:
    """A thread that sends. What could not be sent is not kept: counters are cumulative, so that the next tells all."""

    def __init__(
        self,
        settings: OtlpSettings,
        document: Callable[[], Mapping[str, Any]],
        *,
        secrets: Callable[[object], str],
        health: HealthBoard,
    ) -> None:
        """``document`` encodes what there is to tell at the moment of the call."""
        self._settings = settings
        self._document = document
        self._collector = Collector(settings, secrets)
        self._health = health
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics-otlp", daemon=True)

    def start(self) -> None:
        """Sends at once, then every ``every_s``."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the sending under way, or leaves it behind when its collector answers too slowly."""
        self._stopping.set()
        self._collector.close()
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        while True:
            self._send()
            if self._stopping.wait(self._settings.every_s):
                return

    def _send(self) -> None:
        try:
            self._collector.send(self._document())
        except VigieError as error:
            self._failed(error.line())
        except Exception as error:  # noqa: BLE001 - edge of the thread: a defect of ours must not end the sending
            _log.debug("defect in the metrics", exc_info=True)
            self._failed(f"defect: {describe(error)}")
        else:
            self._health.report(Health(component=COMPONENT, level=HealthLevel.GREEN))

    def _failed(self, cause: str) -> None:
        """Yellow, logged by the health board once: cameras are watched and alerts told all the same."""
        if not self._stopping.is_set():
            self._health.report(Health(component=COMPONENT, level=HealthLevel.YELLOW, cause=cause))
