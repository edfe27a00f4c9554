"""What the device is made of, as its services read it: who it is, its channels, and where their streams are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from config.model import CameraSettings, RuleSettings
from connectors.onvif.settings import OnvifSettings
from connectors.protocols.rtsp.feeds import MetadataFeed, VideoFeed
from core.contracts import Clock


class StreamProtocol(StrEnum):
    """How a stream is fetched; the words of Media2's ``GetStreamUri`` (SPEC:Media2)."""

    RTSP_UNICAST = "RtspUnicast"
    RTSP_MULTICAST = "RtspMulticast"
    RTSP = "RTSP"
    RTSPS_UNICAST = "RtspsUnicast"
    RTSP_OVER_HTTP = "RtspOverHttp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the device says it is. ``mac`` (``aa:bb:…``, locally administered) is what drivers recognise it by."""

    manufacturer: str
    model: str
    firmware: str
    serial: str
    hardware_id: str
    mac: str
    name: str


@dataclass(slots=True, kw_only=True)
class ClientChoices:
    """What clients may set of a channel through the media services; kept until the device restarts.

    Names are empty while nobody gave one. ``analytics`` and ``events`` tell what the metadata documents hold: objects,
    and notifications (``tt:MetadataConfiguration``).
    """

    profile_name: str = ""
    metadata_name: str = ""
    analytics: bool = True
    events: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One analysed camera as the VMS sees it.

    ``token`` is the camera's id in the site file. The video source, its configuration and the profile carry this very
    string: XProtect's driver matches events to channels by it (research, A3).
    """

    index: int
    camera: CameraSettings
    video: VideoFeed | None
    metadata: MetadataFeed
    choices: ClientChoices = field(default_factory=ClientChoices, compare=False)

    @property
    def token(self) -> str:
        """Stable, at most 64 characters."""
        return self.camera.id

    @property
    def name(self) -> str:
        """What people call it."""
        return self.camera.name or self.camera.id

    @property
    def rules(self) -> Sequence[RuleSettings]:
        """What is watched, in the order of the site file."""
        return self.camera.rules


class StreamAddresses(Protocol):
    """Where a channel's stream is; None where the device does not offer that protocol."""

    def __call__(self, channel: Channel, protocol: StreamProtocol, asked_at: str) -> str | None:
        """``asked_at``: host name by which the client reached us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Everything the services know."""

    settings: OnvifSettings
    identity: Identity
    channels: Sequence[Channel]
    clock: Clock
    stream_uri: StreamAddresses
    statistics: Callable[[], Mapping[str, float]] = dict

    def channel(self, token: str) -> Channel | None:
        """The channel of that token."""
        return next((channel for channel in self.channels if channel.token == token), None)
