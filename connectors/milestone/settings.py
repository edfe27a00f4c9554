"""What the site file says about one XProtect system."""

from __future__ import annotations

from ipaddress import IPv6Address
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator, model_validator

from config.model import VmsSettings
from core.errors import VmsRefused

EVENT_SERVER_PORT = 9090
"""Where the event server takes Analytics Events, unless Tools → Options → Analytics Events says otherwise."""

Action: TypeAlias = Literal["event", "alarm", "bookmark"]
NonNegativeSeconds: TypeAlias = Annotated[float, Field(ge=0.0, le=3600.0)]


def _split_host_port(text: str) -> SplitResult:
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.netloc != text or parts.username is not None:
        raise ValueError(f"{text!r} is not host or host:port")
    _ = parts.port  # raises ValueError where it is no port
    return parts


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


class MilestoneSettings(VmsSettings):
    """One XProtect system: its management server, and what an alert becomes there."""

    type: Literal["milestone"]
    video: Literal["imageserver"] = "imageserver"
    """How video is pulled: ``imageserver``, from the recording servers (TCP 7563)."""
    publish: tuple[Action, ...] = ("event", "alarm", "bookmark")
    """What an alert becomes, in this order: ``event`` (port 9090), ``alarm`` and ``bookmark`` (API gateway)."""
    event_name: Annotated[str, Field(min_length=1, max_length=255)] = "Vigie"
    """Name of the analytics event in Management Client that carries every alert of Vigie."""
    event_server: str | None = None
    """``host`` or ``host:port`` of the event server; the host of ``url``, port 9090, when absent."""
    hosts: tuple[str, ...] = ()
    """Further hosts of this VMS that may be contacted: recording servers and API gateways on other machines."""
    allow_http: bool = False
    """Accept addresses without TLS. Passwords, tokens and video then travel in clear."""
    bookmark_before_s: NonNegativeSeconds = 10.0
    """A bookmark begins so long before the alert's first frame."""
    bookmark_after_s: NonNegativeSeconds = 20.0
    """A bookmark ends so long after the frame that decided."""

    @field_validator("url")
    @classmethod
    def _base_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise ValueError("write the management server's address as https://host")
        if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("write only https://host[:port]: no user, path or query")
        _ = parts.port  # raises ValueError where it is no port
        return value.rstrip("/")

    @field_validator("event_server")
    @classmethod
    def _host_and_port(cls, value: str | None) -> str | None:
        if value is not None:
            _split_host_port(value)
        return value

    @field_validator("hosts")
    @classmethod
    def _bare_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        hosts = tuple(host.lower().strip("[]") for host in value)
        for host in hosts:
            if not host or any(mark in host for mark in "/@ ") or (":" in host and not _is_ipv6(host)):
                raise ValueError(f"{host!r}: write bare host names or addresses, without scheme or port")
        return hosts

    @model_validator(mode="after")
    def _consistent(self) -> MilestoneSettings:
        if urlsplit(self.url).scheme == "http" and not self.allow_http:
            raise ValueError(
                "url is not https: the password would travel in clear; set allow_http: true to accept that"
            )
        if len(set(self.publish)) != len(self.publish):
            raise ValueError("publish names an action twice")
        return self

    @property
    def event_server_address(self) -> tuple[str, int]:
        """Host and port of the event server."""
        parts = _split_host_port(self.event_server) if self.event_server else urlsplit(self.url)
        port = parts.port if self.event_server else None
        return parts.hostname or "", port or EVENT_SERVER_PORT

    def ca_file(self, site_dir: Path) -> Path | None:
        """The site's CA, seen from the folder of the site file."""
        return site_dir / self.ca if self.ca else None

    def require_declared(self, url: str, what: str) -> None:
        """Refuses an address that the VMS announced but the site file does not declare, or that has no TLS.

        Tokens are sent there, so the VMS's word alone is not enough.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" and not self.allow_http:
            raise VmsRefused(
                f"{what} is announced as {url}, without TLS",
                remedy="Enable its encryption in Server Configurator, or set allow_http: true for this VMS.",
            )
        host = (parts.hostname or "").lower()
        if host not in self._declared_hosts():
            raise VmsRefused(
                f"{what} is on {host or url}, which the site file does not declare",
                remedy=f"If it belongs to this VMS, add {host or 'its host'} to 'hosts:' of {self.id}.",
            )

    def _declared_hosts(self) -> frozenset[str]:
        own = (urlsplit(self.url).hostname or "", self.event_server_address[0])
        return frozenset(host.lower() for host in (*own, *self.hosts))
