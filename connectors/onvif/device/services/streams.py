"""Where a profile's stream is, or the fault that says why there is none."""

from __future__ import annotations

from typing import Final

from connectors.onvif.device.calls import invalid_argument
from connectors.onvif.device.model import Channel, Device, StreamProtocol

_MAX_OCTETS: Final = 128
"""A device shall not give longer URIs (SPEC:Media2 "GetStreamUri")."""


def stream_uri(device: Device, channel: Channel, protocol: StreamProtocol, asked_at: str) -> str:
    """The address by that protocol, for a client that reached us at ``asked_at``.

    Raises ``ter:InvalidMulticastSettings`` without groups, ``ter:InvalidStreamSetup`` for what else is not offered.
    """
    uri = device.stream_uri(channel, protocol, asked_at)
    if uri is None and protocol is StreamProtocol.RTSP_MULTICAST:
        raise invalid_argument("InvalidMulticastSettings", "no multicast group is configured")
    if uri is None:
        raise invalid_argument("InvalidStreamSetup", f"this device does not stream by {protocol}")
    if len(uri.encode()) > _MAX_OCTETS:
        raise invalid_argument(
            "InvalidStreamSetup", f"the stream's address is longer than {_MAX_OCTETS} octets: device.host is too long"
        )
    return uri


def multicast_offered(device: Device) -> bool:
    """Whether RTP can be sent to groups."""
    return device.settings.device is not None and device.settings.device.multicast is not None
