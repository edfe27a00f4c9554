"""Where the device's streams are, as ``GetStreamUri`` tells."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address
from typing import Final
from urllib.parse import quote

from config.model import CameraSettings
from connectors.onvif.device.model import Channel, StreamProtocol
from connectors.onvif.settings import DeviceSettings
from core.errors import VmsRefused

PREFIX: Final = "/onvif/stream/"
"""Path of every stream, before the channel's token."""


class StreamAddressBook:
    """Ports are those really listened on; None for what the settings do not offer.

    The one port takes RTSP itself, too: ``RTSP`` (RTP within RTSP's own connection) is given there, over TLS where it
    has TLS, unless there is a port of its own. ``RtspsUnicast`` means SRTP in the specification, for which we have no
    keys: who asks for it gets RTSP over TLS, with RTP inside. ``RtspOverHttp`` is told with the scheme of the web
    service, whose port it shares (SPEC:Media2 "GetStreamUri"); that drivers take an ``https`` address is unverified.
    """

    def __init__(self, settings: DeviceSettings, *, web: int, rtsp: int | None, rtsps: int | None) -> None:
        self._settings = settings
        self._web = web
        self._rtsp = rtsp
        self._rtsps = rtsps

    def __call__(self, channel: Channel, protocol: StreamProtocol, asked_at: str) -> str | None:
        base = self._base(protocol, asked_at)
        return None if base is None else f"{base}{PREFIX}{quote(channel.token)}"

    def _base(self, protocol: StreamProtocol, host: str) -> str | None:
        plain = f"rtsp://{host}:{self._rtsp}" if self._rtsp is not None else None
        is_secure = self._settings.certificate is not None
        secure = f"rtsps://{host}:{self._rtsps or self._web}" if is_secure else None
        match protocol:
            case StreamProtocol.RTSP_UNICAST:
                return plain if self._settings.udp else None
            case StreamProtocol.RTSP_MULTICAST:
                return plain if self._settings.multicast else None
            case StreamProtocol.RTSP:
                return plain or secure or f"rtsp://{host}:{self._web}"
            case StreamProtocol.RTSPS_UNICAST:
                return secure
            case StreamProtocol.RTSP_OVER_HTTP:
                return f"{'https' if is_secure else 'http'}://{host}:{self._web}"


def host_in_url(host: str) -> str:
    """IPv6 addresses stand in brackets there."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def require_groups(settings: DeviceSettings, cameras: Sequence[CameraSettings]) -> None:
    """Two groups per camera, from the first address on. Raises ``VmsRefused`` where there are not so many."""
    if settings.multicast is None or not cameras:
        return
    try:
        is_group = (settings.multicast.address + 2 * len(cameras) - 1).is_multicast
    except AddressValueError:
        is_group = False
    if not is_group:
        first = IPv4Address(int(IPv4Address("239.255.255.255")) - 2 * len(cameras) + 1)
        raise VmsRefused(
            f"there are no two multicast groups for each of {len(cameras)} cameras from {settings.multicast.address} on",
            remedy=f"Set 'multicast: address' of device: to {first} at most.",
        )
