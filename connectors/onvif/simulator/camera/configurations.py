"""The pieces of media profiles, in the words of Media2 and of Media (onvif.xsd)."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.onvif.simulator.camera.site import Camera, Profile, Site, short
from connectors.onvif.simulator.camera.soap import Element, element
from connectors.protocols.rtsp.feeds import VideoFormat

_BITRATE_KBPS = 4096
_QUALITY = "5"
_NO_TIMEOUT = "PT0S"


def video_source(tag: str, camera: Camera) -> Element:
    """The configuration of a camera's source; its name is the camera's."""
    known = camera.profiles[0].feed.format
    bounds = element("tt:Bounds", x="0", y="0", width=str(known.width), height=str(known.height))
    return element(
        tag,
        element("tt:Name", short(camera.name)),
        element("tt:UseCount", str(len(camera.profiles))),
        element("tt:SourceToken", camera.device),
        bounds,
        token=camera.source,
    )


def encoder2(tag: str, site: Site, profile: Profile) -> Element:
    """An encoder's configuration as Media2 tells it: the codec by its IANA name."""
    known = profile.feed.format
    return element(
        tag,
        element("tt:Name", short(profile.name)),
        element("tt:UseCount", "1"),
        element("tt:Encoding", "H265" if known.codec == "hevc" else "H264"),
        _resolution(known),
        element(
            "tt:RateControl",
            element("tt:FrameRateLimit", f"{known.fps or 0.0:g}"),
            element("tt:BitrateLimit", str(_BITRATE_KBPS)),
        ),
        _multicast(site, profile) if profile.token in site.multicast else None,
        element("tt:Quality", _QUALITY),
        token=profile.encoder,
        GovLength=str(_gop_length(known)),
        Profile="Main" if known.codec == "hevc" else "High",
    )


def encoder1(tag: str, site: Site, profile: Profile) -> Element:
    """The same as Media tells it. Media knows no H.265: ``is_in_media`` leaves such profiles out."""
    known = profile.feed.format
    return element(
        tag,
        element("tt:Name", short(profile.name)),
        element("tt:UseCount", "1"),
        element("tt:Encoding", "H264"),
        _resolution(known),
        element("tt:Quality", _QUALITY),
        element(
            "tt:RateControl",
            element("tt:FrameRateLimit", str(round(known.fps or 0.0))),
            element("tt:EncodingInterval", "1"),
            element("tt:BitrateLimit", str(_BITRATE_KBPS)),
        ),
        element("tt:H264", element("tt:GovLength", str(_gop_length(known))), element("tt:H264Profile", "High")),
        _multicast(site, profile),
        element("tt:SessionTimeout", "PT60S"),
        token=profile.encoder,
    )


def encoder2_options(tag: str, profiles: Sequence[Profile]) -> list[Element]:
    """What the encoders are set to; nothing else can be had."""
    formats = dict.fromkeys((known.codec, known.width, known.height, known.fps) for known in _formats(profiles))
    return [
        element(
            tag,
            element("tt:Encoding", "H265" if codec == "hevc" else "H264"),
            element("tt:QualityRange", element("tt:Min", _QUALITY), element("tt:Max", _QUALITY)),
            element("tt:ResolutionsAvailable", element("tt:Width", str(width)), element("tt:Height", str(height))),
            element("tt:BitrateRange", element("tt:Min", "1"), element("tt:Max", str(_BITRATE_KBPS))),
            FrameRatesSupported=f"{fps or 0.0:g}",
        )
        for codec, width, height, fps in formats
    ]


def is_in_media(profile: Profile) -> bool:
    """Whether Media has a word for its codec."""
    return profile.feed.format.codec == "h264"


def media_uri(tag: str, uri: str) -> Element:
    """An address as Media wraps it: valid for ever."""
    return element(
        tag,
        element("tt:Uri", uri),
        element("tt:InvalidAfterConnect", "false"),
        element("tt:InvalidAfterReboot", "false"),
        element("tt:Timeout", _NO_TIMEOUT),
    )


def _formats(profiles: Sequence[Profile]) -> list[VideoFormat]:
    return [profile.feed.format for profile in profiles]


def _resolution(known: VideoFormat) -> Element:
    return element("tt:Resolution", element("tt:Width", str(known.width)), element("tt:Height", str(known.height)))


def _gop_length(known: VideoFormat) -> int:
    return max(1, round(known.fps or 1.0))


def _multicast(site: Site, profile: Profile) -> Element:
    """Where it is sent to groups; zeros where it is not, since Media demands the element."""
    groups = site.multicast.get(profile.token)
    address, port = groups.video if groups and groups.video else ("0.0.0.0", 0)  # noqa: S104 - told, not bound
    return element(
        "tt:Multicast",
        element("tt:Address", element("tt:Type", "IPv4"), element("tt:IPv4Address", address)),
        element("tt:Port", str(port)),
        element("tt:TTL", str(groups.ttl if groups else 0)),
        element("tt:AutoStart", "false"),
    )
