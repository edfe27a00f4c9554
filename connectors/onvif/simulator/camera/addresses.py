"""Where streams and snapshots are, and what the fault ``stream-uri`` makes of that."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from connectors.onvif.simulator.camera.site import Profile, Site
from connectors.onvif.simulator.camera.soap import SoapFault, invalid_argument

STREAM_URI_OUTCOMES: Final = frozenset({"undeclared-host", "unknown-path", "empty", "fault"})
"""Of the fault plan ``stream-uri``, taken by each request for an address."""

UNDECLARED_HOST: Final = "192.0.2.10"
"""Nobody's (RFC 5737): stands for the camera itself, or for anything else that the site file does not name."""


class StreamProtocol(StrEnum):
    """The words of Media2's ``GetStreamUri`` (SPEC:Media2)."""

    RTSP_UNICAST = "RtspUnicast"
    RTSP_MULTICAST = "RtspMulticast"
    RTSPS_UNICAST = "RtspsUnicast"
    RTSPS_MULTICAST = "RtspsMulticast"
    RTSP = "RTSP"
    RTSP_OVER_HTTP = "RtspOverHttp"


def stream_uri(site: Site, token: str | None, protocol: StreamProtocol) -> str:
    """The address of a profile's stream. Raises ``SoapFault`` for unknown profiles and for what is not offered.

    Over HTTP it is on the web port (SPEC:Media2). Unverified: whether a real bridge writes that one with the scheme
    ``rtsp``, as here, or ``http``.
    """
    profile = _known(site, token)
    outcome = site.faults.next("stream-uri")
    if outcome == "fault":
        raise SoapFault("Receiver", ("ter:Action", "ter:StreamConflict"), "the stream cannot be given now")
    if outcome == "empty":
        return ""
    host = UNDECLARED_HOST if outcome == "undeclared-host" else site.host
    path = "/live/nothing-here" if outcome == "unknown-path" else profile.path
    scheme, port = _place(site, profile, protocol)
    return f"{scheme}://{host}:{port}{path}"


def snapshot_uri(site: Site, token: str | None) -> str:
    """The address of a profile's picture, which wants the same credentials."""
    profile = _known(site, token)
    return f"{site.web}/snapshot/{profile.token}.jpg"


def _place(site: Site, profile: Profile, protocol: StreamProtocol) -> tuple[str, int]:
    if protocol is StreamProtocol.RTSPS_UNICAST and site.rtsps_port is not None:
        return "rtsps", site.rtsps_port
    if protocol is StreamProtocol.RTSP_OVER_HTTP:
        return "rtsp", site.web_port
    if protocol is StreamProtocol.RTSP_MULTICAST and profile.token in site.multicast:
        return "rtsp", site.rtsp_port
    if protocol is StreamProtocol.RTSP and site.is_rtsps_only and site.rtsps_port is not None:
        return "rtsps", site.rtsps_port
    if protocol in {StreamProtocol.RTSP, StreamProtocol.RTSP_UNICAST}:
        return "rtsp", site.rtsp_port
    raise invalid_argument("InvalidStreamSetup", f"{protocol} is not offered")


def _known(site: Site, token: str | None) -> Profile:
    found = site.profile(token)
    if found is None:
        raise invalid_argument("NoProfile", f"there is no profile {token!r}")
    return found[1]
