"""What the site file says about one XProtect system."""

from __future__ import annotations

from ipaddress import IPv6Address
from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import ConfigDict, Field, PositiveInt, field_validator, model_validator

from config.model import Settings, VmsSettings
from core.errors import ProtocolViolation, VmsRefused

EVENT_SERVER_PORT = 9090
"""Where the event server takes Analytics Events, unless Tools → Options → Analytics Events says otherwise."""

ALARM_SERVICE_PORT = 22331
"""Where the event server's SOAP alarm service listens, unless the site changed it."""

BRIDGE_PORT = 554
"""Where the Open Network Bridge serves RTSP, unless the site changed it."""

Action: TypeAlias = Literal["event", "alarm", "bookmark", "evidence_lock", "trigger", "metadata"]
Words: TypeAlias = tuple[Annotated[str, Field(min_length=1)], ...]
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


class VerdictSettings(Settings):
    """Words by which an alarm's state, category or reason for closing tells a verdict; in any case, whole phrases."""

    model_config = ConfigDict(populate_by_name=True)

    is_true: Annotated[Words, Field(alias="true")] = ("true alarm", "confirmed", "alarme réelle", "confirmée")
    """The alert was right."""
    is_false: Annotated[Words, Field(alias="false")] = ("false alarm", "false", "fausse alarme", "fausse")
    """The alert was a false alarm."""
    closed: Words = ("closed", "rejected", "fermée", "clôturée", "rejetée")
    """Names of alarm states that end an alarm; one that ends without a word above is an unknown verdict."""


class VpsSettings(Settings):
    """Where the recorders' Video Processing Service driver dials us: ``wss://<host>:<port>/vps/<camera id>``."""

    listen: str = "0.0.0.0:5001"
    """``host:port`` to listen on."""
    certificate: Path | None = None
    """PEM file of our TLS certificate chain, of a CA that the recorders' Windows trusts. Required unless allow_http."""
    key: Path | None = None
    """PEM file of its private key."""

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        if _split_host_port(value).port is None:
            raise ValueError(f"{value!r} is not host:port")
        return value

    @model_validator(mode="after")
    def _both_or_none(self) -> VpsSettings:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = _split_host_port(self.listen)
        return parts.hostname or "", parts.port or 0


class MilestoneSettings(VmsSettings):
    """One XProtect system: its management server, and what an alert becomes there."""

    type: Literal["milestone"]
    login: Literal["basic", "windows", "client"] = "basic"
    """What ``username`` is: a ``basic`` user, a ``windows`` account (NTLM), or the id of an OAuth ``client``."""
    video: Literal["imageserver", "vps", "rtsp"] = "imageserver"
    """How video comes: ``imageserver`` from the recording servers (TCP 7563); ``vps``: the recorders' driver dials us;
    ``rtsp`` from the Open Network Bridge."""
    vps: VpsSettings = VpsSettings()
    """Where the driver dials us, with ``video: vps``."""
    bridge: str | None = None
    """``host`` or ``host:port`` of the Open Network Bridge, with ``video: rtsp``; the host of ``url`` when absent."""
    publish: tuple[Action, ...] = ("event", "alarm", "bookmark")
    """What an alert becomes, in this order: ``event``, ``alarm``, ``bookmark``, ``evidence_lock``, ``trigger`` (a
    user-defined event); and ``metadata``: boxes of every frame, with ``video: vps``."""
    event_route: Literal["xml", "rest"] = "xml"
    """``xml``: port 9090, with boxes and snapshot. ``rest``: the gateway's Events REST API, authenticated; what XProtect
    shows of its details is unverified."""
    alarm_route: Literal["auto", "rest", "soap"] = "auto"
    """``auto``: the gateway's Alarms REST API where the release has it, else the event server's SOAP alarm service."""
    alarm_server: str | None = None
    """``host`` or ``host:port`` of the SOAP alarm service; the event server's host, port 22331, when absent."""
    trigger_event: Annotated[str, Field(min_length=1, max_length=255)] = "Vigie alert"
    """User-defined event that ``trigger`` triggers, for XProtect's own rules (start recording, call a preset …)."""
    evidence_lock_days: PositiveInt = 30
    """An evidence lock keeps its recording so long."""
    verdicts: VerdictSettings = VerdictSettings()
    """How operators' words are understood."""
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

    @field_validator("event_server", "alarm_server", "bridge")
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
        if "metadata" in self.publish and self.video != "vps":
            raise ValueError("publish: metadata needs video: vps, through which XProtect takes boxes")
        if self.video == "vps" and not self.allow_http and not (self.vps.certificate and self.vps.key):
            raise ValueError("video: vps needs vps: {certificate, key}; or set allow_http: true to do without TLS")
        return self

    @property
    def event_server_address(self) -> tuple[str, int]:
        """Host and port of the event server."""
        parts = _split_host_port(self.event_server) if self.event_server else urlsplit(self.url)
        port = parts.port if self.event_server else None
        return parts.hostname or "", port or EVENT_SERVER_PORT

    @property
    def alarm_server_address(self) -> tuple[str, int]:
        """Host and port of the SOAP alarm service."""
        parts = _split_host_port(self.alarm_server) if self.alarm_server else None
        host = parts.hostname if parts else self.event_server_address[0]
        return host or "", (parts.port if parts else None) or ALARM_SERVICE_PORT

    @property
    def bridge_address(self) -> tuple[str, int]:
        """Host and port of the Open Network Bridge."""
        parts = _split_host_port(self.bridge) if self.bridge else urlsplit(self.url)
        return parts.hostname or "", (parts.port if self.bridge else None) or BRIDGE_PORT

    def ca_file(self, site_dir: Path) -> Path | None:
        """The site's CA, seen from the folder of the site file."""
        return site_dir / self.ca if self.ca else None

    def require_declared(self, url: str, what: str) -> None:
        """Refuses an address that the VMS announced but the site file does not declare, or that has no TLS.

        Tokens are sent there, so the VMS's word alone is not enough.
        """
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").lower()
        except ValueError as error:
            raise ProtocolViolation(f"{what} is announced as {url!r}, which is no address") from error
        if parts.scheme != "https" and not self.allow_http:
            raise VmsRefused(
                f"{what} is announced as {url}, without TLS",
                remedy="Enable its encryption in Server Configurator, or set allow_http: true for this VMS.",
            )
        if host not in self._declared_hosts():
            raise VmsRefused(
                f"{what} is on {host or url}, which the site file does not declare",
                remedy=f"If it belongs to this VMS, add {host or 'its host'} to 'hosts:' of {self.id}.",
            )

    def _declared_hosts(self) -> frozenset[str]:
        own = (
            urlsplit(self.url).hostname or "",
            self.event_server_address[0],
            self.alarm_server_address[0],
            self.bridge_address[0],
        )
        return frozenset(host.lower() for host in (*own, *self.hosts))
