"""Live video through the Open Network Bridge: ``rtsp://<bridge>:554/live/<camera GUID>``.

The bridge is a service of its own with a list of its own users, RTSP over TCP, H.264 (documented for 2020 R3; other
codecs are unverified, FFmpeg would take them). Unverified, too: whether it asks for Digest or Basic authentication, and
whether its RTCP sender reports carry the recorder's time; without them capture times are arrival times, see
``connectors.protocols.capture_time``.
"""

from __future__ import annotations

from config.model import CameraSettings
from connectors.milestone.inventory.inventory import canonical_id
from connectors.milestone.settings import MilestoneSettings
from connectors.protocols.rtsp_source import RtspSource, RtspTarget
from core.contracts import ConnectorServices, VideoSource
from core.errors import AuthenticationRefused


def open_bridge_video(
    settings: MilestoneSettings, services: ConnectorServices, camera: CameraSettings, password: str
) -> VideoSource:
    """A fresh, unconnected source of one camera.

    As with Security Center's Media Gateway, RTSP without TLS needs no ``allow_http``: the bridge offers nothing else.

    Raises ``NotFoundInVms`` for a device that is no GUID, ``AuthenticationRefused`` for an account that a bridge cannot
    have.
    """
    if settings.login == "client":
        raise AuthenticationRefused(
            f"{settings.id}: the Open Network Bridge knows users, not OAuth clients",
            remedy="Choose login: basic or windows, or video: imageserver.",
        )
    host, port = settings.bridge_address
    address = f"[{host}]" if ":" in host else host
    target = RtspTarget(
        url=f"rtsp://{address}:{port}/live/{canonical_id(camera.device)}",
        username=settings.username,
        password=password,
    )
    return RtspSource(target, services.clock)
