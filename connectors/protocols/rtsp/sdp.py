"""The description of a live stream that DESCRIBE answers (RFC 4566, RFC 6184 §8.2, RFC 7798 §7.2)."""

from __future__ import annotations

import base64

from connectors.protocols.clips import Clip, nal_type, parameter_sets
from connectors.protocols.rtsp.rtp import CLOCK_RATE, PAYLOAD_TYPE

TRACK = "trackID=0"
"""Control URL of the video track, relative to the presentation."""

_ENCODING = {"h264": "H264", "hevc": "H265"}
_HEVC_NAMES = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}


def describe(clip: Clip, name: str) -> str:
    """SDP of a mount that plays ``clip``."""
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        f"s={' '.join(name.split()) or '-'}",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"a=rtpmap:{PAYLOAD_TYPE} {_ENCODING[clip.codec]}/{CLOCK_RATE}",
        f"a=fmtp:{PAYLOAD_TYPE} {_format_parameters(clip)}",
        f"a=framerate:{clip.fps:.3f}",
        f"a=control:{TRACK}",
    ]
    return "\r\n".join([*lines, ""])


def _format_parameters(clip: Clip) -> str:
    sets = parameter_sets(clip.packets[0].data, clip.codec)
    if clip.codec == "hevc":
        named = {_HEVC_NAMES[nal_type(unit, "hevc")]: unit for unit in sets}
        return ";".join(f"{name}={_base64(unit)}" for name, unit in named.items())
    profile = next(unit[1:4].hex().upper() for unit in sets if nal_type(unit, "h264") == 7)  # noqa: PLR2004 - SPS
    texts = ",".join(_base64(unit) for unit in sets)
    return f"packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={texts}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
