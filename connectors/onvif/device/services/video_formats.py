"""What a channel's restreamed video is, in ONVIF's words; an assumption while no key frame was seen yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from connectors.onvif.device.model import Channel
from connectors.protocols.clips import ClipCodec
from connectors.protocols.rtsp.feeds import VideoFormat

MEDIA2_ENCODINGS: Final[Mapping[ClipCodec, str]] = {"h264": "H264", "hevc": "H265", "mjpeg": "JPEG"}
"""``tt:VideoEncodingMimeNames``: media subtypes of IANA's registry (SPEC:Media2 "Video encoder configuration")."""

MEDIA1_ENCODINGS: Final[Mapping[ClipCodec, str]] = {"h264": "H264", "mjpeg": "JPEG"}
"""``tt:VideoEncoding`` has no word for H.265: to Media1 such a video does not exist."""

_ASSUMED_FPS: Final = 25.0
_ASSUMED: Final = VideoFormat(codec="h264", width=1920, height=1080, fps=_ASSUMED_FPS)
"""Told while the real one is unknown: drivers read the profiles once, when the device is added, and need figures."""


class _SpsForm(NamedTuple):
    """Where a sequence parameter set tells its profile: ``shift`` of the unit's type in its first byte, and so on."""

    shift: int
    mask: int
    unit_type: int
    profile_at: int
    profile_mask: int
    names: Mapping[int, str]
    default: str

    def is_sps(self, unit: bytes) -> bool:
        """Whether the unit is one, and long enough."""
        return len(unit) > self.profile_at and unit[0] >> self.shift & self.mask == self.unit_type


_SPS: Final[Mapping[ClipCodec, _SpsForm]] = {
    "h264": _SpsForm(0, 0x1F, 7, 1, 0xFF, {66: "Baseline", 77: "Main", 88: "Extended"}, "High"),
    "hevc": _SpsForm(1, 0x3F, 33, 3, 0x1F, {2: "Main10"}, "Main"),
}
"""``profile_idc`` (ITU-T H.264, 7.3.2.1.1 and annex A) and ``general_profile_idc`` (ITU-T H.265, 7.3.3 and annex A)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedVideo:
    """A channel's video. ``profile`` is one of ``tt:VideoEncodingProfiles``, None for JPEG."""

    codec: ClipCodec
    width: int
    height: int
    fps: float
    profile: str | None

    @property
    def gov_length(self) -> int:
        """Frames from key frame to key frame: not known of a video that others encode; told as one second."""
        return 1 if self.codec == "mjpeg" else max(1, round(self.fps))

    @property
    def in_media1(self) -> bool:
        """Whether Media1 has a word for the codec."""
        return self.codec in MEDIA1_ENCODINGS


def encoded_video(channel: Channel) -> EncodedVideo | None:
    """None where the device offers no video of the channel."""
    return picture(channel) if channel.video else None


def picture(channel: Channel) -> EncodedVideo:
    """The picture that the channel's boxes lie on, whether or not its video is offered."""
    known = (channel.video.format if channel.video else None) or _ASSUMED
    sized = known if known.width > 0 and known.height > 0 else _ASSUMED
    return EncodedVideo(
        codec=known.codec,
        width=sized.width,
        height=sized.height,
        fps=known.fps or _ASSUMED_FPS,
        profile=_profile(known),
    )


def _profile(known: VideoFormat) -> str | None:
    form = _SPS.get(known.codec)
    if form is None:
        return None
    sps = next(filter(form.is_sps, known.parameter_sets), None)
    return form.names.get(sps[form.profile_at] & form.profile_mask, form.default) if sps else "Main"
