"""What could be set of a channel's configurations: what they already are, for the video is sent as it came."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from connectors.onvif.device.model import Channel
from connectors.onvif.device.services.configurations import BITRATE_LIMIT_KBPS, QUALITY, resolution
from connectors.onvif.device.services.video_formats import (
    MEDIA1_ENCODINGS,
    MEDIA2_ENCODINGS,
    EncodedVideo,
    picture,
)
from connectors.onvif.device.xml import child


def video_source_options(parent: etree._Element, channels: Sequence[Channel], profiles: int) -> None:
    """The bounds are the whole picture: nothing can be cut out."""
    options = child(parent, _in_namespace_of(parent, "Options"), MaximumNumberOfProfiles=profiles)
    seen = [picture(channel) for channel in channels]
    bounds = child(options, "tt:BoundsRange")
    int_range(bounds, "tt:XRange", 0, 0)
    int_range(bounds, "tt:YRange", 0, 0)
    int_range(bounds, "tt:WidthRange", *_extent([one.width for one in seen]))
    int_range(bounds, "tt:HeightRange", *_extent([one.height for one in seen]))
    for channel in channels:
        child(options, "tt:VideoSourceTokensAvailable", channel.token)


def video_encoder2_options(parent: etree._Element, channels: Sequence[Channel]) -> None:
    """One ``Options`` per codec, with the sizes and rates that there are."""
    videos = [picture(channel) for channel in channels]
    for codec in dict.fromkeys(video.codec for video in videos):
        alike = [video for video in videos if video.codec == codec]
        options = child(
            parent,
            _in_namespace_of(parent, "Options"),
            GovLengthRange="{} {}".format(*_extent([video.gov_length for video in alike])),
            FrameRatesSupported=" ".join(f"{fps:g}" for fps in sorted({video.fps for video in alike}, reverse=True)),
            ProfilesSupported=" ".join(sorted({video.profile for video in alike if video.profile})) or None,
            ConstantBitRateSupported=False,
        )
        child(options, "tt:Encoding", MEDIA2_ENCODINGS[codec])
        int_range(options, "tt:QualityRange", QUALITY, QUALITY)
        _resolutions(options, alike)
        int_range(options, "tt:BitrateRange", 0, BITRATE_LIMIT_KBPS)


def video_encoder_options(parent: etree._Element, channels: Sequence[Channel]) -> None:
    """Media1's form: one element per codec, without a word for H.265."""
    videos = [picture(channel) for channel in channels]
    options = child(parent, _in_namespace_of(parent, "Options"))
    int_range(options, "tt:QualityRange", QUALITY, QUALITY)
    for codec in ("mjpeg", "h264"):
        if alike := [video for video in videos if video.codec == codec]:
            _codec_options(child(options, f"tt:{MEDIA1_ENCODINGS[alike[0].codec]}"), alike)


def metadata_options(parent: etree._Element) -> None:
    """There is no PTZ, and no compression; events can be left out but not filtered."""
    options = child(parent, _in_namespace_of(parent, "Options"))
    ptz = child(options, "tt:PTZStatusFilterOptions")
    for item in ("PanTiltStatus", "ZoomStatus", "PanTiltPosition", "ZoomPosition"):
        child(ptz, f"tt:{item}Supported", False)


def int_range(parent: etree._Element, name: str, low: int, high: int) -> None:
    """``tt:IntRange`` (or ``tt:FloatRange`` of whole numbers)."""
    made = child(parent, name)
    child(made, "tt:Min", low)
    child(made, "tt:Max", high)


def _codec_options(codec: etree._Element, videos: Sequence[EncodedVideo]) -> None:
    _resolutions(codec, videos)
    is_h264 = videos[0].codec == "h264"
    if is_h264:
        int_range(codec, "tt:GovLengthRange", *_extent([video.gov_length for video in videos]))
    int_range(codec, "tt:FrameRateRange", *_extent([round(video.fps) for video in videos]))
    int_range(codec, "tt:EncodingIntervalRange", 1, 1)
    for supported in sorted({video.profile or "" for video in videos}) if is_h264 else ():
        child(codec, "tt:H264ProfilesSupported", supported)


def _resolutions(parent: etree._Element, videos: Sequence[EncodedVideo]) -> None:
    sizes = {(video.width, video.height): video for video in videos}
    for _size, video in sorted(sizes.items(), reverse=True):
        resolution(parent, "tt:ResolutionsAvailable", video)


def _in_namespace_of(parent: etree._Element, local: str) -> str:
    return f"{parent.prefix}:{local}"


def _extent(values: Sequence[int]) -> tuple[int, int]:
    return min(values), max(values)
