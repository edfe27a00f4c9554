"""Where a site's metrics may be read, and where they are sent. Both are off until written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, PositiveFloat, field_validator, model_validator

from config.base import SecretRef, Settings, Url

_LISTEN_FORM = "write an IP address of this machine and a port, such as 127.0.0.1:9464 or [::1]:9464"

HeaderName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$")]
"""A token as RFC 9110, section 5.1, has it."""

METRICS_PATH = "/v1/metrics"
"""Below an OTLP endpoint (OTLP 1.x, "OTLP/HTTP Request")."""


def _split_listen(text: str) -> tuple[IPv4Address | IPv6Address, int]:
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    is_bracketed = host != bare and host == f"[{bare}]"
    try:
        address = ip_address(bare)
    except ValueError as error:
        raise ValueError(_LISTEN_FORM) from error
    is_port = port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535  # noqa: PLR2004 - TCP's own bound
    if not (colon and is_port and is_bracketed == (address.version == 6)):  # noqa: PLR2004 - IPv6
        raise ValueError(_LISTEN_FORM)
    return address, int(port)


class PrometheusSettings(Settings):
    """The page that Prometheus reads."""

    listen: str
    """``address:port`` of this machine, such as ``127.0.0.1:9464``; ``0.0.0.0`` is every address of it."""
    username: Annotated[str, Field(pattern=r"^[^:]*$")] = ""
    """Account that Prometheus must give (HTTP Basic); none when empty."""
    password: SecretRef | None = None
    """Where its password is found."""
    certificate: Path | None = None
    """PEM file of our TLS certificate chain; the page is plain HTTP when absent."""
    key: Path | None = None
    """PEM file of its private key."""

    @field_validator("listen")
    @classmethod
    def _address_and_port(cls, value: str) -> str:
        _split_listen(value)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> PrometheusSettings:
        if (self.password is None) != (not self.username):
            raise ValueError("username and password go together")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        if self.password and not self.certificate and not _split_listen(self.listen)[0].is_loopback:
            raise ValueError("the password would travel in clear: give certificate and key, or listen on 127.0.0.1")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """IP address and port."""
        host, port = _split_listen(self.listen)
        return str(host), port


class OtlpSettings(Settings):
    """The OpenTelemetry collector of the site, which metrics are sent to (OTLP over HTTP)."""

    endpoint: Url
    """Base address, such as ``https://collector.site.local:4318``; ``/v1/metrics`` is added."""
    ca: Path | None = None
    """PEM file of the site's certificate authority; the usual public ones when absent."""
    headers: dict[HeaderName, SecretRef] = Field(default_factory=dict)
    """Headers that the collector asks for (``Authorization`` …), and where the value of each is found."""
    every_s: Annotated[float, Field(ge=1.0, le=3600.0)] = 15.0
    """Seconds from one sending to the next."""
    timeout_s: PositiveFloat = 10.0
    """Longest wait for an answer."""
    allow_http: bool = False
    """Accept an address without TLS that is not of this machine. Headers then travel in clear."""

    @field_validator("endpoint")
    @classmethod
    def _base_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username is not None:
            raise ValueError("write the collector's address as https://host:port")
        if parts.query or parts.fragment or parts.path.rstrip("/").endswith(METRICS_PATH):
            raise ValueError(f"write the address without {METRICS_PATH}, which is added, and without query")
        _ = parts.port  # raises ValueError where it is no port
        return value.rstrip("/")

    @model_validator(mode="after")
    def _encrypted(self) -> OtlpSettings:
        parts = urlsplit(self.endpoint)
        if parts.scheme == "http" and not self.allow_http and not _is_this_machine(parts.hostname or ""):
            raise ValueError("endpoint is not https; set allow_http: true to accept that")
        return self


class MetricsSettings(Settings):
    """Who may know how Vigie fares. Nothing listens and nothing is sent unless it stands here."""

    prometheus: PrometheusSettings | None = None
    """A page that Prometheus reads; none when absent."""
    otlp: OtlpSettings | None = None
    """An OpenTelemetry collector that metrics are sent to; none when absent."""


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
