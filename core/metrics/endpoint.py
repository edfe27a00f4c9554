"""Prometheus's side: listens at the declared address for as long as the service runs."""

from __future__ import annotations

import errno
import os
import ssl
import threading
from collections.abc import Callable, Iterable

from config.metrics import PrometheusSettings
from core.contracts import Clock
from core.errors import MetricsError
from core.health import HealthBoard
from core.logs import describe
from core.metrics.family import Family
from core.metrics.page import PATH, page
from core.metrics.prometheus import registry_of
from core.metrics.server import PageServer
from core.types import Health, HealthLevel

COMPONENT = "metrics/prometheus"

RETRY_S = 15.0
"""Between two tries to listen: whoever has the port may let go of it."""

_STOP_S = 5.0

_REMEDIES = {
    errno.EADDRINUSE: "Another program, or another Vigie, listens there: stop it, or write another port.",
    errno.EADDRNOTAVAIL: "Write an address that this machine has, such as 127.0.0.1.",
    errno.EACCES: "Write a port above 1023, or let the account of Vigie open that one.",
}
_WINDOWS_IN_USE = {errno.EACCES: errno.EADDRINUSE} if os.name == "nt" else {}
"""Windows refuses a port that somebody has for himself as forbidden."""


class PrometheusEndpoint:
    """A thread that listens, and tries again while it cannot; health tells."""

    def __init__(
        self,
        settings: PrometheusSettings,
        read: Callable[[], Iterable[Family]],
        *,
        secrets: Callable[[object], str],
        health: HealthBoard,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._read = read
        self._secrets = secrets
        self._health = health
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics-prometheus", daemon=True)

    def start(self) -> None:
        """Listens from soon after on."""
        self._thread.start()

    def stop(self) -> None:
        """Frees the address."""
        self._stopping.set()
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                server = open_server(self._settings, self._read, secrets=self._secrets, clock=self._clock)
            except MetricsError as error:
                self._health.report(Health(component=COMPONENT, level=HealthLevel.RED, cause=error.line()))
                self._stopping.wait(RETRY_S)
                continue
            self._health.report(Health(component=COMPONENT, level=HealthLevel.GREEN))
            server.serve_until(self._stopping.is_set)


def open_server(
    settings: PrometheusSettings,
    read: Callable[[], Iterable[Family]],
    *,
    secrets: Callable[[object], str],
    clock: Clock,
) -> PageServer:
    """Listens at the address of the settings. Raises ``MetricsError`` where it cannot."""

    def credentials() -> str | None:
        return f"{settings.username}:{secrets(settings.password)}" if settings.password else None

    tls = _tls(settings)
    try:
        return PageServer(settings.address, page(registry_of(read), credentials), tls=tls, clock=clock)
    except OSError as error:
        number = _WINDOWS_IN_USE.get(error.errno or 0, error.errno)
        raise MetricsError(
            f"metrics: cannot listen on {settings.listen}: {error.strerror or error}",
            remedy=_REMEDIES.get(number or 0, "Write another address under 'metrics: prometheus: listen'."),
        ) from error


def is_in_use(error: MetricsError) -> bool:
    """Whether ``open_server`` failed because somebody listens there already."""
    cause = error.__cause__
    return isinstance(cause, OSError) and _WINDOWS_IN_USE.get(cause.errno or 0, cause.errno) == errno.EADDRINUSE


def url_of(settings: PrometheusSettings) -> str:
    """Where the page is."""
    return f"{'https' if settings.certificate else 'http'}://{settings.listen}{PATH}"


def _tls(settings: PrometheusSettings) -> ssl.SSLContext | None:
    if settings.certificate is None or settings.key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.key, password=_no_passphrase)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise MetricsError(
            f"metrics: the certificate {settings.certificate} or its key cannot be used: {describe(error)}",
            remedy="Give PEM files: the certificate with its chain, and its key without passphrase.",
        ) from error
    return context


def _no_passphrase() -> str:
    """Without it OpenSSL would ask at the terminal, and wait."""
    raise ValueError("the key has a passphrase")
