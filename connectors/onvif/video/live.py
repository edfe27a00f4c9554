"""Live video through a VMS's ONVIF bridge: where the stream is is asked when it is opened, then RTSP."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from config.model import CameraSettings
from connectors.onvif.client.client import OnvifClient
from connectors.onvif.settings import OnvifSettings
from connectors.protocols.capture_time import TimeSource
from connectors.protocols.rtsp_source import OPEN_TIMEOUT_S, RtspSource, RtspTarget
from core.contracts import ConnectorServices, VideoSource
from core.types import Packet


class BridgeSource(VideoSource):
    """One camera's stream. Its address is asked anew each time: a bridge may have moved it."""

    def __init__(
        self, settings: OnvifSettings, services: ConnectorServices, client: OnvifClient, camera: CameraSettings
    ) -> None:
        self._settings = settings
        self._services = services
        self._client = client
        self._camera = camera
        self._lock = threading.Lock()
        self._inner: RtspSource | None = None
        self._closed = threading.Event()

    @property
    def time_source(self) -> TimeSource:
        """Whose clock stamped the packets; unknown before the first."""
        inner = self._inner
        return inner.time_source if inner is not None else TimeSource.UNKNOWN

    def packets(self) -> Iterator[Packet]:
        if self._closed.is_set():
            return
        source = RtspSource(self._target(), self._services.clock)
        with self._lock:
            self._inner = source
            if self._closed.is_set():
                source.close()
        yield from source.packets()

    def close(self) -> None:
        with self._lock:
            self._closed.set()
            if self._inner is not None:
                self._inner.close()

    def _target(self) -> RtspTarget:
        return RtspTarget(
            url=self._client.stream_uri(self._camera.device),
            username=self._settings.username,
            password=self._client.password(),
            transport=self._settings.transport,
            ca=self._settings.ca_file(self._services.site_dir),
            open_timeout_s=min(self._settings.timeout_s, OPEN_TIMEOUT_S),
        )


def open_live(
    settings: OnvifSettings, services: ConnectorServices, client: OnvifClient, camera: CameraSettings
) -> BridgeSource:
    """A fresh, unconnected source. ``packets`` raises ``VmsRefused`` for a stream on a host that is not declared."""
    return BridgeSource(settings, services, client, camera)
