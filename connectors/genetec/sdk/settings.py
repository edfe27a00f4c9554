"""What a site file says about a Security Center that is reached by Genetec's .NET SDK."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from config.model import Identifier, SecretRef, Settings, VmsSettings
from connectors.genetec.sdk.launch import Runtime
from connectors.genetec.settings import MEDIA_GATEWAY_PORT, AcknowledgementSettings
from connectors.protocols.rtsp_source import RtspTransport

Action: TypeAlias = Literal["event", "analytics", "alarm", "bookmark", "metadata"]
Pixels: TypeAlias = Annotated[int, Field(ge=64, le=8192)]


class OverlaySettings(Settings):
    """How the boxes of one camera are drawn, where its picture is not 1280 x 720 upright."""

    camera: Identifier
    """Camera of this site."""
    width: Pixels = 1280
    """Width of the drawing surface as Security Desk shows it; its proportions are what counts."""
    height: Pixels = 720
    """Its height."""
    rotation_deg: Literal[0, 90, 180, 270] = 0
    """By how much Security Desk turns the picture that is analysed, clockwise."""


class GenetecSdkSettings(VmsSettings):
    """Security Center by its .NET SDK (events, alarms, bookmarks, overlays) and its Media Gateway role (video)."""

    type: Literal["genetec-sdk"]
    url: str
    """Host name or address of the Directory, such as ``directory.site.local``."""
    application_id: SecretRef
    """Where the ApplicationId of the SDK certificate is found."""
    runtime: Runtime = "netfx"
    """``netfx`` (.NET Framework 4.8, the only one with overlays) or ``coreclr`` (.NET 8, from SDK 5.12.2); ``mono`` is
    for tests."""
    sdk_folder: Path | None = None
    """Folder of the SDK; what ``GSC_SDK`` (``GSC_SDK_CORE`` for ``coreclr``) says when absent."""
    dotnet_root: Path | None = None
    """Folder of .NET, for ``coreclr`` where it is not installed for the whole machine."""
    runtime_config: Path | None = None
    """A ``runtimeconfig.json``, for ``coreclr`` with another version than .NET 8 Desktop."""
    media_gateway: str = ""
    """``host:port`` of the Media Gateway; the Directory's host and port 654 when empty."""
    stream: Literal["live", "lowres", "highres"] = "live"
    """Which of a camera's streams is analysed."""
    rtsp_transport: RtspTransport = "tcp"
    """How the video travels. UDP loses pictures silently: prefer TCP."""
    publish: tuple[Action, ...] = ("event", "bookmark")
    """What an alert becomes; ``metadata`` draws boxes and zones over the video."""
    event_name: str = "Vigie"
    """Name of the custom event; only ``check`` looks at it."""
    event_id: Annotated[int, Field(ge=1)] = 5000
    """Number of the custom event, which is what is raised."""
    alarm: UUID | None = None
    """The alarm entity to trigger, for ``alarm``."""
    verdicts: AcknowledgementSettings = AcknowledgementSettings()
    """What operators' acknowledgements say of an alert."""
    overlays: tuple[OverlaySettings, ...] = ()
    """Cameras whose picture is not 1280 x 720 upright."""

    @field_validator("url", "media_gateway")
    @classmethod
    def _host(cls, value: str) -> str:
        parts = urlsplit(f"//{value}")
        try:
            is_plain = parts.netloc == value and not parts.username and (parts.port or True)
        except ValueError:
            is_plain = False
        if not is_plain:
            raise ValueError("write a host, or host:port, without scheme")
        return value

    @field_validator("url")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value:
            raise ValueError("write the host name or address of the Directory")
        return value

    @model_validator(mode="after")
    def _alarm_is_named(self) -> GenetecSdkSettings:
        if "alarm" in self.publish and self.alarm is None:
            raise ValueError("publish: alarm needs 'alarm', the GUID of the alarm entity to trigger")
        return self

    def gateway(self) -> tuple[str, int]:
        """Host and port of the Media Gateway."""
        parts = urlsplit(f"//{self.media_gateway or self.url}")
        return parts.hostname or "", (parts.port if self.media_gateway else None) or MEDIA_GATEWAY_PORT

    def overlay_of(self, camera_id: str) -> OverlaySettings:
        """How a camera's boxes are drawn."""
        named = (overlay for overlay in self.overlays if overlay.camera == camera_id)
        return next(named, None) or OverlaySettings(camera=camera_id)
