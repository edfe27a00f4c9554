"""What a Security Center entry of the site file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator, model_validator

from config.model import SecretRef, Settings, VmsSettings
from connectors.protocols.rtsp_source import RtspTransport

MEDIA_GATEWAY_PORT = 654
"""The Media Gateway's RTSP port (554 is the Media Router's)."""


Acknowledgement: TypeAlias = Literal["default", "alternate", "forced"]
"""How an operator acknowledges an alarm in Security Desk."""


class AcknowledgementSettings(Settings):
    """What each kind of acknowledgement says of an alert; one that is named in neither list says nothing."""

    model_config = ConfigDict(populate_by_name=True)

    is_true: Annotated[tuple[Acknowledgement, ...], Field(alias="true")] = ("default",)
    """The alert was right."""
    is_false: Annotated[tuple[Acknowledgement, ...], Field(alias="false")] = ("alternate",)
    """The alert was a false alarm."""

    @model_validator(mode="after")
    def _one_meaning_each(self) -> AcknowledgementSettings:
        if both := sorted(set(self.is_true) & set(self.is_false)):
            raise ValueError(f"{', '.join(both)} cannot mean both true and false")
        return self


class GenetecSettings(VmsSettings):
    """Security Center over its Web-based SDK role (events, alarms, bookmarks) and its Media Gateway role (video)."""

    type: Literal["genetec"]
    url: str
    """Address of the Web-based SDK role, with its base URI: ``https://sc.site.local:4590/WebSdk``."""
    application_id: SecretRef
    """Where the ApplicationId of the SDK certificate is found; Security Center wants it beside the user name."""
    allow_http: bool = False
    """Accept a ``url`` without TLS. The password then travels in clear."""
    media_gateway: str = ""
    """``host:port`` of the Media Gateway; the host of ``url`` and port 654 when empty."""
    stream: Literal["live", "lowres", "highres"] = "live"
    """Which of a camera's streams is analysed."""
    rtsp_transport: RtspTransport = "tcp"
    """How the video travels. UDP loses pictures silently: prefer TCP."""
    publish: tuple[Literal["event", "alarm", "bookmark"], ...] = ("event", "bookmark")
    """What an alert becomes in Security Center."""
    alarm_route: Literal["event_to_action", "direct"] = "event_to_action"
    """``event_to_action``: Vigie raises its custom event on the camera and an event-to-action of Security Center raises
    the alarm, which then knows the camera. ``direct``: Vigie triggers ``alarm`` itself; it shows no camera of its own."""
    event_name: str = "Vigie"
    """Name of the custom event; only ``check`` looks at it."""
    event_id: Annotated[int, Field(ge=1)] = 5000
    """Number of the custom event, which is what is raised."""
    alarm: UUID | None = None
    """The alarm entity to trigger, for ``alarm_route: direct``."""
    verdicts: AcknowledgementSettings = AcknowledgementSettings()
    """What operators' acknowledgements say of an alert."""
    hosts: tuple[str, ...] = ()
    """Further hosts of this VMS that may be contacted: where the Web-based SDK role redirects event streams to."""

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("write the address of the Web-based SDK role, such as https://sc.site.local:4590/WebSdk")
        if parts.username or parts.query or parts.fragment:
            raise ValueError("write only scheme, host, port and base URI; the account has its own fields")
        return parts.geturl().rstrip("/")

    @field_validator("media_gateway")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(f"rtsp://{value}")
        try:
            is_plain = parts.netloc == value and parts.hostname and not parts.username and (parts.port or True)
        except ValueError:
            is_plain = False
        if not is_plain:
            raise ValueError("write host:port, such as mg01.site.local:654")
        return value

    @field_validator("hosts")
    @classmethod
    def _bare_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        hosts = tuple(host.lower().strip("[]") for host in value)
        for host in hosts:
            try:
                is_bare = bool(host) and urlsplit(f"//[{host}]" if ":" in host else f"//{host}").hostname == host
            except ValueError:
                is_bare = False
            if not is_bare:
                raise ValueError(f"{host!r}: write bare host names or addresses, without scheme or port")
        return hosts

    @model_validator(mode="after")
    def _encrypted(self) -> GenetecSettings:
        if self.url.startswith("http:") and not self.allow_http:
            raise ValueError("url is not https: the password would travel in clear; set allow_http: true to accept it")
        return self

    @model_validator(mode="after")
    def _alarm_for_the_direct_route(self) -> GenetecSettings:
        if "alarm" in self.publish and self.alarm_route == "direct" and self.alarm is None:
            raise ValueError("alarm_route: direct needs 'alarm', the GUID of the alarm entity to trigger")
        return self

    def ca_file(self, site_dir: Path) -> Path | None:
        """The site's CA, seen from the folder of the site file."""
        return site_dir / self.ca if self.ca else None

    def gateway(self) -> tuple[str, int]:
        """Host and port of the Media Gateway."""
        parts = urlsplit(f"rtsp://{self.media_gateway}" if self.media_gateway else self.url)
        port = parts.port if self.media_gateway else None
        return parts.hostname or "", port or MEDIA_GATEWAY_PORT

    def declared_hosts(self) -> frozenset[str]:
        """Hosts, in lower case, that credentials may be sent to."""
        return frozenset({(urlsplit(self.url).hostname or "").lower(), *self.hosts})
