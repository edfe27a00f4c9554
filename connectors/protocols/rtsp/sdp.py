"""The description of a mount that DESCRIBE answers (RFC 4566, RFC 6184 §8.2, RFC 7798 §7.2; SPEC:Streaming for metadata)."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from connectors.protocols.clips import ClipCodec, nal_type
from connectors.protocols.rtsp.feeds import VideoFormat
from connectors.protocols.rtsp.rtp import CLOCK_RATE, METADATA_PAYLOAD_TYPE, VIDEO_PAYLOAD_TYPE

VIDEO_TRACK = "trackID=0"
"""Control URL of the video track, relative to the presentation."""
METADATA_TRACK = "trackID=1"
"""Control URL of the metadata track, also where there is no video."""

ENCODINGS: dict[ClipCodec, str] = {"h264": "H264", "hevc": "H265"}
"""What can be sent by RTP here."""

_HEVC_NAMES = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}
_SPS = 7


def describe(name: str, video: VideoFormat | None, *, has_metadata: bool = False, is_live: bool = True) -> str:
    """SDP of a mount with these tracks. What a recording's range is, PLAY tells."""
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        f"s={' '.join(name.split()) or '-'}",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
    ]
    if is_live:
        lines.append("a=range:npt=now-")
    if video:
        lines += _video_lines(video)
    if has_metadata:
        lines += [
            f"m=application 0 RTP/AVP {METADATA_PAYLOAD_TYPE}",
            f"a=rtpmap:{METADATA_PAYLOAD_TYPE} vnd.onvif.metadata/{CLOCK_RATE}",
            f"a=control:{METADATA_TRACK}",
        ]
    return "\r\n".join([*lines, ""])


def _video_lines(video: VideoFormat) -> Sequence[str]:
    lines = [
        f"m=video 0 RTP/AVP {VIDEO_PAYLOAD_TYPE}",
        f"a=rtpmap:{VIDEO_PAYLOAD_TYPE} {ENCODINGS[video.codec]}/{CLOCK_RATE}",
    ]
    if parameters := _format_parameters(video):
        lines.append(f"a=fmtp:{VIDEO_PAYLOAD_TYPE} {parameters}")
    if video.fps:
        lines.append(f"a=framerate:{video.fps:.3f}")
    return [*lines, f"a=control:{VIDEO_TRACK}"]


def _format_parameters(video: VideoFormat) -> str:
    """Without parameter sets, which then come in the stream, there is little to say."""
    sets = video.parameter_sets
    if video.codec == "hevc":
        named = {_HEVC_NAMES[nal_type(unit, "hevc")]: unit for unit in sets}
        return ";".join(f"{name}={_base64(unit)}" for name, unit in named.items())
    parameters = ["packetization-mode=1"]
    parameters += [f"profile-level-id={unit[1:4].hex().upper()}" for unit in sets if nal_type(unit, "h264") == _SPS][:1]
    if sets:
        parameters.append(f"sprop-parameter-sets={','.join(map(_base64, sets))}")
    return ";".join(parameters)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
