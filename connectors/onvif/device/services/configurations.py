"""The configurations of a channel as elements, the same ones in both media services.

All carry the channel's token: the kinds of configuration are name spaces of their own, and XProtect's driver finds an
event's channel by the token of the video source or of its configuration (research, A3).
"""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Final

from lxml import etree

from connectors.onvif.device.model import Channel, Device
from connectors.onvif.device.services.video_formats import (
    MEDIA1_ENCODINGS,
    MEDIA2_ENCODINGS,
    EncodedVideo,
    encoded_video,
    picture,
)
from connectors.onvif.device.xml import PREFIXES, child, qualified
from connectors.protocols.onvif_metadata import printable

ANALYTICS_NAMESPACE: Final = "urn:vigie:onvif:analytics"
"""Namespace of the type of our analytics module."""
MODULE_TYPE: Final = "vigie:ObjectAnalytics"
MODULE_NAME: Final = "ObjectAnalytics"
MODULE_PREFIXES: Final = {"vigie": ANALYTICS_NAMESPACE}

NAME_LENGTH: Final = 64
"""``tt:Name``."""

QUALITY: Final = 1
"""``Quality`` means something only to who encodes; the range has this one value."""
BITRATE_LIMIT_KBPS: Final = 16_384
"""An upper bound that others keep: the video is sent as the VMS gave it."""
_SESSION_TIMEOUT: Final = "PT60S"
"""Media2 ignores it, Media1 takes it for a hint; RTSP tells the real one (``media.wsdl``, SetVideoEncoderConfiguration)."""
NO_GROUP: Final = IPv4Address(0)
"""What stands for "no group" where the schema demands one."""


def has_video(channel: Channel) -> bool:
    """Whether the channel has a video encoder configuration."""
    return channel.video is not None


def has_media1_video(channel: Channel) -> bool:
    """Whether Media1 can tell of the channel's video: it has no word for H.265."""
    video = encoded_video(channel)
    return video is not None and video.in_media1


def always(_channel: Channel) -> bool:
    """Every channel has a video source, a metadata and an analytics configuration."""
    return True


def display_name(channel: Channel) -> str:
    """The channel's name within the limits of ``tt:Name``."""
    return printable(channel.name)[:NAME_LENGTH] or channel.token


def profile_name(channel: Channel) -> str:
    """What a client called the profile, else the channel's name."""
    return channel.choices.profile_name or display_name(channel)


def video_source_configuration(parent: etree._Element, name: str, _device: Device, channel: Channel) -> None:
    """The whole picture of the channel's one source."""
    made = _entity(parent, name, channel, display_name(channel))
    child(made, "tt:SourceToken", channel.token)
    seen = picture(channel)
    child(made, "tt:Bounds", x=0, y=0, width=seen.width, height=seen.height)


def video_encoder2_configuration(parent: etree._Element, name: str, device: Device, channel: Channel) -> None:
    """Media2's form; the channel must have video."""
    video = picture(channel)
    made = _entity(parent, name, channel, display_name(channel))
    made.set("GovLength", str(video.gov_length))
    if video.profile:
        made.set("Profile", video.profile)
    child(made, "tt:Encoding", MEDIA2_ENCODINGS[video.codec])
    resolution(made, "tt:Resolution", video)
    rate = child(made, "tt:RateControl", ConstantBitRate=False)
    child(rate, "tt:FrameRateLimit", f"{video.fps:g}")
    child(rate, "tt:BitrateLimit", BITRATE_LIMIT_KBPS)
    _multicast(made, device, channel, track=0)
    child(made, "tt:Quality", QUALITY)


def video_encoder_configuration(parent: etree._Element, name: str, device: Device, channel: Channel) -> None:
    """Media1's form; the channel must have video of a codec that Media1 knows."""
    video = picture(channel)
    made = _entity(parent, name, channel, display_name(channel))
    child(made, "tt:Encoding", MEDIA1_ENCODINGS[video.codec])
    resolution(made, "tt:Resolution", video)
    child(made, "tt:Quality", QUALITY)
    rate = child(made, "tt:RateControl")
    child(rate, "tt:FrameRateLimit", round(video.fps))
    child(rate, "tt:EncodingInterval", 1)
    child(rate, "tt:BitrateLimit", BITRATE_LIMIT_KBPS)
    if video.codec == "h264":
        codec = child(made, "tt:H264")
        child(codec, "tt:GovLength", video.gov_length)
        child(codec, "tt:H264Profile", video.profile)
    _multicast(made, device, channel, track=0)
    child(made, "tt:SessionTimeout", _SESSION_TIMEOUT)


def analytics_configuration(parent: etree._Element, name: str, _device: Device, channel: Channel) -> None:
    """One fixed module and no rules: what the rules report is told by topics (research, D and table A2)."""
    made = _entity(parent, name, channel, display_name(channel))
    analytics_module(child(made, "tt:AnalyticsEngineConfiguration"), "tt:AnalyticsModule")
    child(made, "tt:RuleEngineConfiguration")


def analytics_module(parent: etree._Element, name: str) -> None:
    """Our analytics module: it finds and follows objects."""
    made = with_module_type(parent, name, "Type")
    made.set("Name", MODULE_NAME)
    child(made, "tt:Parameters")


def with_module_type(parent: etree._Element, name: str, attribute: str) -> etree._Element:
    """A new element whose attribute is the module's type: a QName, so the prefix is declared beside it."""
    prefix = name.partition(":")[0]
    made = etree.SubElement(parent, qualified(name), nsmap={prefix: PREFIXES[prefix], **MODULE_PREFIXES})
    made.set(attribute, MODULE_TYPE)
    return made


def metadata_configuration(parent: etree._Element, name: str, device: Device, channel: Channel) -> None:
    """Objects and, unless a client left them out, events; never PTZ: there is none."""
    choices = channel.choices
    made = _entity(parent, name, channel, choices.metadata_name or display_name(channel))
    if choices.events:
        child(made, "tt:Events")
    child(made, "tt:Analytics", choices.analytics)
    _multicast(made, device, channel, track=1)
    child(made, "tt:SessionTimeout", _SESSION_TIMEOUT)


def multicast_group(device: Device, channel: Channel, track: int) -> tuple[IPv4Address, int, int]:
    """Address, port and TTL of the channel's video (0) or metadata (1); all 0 where no groups are configured."""
    groups = device.settings.device.multicast if device.settings.device else None
    if groups is None:
        return NO_GROUP, 0, 0
    return groups.address + 2 * channel.index + track, groups.port, groups.ttl


def resolution(parent: etree._Element, name: str, video: EncodedVideo) -> None:
    """``tt:VideoResolution``."""
    made = child(parent, name)
    child(made, "tt:Width", video.width)
    child(made, "tt:Height", video.height)


def _multicast(parent: etree._Element, device: Device, channel: Channel, *, track: int) -> None:
    address, port, ttl = multicast_group(device, channel, track)
    made = child(parent, "tt:Multicast")
    where = child(made, "tt:Address")
    child(where, "tt:Type", "IPv4")
    child(where, "tt:IPv4Address", address)
    child(made, "tt:Port", port)
    child(made, "tt:TTL", ttl)
    child(made, "tt:AutoStart", False)


def _entity(parent: etree._Element, name: str, channel: Channel, label: str) -> etree._Element:
    made = child(parent, name, token=channel.token)
    child(made, "tt:Name", label)
    child(made, "tt:UseCount", 1)
    return made
