"""Video of the Media Gateway: ``rtsp://host:654/<camera GUID>/<stream>`` (public page "media-gateway-developer-guide").

Recordings are its stream ``playback``, with ``Range: clock=<begin>-<end>`` in PLAY (the same page). All else about it is
unverified: the pace, where it begins, what an answer's ``Range`` and ``RTP-Info`` tell, gaps, its end.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from config.model import CameraSettings
from connectors.genetec.inventory.inventory import camera_guid
from connectors.genetec.sdk.settings import GenetecSdkSettings
from connectors.genetec.settings import GenetecSettings
from connectors.protocols.playback.source import PlaybackSource
from connectors.protocols.rtsp_source import RtspSource, RtspTarget
from core.contracts import ConnectorServices
from core.errors import RequestInvalid
from core.types import UtcSeconds

_PLAYBACK = "playback"
_PLAYBACK_READ_S = 15.0
"""Twice as long a server may be silent: it may read from an archive, or sit a gap out (unverified)."""


class MediaGateway:
    """One system's. Connects to nobody itself; the password is read for each source."""

    def __init__(
        self, settings: GenetecSettings | GenetecSdkSettings, services: ConnectorServices, ca: Path | None = None
    ) -> None:
        self._settings = settings
        self._services = services
        self._ca = ca

    def open_video(self, camera: CameraSettings) -> RtspSource:
        """The live stream that the settings name. Raises ``NotFoundInVms`` for a camera that is no GUID."""
        return RtspSource(self._target(camera, self._settings.stream), self._services.clock)

    def open_recording(self, camera: CameraSettings, begin: UtcSeconds, end: UtcSeconds) -> PlaybackSource:
        """What is recorded, by TCP. Raises as ``open_video``, and ``RequestInvalid`` where video is tunnelled in HTTP."""
        if self._settings.rtsp_transport in {"http", "https"}:
            raise RequestInvalid(
                f"{self._settings.id}: recordings do not come by rtsp_transport {self._settings.rtsp_transport}",
                remedy="Choose rtsp_transport: tcp.",
            )
        target = replace(self._target(camera, _PLAYBACK), transport="tcp", read_timeout_s=_PLAYBACK_READ_S)
        return PlaybackSource(target, self._services.clock, begin=begin, end=end)

    def _target(self, camera: CameraSettings, stream: str) -> RtspTarget:
        host, port = self._settings.gateway()
        address = f"[{host}]" if ":" in host else host
        return RtspTarget(
            url=f"rtsp://{address}:{port}/{camera_guid(camera)}/{stream}",
            username=self._settings.username,
            password=self._services.secrets(self._settings.password),
            transport=self._settings.rtsp_transport,
            ca=self._ca,
        )
