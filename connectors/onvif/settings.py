"""What the site file says about an ONVIF bridge to read from, and about the device that a VMS adds."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from config.model import SecretRef, Settings, VmsSettings
from connectors.protocols.rtsp_source import RtspTransport
from core.errors import ProtocolViolation, VmsRefused

SERVICE_PATH: Final = "/onvif/device_service"
"""Where every ONVIF device is asked first (ONVIF Core, "Services overview")."""

Action: TypeAlias = Literal["event", "metadata", "mqtt"]

Port: TypeAlias = Annotated[int, Field(ge=1, le=65_535)]


def _split_host_port(text: str) -> SplitResult:
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.netloc != text or parts.username is not None or parts.port is None:
        raise ValueError(f"{text!r} is not host:port")
    return parts


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _bare(text: str) -> str:
    host = text.strip("[]")
    if not host or any(mark in host for mark in "/@ ") or (":" in host and not _is_ipv6(host)):
        raise ValueError(f"{host!r}: write bare host names or addresses, without scheme or port")
    return host


class MulticastSettings(Settings):
    """Where the device sends RTP to a group; two groups per channel, from the first address on."""

    address: IPv4Address
    """First group. Channel n (from 0) has its video on address + 2n and its metadata on address + 2n + 1."""
    port: Port = 5004
    """RTP port, even; RTCP goes to the next one."""
    ttl: Annotated[int, Field(ge=1, le=255)] = 1
    """Routers that a packet may pass; 1 stays in the subnet."""

    @model_validator(mode="after")
    def _a_group(self) -> MulticastSettings:
        if not self.address.is_multicast:
            raise ValueError(f"{self.address} is no multicast address; 239.0.0.0/8 is the site's own")
        if self.port % 2:
            raise ValueError("port must be even: RTCP takes the next one")
        return self


class DeviceSettings(Settings):
    """The ONVIF device that the VMS adds: where it listens, and by which account the VMS logs in."""

    listen: str = "0.0.0.0:8443"
    """``host:port`` of the one port that carries SOAP, events, RTSP over HTTP(S), and RTSP(S) itself."""
    certificate: Path | None = None
    """PEM file of our TLS certificate chain. Required unless allow_http."""
    key: Path | None = None
    """PEM file of its private key."""
    host: str = ""
    """Name or address of this machine in the addresses that the VMS is told; the one that it asked at when empty."""
    username: Annotated[str, Field(min_length=1)] = "vms"
    """Account by which the VMS logs in to the device."""
    password: SecretRef
    """Where its password is found."""
    username_token: bool = False
    """Also take WS-Security UsernameToken digests, which Security Center sends; only over TLS."""
    rtsps: str | None = None
    """``host:port`` of a further port for RTSP over TLS; the one port when absent."""
    rtsp: str | None = None
    """``host:port`` of RTSP without TLS; needs allow_http. None when absent."""
    udp: bool = False
    """Send RTP by UDP where a client of ``rtsp`` asks for it: the packets leave from our side, and in clear."""
    multicast: MulticastSettings | None = None
    """Send RTP to groups where a client of ``rtsp`` asks for it."""
    video: bool = True
    """Offer each camera's video, as it came, beside its metadata; drivers want one."""
    max_subscriptions: Annotated[int, Field(ge=1, le=1024)] = 64
    """Pull points that may exist at a time."""

    @field_validator("listen", "rtsps", "rtsp")
    @classmethod
    def _host_and_port(cls, value: str | None) -> str | None:
        if value is not None:
            _split_host_port(value)
        return value

    @field_validator("host")
    @classmethod
    def _bare_host(cls, value: str) -> str:
        return _bare(value) if value else value

    @model_validator(mode="after")
    def _consistent(self) -> DeviceSettings:
        ports = [port for text in (self.listen, self.rtsps, self.rtsp) if text and (port := address_of(text)[1])]
        if len(set(ports)) != len(ports):
            raise ValueError("listen, rtsps and rtsp need a port each; listen takes RTSP(S) too")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        if self.certificate is None and (self.rtsps or self.username_token):
            raise ValueError("rtsps and username_token need certificate and key")
        if self.rtsp is None and (self.udp or self.multicast):
            raise ValueError("udp and multicast need rtsp: host:port")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the one port."""
        return address_of(self.listen)


class BrokerSettings(Settings):
    """An MQTT broker of the site, which takes alerts as ONVIF's JSON events."""

    url: str
    """``mqtts://host[:port]``; ``mqtt://`` only with allow_http."""
    topic_prefix: Annotated[str, Field(pattern=r"^[^#+$\x00/][^#+\x00]{0,255}$")] = "vigie"
    """First part of every topic; give each device of the broker its own."""
    username: str = ""
    """Account at the broker; none when empty."""
    password: SecretRef | None = None
    """Where its password is found."""

    @field_validator("url")
    @classmethod
    def _broker_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"mqtts", "mqtt"} or not parts.hostname or parts.username is not None:
            raise ValueError("write the broker's address as mqtts://host[:port]")
        if parts.path or parts.query or parts.fragment:
            raise ValueError("write only mqtts://host[:port]")
        _ = parts.port  # raises ValueError where it is no port
        return value

    @model_validator(mode="after")
    def _consistent(self) -> BrokerSettings:
        if (self.password is None) != (not self.username):
            raise ValueError("username and password go together")
        return self


class OnvifSettings(VmsSettings):
    """An ONVIF bridge that gives video and events, and the device through which its VMS takes alerts and boxes.

    ``device`` of a camera is the token of its video source (or of a profile) in the bridge, as ``vigie check`` lists.
    """

    type: Literal["onvif"]
    login: Literal["auto", "digest", "username_token"] = "auto"
    """How we log in to the bridge; ``auto``: HTTP Digest, then a UsernameToken where that is refused."""
    transport: RtspTransport = "tcp"
    """How RTP comes: ``tcp``, ``udp``, ``udp_multicast``, ``http`` or ``https``."""
    height: PositiveInt | None = None
    """Of a camera's profiles take the one whose picture height is nearest to this; the largest when absent."""
    publish: tuple[Action, ...] = ("event", "metadata")
    """What an alert becomes: ``event`` (pull point of our device); ``metadata``: boxes of every frame; ``mqtt``."""
    device: DeviceSettings | None = None
    """Our own device, which the VMS adds. Required for ``event`` and ``metadata``."""
    broker: BrokerSettings | None = None
    """The MQTT broker of ``mqtt``."""
    hosts: tuple[str, ...] = ()
    """Further hosts of this VMS that may be contacted: those of streams and pull points on other machines."""
    allow_http: bool = False
    """Accept addresses without TLS. Passwords and video then travel in clear."""
    clock_skew_s: NonNegativeInt = 300
    """A bridge whose clock differs by more is warned of; UsernameTokens carry the bridge's own time."""

    @field_validator("url")
    @classmethod
    def _service_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise ValueError("write the bridge's address as https://host[:port]")
        if parts.username is not None or parts.query or parts.fragment or parts.path not in {"", "/", SERVICE_PATH}:
            raise ValueError(f"write only https://host[:port], or with {SERVICE_PATH}")
        _ = parts.port  # raises ValueError where it is no port
        return f"{parts.scheme}://{parts.netloc}{SERVICE_PATH}"

    @field_validator("hosts")
    @classmethod
    def _bare_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_bare(host.lower()) for host in value)

    @model_validator(mode="after")
    def _consistent(self) -> OnvifSettings:
        if urlsplit(self.url).scheme == "http" and not self.allow_http:
            raise ValueError(
                "url is not https: the password would travel in clear; set allow_http: true to accept that"
            )
        if len(set(self.publish)) != len(self.publish):
            raise ValueError("publish names an action twice")
        if ("mqtt" in self.publish) != (self.broker is not None):
            raise ValueError("mqtt among the actions of publish and broker: {...} go together")
        if self.broker and urlsplit(self.broker.url).scheme == "mqtt" and not self.allow_http:
            raise ValueError("broker: url is not mqtts; set allow_http: true to accept that")
        if set(self.publish) - {"mqtt"} and self.device is None:
            raise ValueError("publish needs device: {...}, which the VMS adds; or write publish: []")
        if self.device and not self.allow_http and (self.device.certificate is None or self.device.rtsp):
            raise ValueError("device: needs certificate and key, and no rtsp; or set allow_http: true")
        return self

    def ca_file(self, site_dir: Path) -> Path | None:
        """The site's CA, seen from the folder of the site file."""
        return site_dir / self.ca if self.ca else None

    def require_declared(self, url: str, what: str) -> None:
        """Refuses an address that the bridge announced but the site file does not declare: a camera's own, say.

        Raises ``ProtocolViolation`` for what is no address, ``VmsRefused`` for a host that is not of this VMS.
        """
        try:
            host = (urlsplit(url).hostname or "").lower()
        except ValueError as error:
            raise ProtocolViolation(f"{what} is announced as {url!r}, which is no address") from error
        own = (urlsplit(self.url).hostname or "").lower()
        if host not in {own, *self.hosts}:
            raise VmsRefused(
                f"{what} is on {host or url}, which the site file does not declare",
                remedy=f"Streams come from the VMS, never from cameras. If {host or 'the host'} belongs to this VMS, "
                f"add it to 'hosts:' of {self.id}.",
            )


def address_of(host_port: str) -> tuple[str, int]:
    """Host and port of a validated ``host:port``."""
    parts = _split_host_port(host_port)
    return parts.hostname or "", parts.port or 0
