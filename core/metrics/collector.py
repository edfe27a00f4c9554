"""The OpenTelemetry collector of the site, as something that requests are sent to."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import requests

from config.metrics import METRICS_PATH, OtlpSettings
from core.errors import MetricsError
from core.logs import describe
from core.redaction import redact

NOTHING: Final[Mapping[str, Any]] = {"resourceMetrics": []}
"""A request without metrics: a collector takes it, and that proves the way."""

_MAX_ANSWER = 64 * 1024
_EXCERPT = 200
_SUCCESS = 200
_REACH = "Check the address, the port, the firewall and that the collector runs."
_REMEDIES = {
    401: "Give the header that it asks for under 'metrics: otlp: headers'.",
    403: "Give the header that it asks for under 'metrics: otlp: headers'.",
    404: "Its OTLP/HTTP receiver listens elsewhere, often on port 4318: change 'metrics: otlp: endpoint'.",
}


class Collector:
    """Sends to the declared address and to no other: no proxy, no redirection, nothing out of the environment."""

    def __init__(self, settings: OtlpSettings, secrets: Callable[[object], str]) -> None:
        self._settings = settings
        self._secrets = secrets
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(settings.ca) if settings.ca else True

    def send(self, document: Mapping[str, Any]) -> None:
        """Hands over one request of OTLP/JSON.

        Raises ``MetricsError`` where it was not taken whole, ``SecretError`` where a header's value cannot be read.
        """
        settings = self._settings
        headers = {name: _sendable(name, self._secrets(value)) for name, value in settings.headers.items()}
        headers |= {"Content-Type": "application/json", "Content-Encoding": "gzip", "User-Agent": "vigie"}
        body = gzip.compress(json.dumps(document, separators=(",", ":")).encode(), mtime=0)
        try:
            with self._session.post(
                settings.endpoint + METRICS_PATH,
                data=body,
                headers=headers,
                timeout=settings.timeout_s,
                allow_redirects=False,
                stream=True,
            ) as response:
                _require_taken(response, self._what)
        except requests.exceptions.SSLError as error:
            raise MetricsError(
                f"{self._what}: TLS failed ({describe(error)[:_EXCERPT]})",
                remedy="Give the site's CA with 'ca:', and write the name that the certificate carries.",
            ) from error
        except (requests.exceptions.RequestException, OSError) as error:  # OSError: the CA file cannot be read
            raise MetricsError(f"{self._what}: {describe(error)[:_EXCERPT]}", remedy=_REACH) from error

    def close(self) -> None:
        """Closes its connections."""
        self._session.close()

    @property
    def _what(self) -> str:
        return f"the OpenTelemetry collector {self._settings.endpoint}"


def _sendable(name: str, value: str) -> str:
    """Checked here because the errors of the HTTP library would repeat the value."""
    if value.isascii() and value.isprintable() and value == value.strip():
        return value
    raise MetricsError(
        f"the value of the header {name} has signs that no header may have",
        remedy="Write it as one line of plain text, without blanks around it.",
    )


def _require_taken(response: requests.Response, what: str) -> None:
    answer = response.raw.read(_MAX_ANSWER, decode_content=True)
    if response.status_code != _SUCCESS:
        said = redact(answer.decode("utf-8", "replace"))[:_EXCERPT].strip()
        remedy = _REMEDIES.get(response.status_code, "See the collector's own log.")
        raise MetricsError(f"{what}: HTTP {response.status_code} {said}".rstrip(), remedy=remedy)
    rejected = _partial_success(answer)
    if rejected:
        raise MetricsError(f"{what} did not take all: {rejected}", remedy="See the collector's own log.")


def _partial_success(answer: bytes) -> str:
    """What a collector that took a part says of the rest (OTLP, "Partial Success"); nothing when it took all."""
    try:
        partial = json.loads(answer or b"{}").get("partialSuccess") or {}
        rejected = int(partial.get("rejectedDataPoints") or 0)
        said = str(partial.get("errorMessage", ""))
    except (ValueError, TypeError, AttributeError):
        return ""  # it said 200, which is what counts
    return f"{rejected} points rejected {redact(said)[:_EXCERPT]}".strip() if rejected else ""
