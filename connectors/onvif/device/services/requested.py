"""What clients ask to change: kept where it can be, ``ter:ConfigModify`` where it cannot."""

from __future__ import annotations

from lxml import etree

from connectors.onvif.device.calls import Fault, invalid_argument
from connectors.onvif.device.model import Channel, Device
from connectors.onvif.device.services.configurations import MODULE_NAME, NAME_LENGTH, NO_GROUP, multicast_group
from connectors.onvif.device.services.video_formats import picture
from connectors.onvif.device.xml import qualified, text_of
from connectors.protocols.onvif_metadata import printable

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_UNCOMPRESSED = "None"
"""``tt:MetadataCompressionType``."""


def set_metadata(device: Device, channel: Channel, wanted: etree._Element) -> None:
    """``SetMetadataConfiguration``: name, analytics and events are kept until the device restarts.

    Events are either all told or none (SPEC: ``tt:MetadataConfiguration/Events``). A missing ``Analytics`` leaves it as it
    is (unverified: the schema gives no default). Session time-outs are taken as the hint that they are.

    Raises ``ter:ConfigModify``, and then changes nothing.
    """
    name = new_name(text_of(wanted, "tt:Name"))
    analytics = _boolean(wanted, "tt:Analytics", default=channel.choices.analytics)
    events = wanted.find(qualified("tt:Events"))
    if events is not None and events.find(f"{qualified('tt:Filter')}/*") is not None:
        raise _impossible("events are told all or none: a filter cannot be set")
    _require_no_extras(wanted)
    _require_own_modules(wanted)
    _require_own_group(device, channel, wanted, track=1)
    channel.choices.metadata_name = name
    channel.choices.analytics = analytics
    channel.choices.events = events is not None


def require_same_video(channel: Channel, wanted: etree._Element, encoding: str) -> None:
    """``SetVideoEncoderConfiguration``: codec and size are the VMS's own; the rest is adapted, which a device may do.

    (SPEC:Media2 "Set<entity>Configuration": "may adapt parameter values for Quality and RateControl".)
    """
    video = picture(channel)
    asked = (text_of(wanted, "tt:Encoding"), *_size(wanted))
    if asked != (encoding, str(video.width), str(video.height)):
        raise _impossible(f"the video comes as {encoding}, {video.width} x {video.height}, and is not encoded again")


def require_same_source(channel: Channel, wanted: etree._Element) -> None:
    """``SetVideoSourceConfiguration``: the source is the camera's and the picture is whole."""
    video = picture(channel)
    bounds = wanted.find(qualified("tt:Bounds"))
    asked = () if bounds is None else tuple(bounds.get(side) for side in ("x", "y", "width", "height"))
    if text_of(wanted, "tt:SourceToken") != channel.token or asked != ("0", "0", str(video.width), str(video.height)):
        raise _impossible("the source is one camera's whole picture")


def new_name(asked: str) -> str:
    """A name of ``tt:Name``'s length. Raises ``ter:ConfigModify``."""
    if len(asked) > NAME_LENGTH:
        raise _impossible(f"names have at most {NAME_LENGTH} characters")
    return printable(asked)


def _require_no_extras(wanted: etree._Element) -> None:
    ptz = wanted.find(qualified("tt:PTZStatus"))
    if ptz is not None and any(_boolean(ptz, item, default=False) for item in ("tt:Status", "tt:Position")):
        raise _impossible("there is no PTZ")
    if wanted.get("CompressionType", _UNCOMPRESSED) != _UNCOMPRESSED:
        raise _impossible("metadata is not compressed")
    if any(_BOOLEANS.get(wanted.get(item, "false").strip(), True) for item in ("GeoLocation", "ShapePolygon")):
        raise _impossible("objects have boxes; neither polygons nor places on the globe")
    if wanted.find(qualified("tt:SensorData")) is not None:
        raise _impossible("there are no sensors")


def _require_own_modules(wanted: etree._Element) -> None:
    modules = wanted.findall(f"{qualified('tt:AnalyticsEngineConfiguration')}/{qualified('tt:AnalyticsModule')}")
    if any(module.get("Name") != MODULE_NAME for module in modules):
        raise _impossible(f"the only analytics module is {MODULE_NAME}")


def _require_own_group(device: Device, channel: Channel, wanted: etree._Element, *, track: int) -> None:
    asked = wanted.find(qualified("tt:Multicast"))
    where = None if asked is None else asked.find(qualified("tt:Address"))
    if asked is None or where is None or text_of(where, "tt:IPv4Address") == str(NO_GROUP):
        return  # no wish
    address, port, ttl = (str(value) for value in multicast_group(device, channel, track))
    if (text_of(where, "tt:IPv4Address"), text_of(asked, "tt:Port"), text_of(asked, "tt:TTL")) != (address, port, ttl):
        raise _impossible("multicast groups are set in the site file")
    if _boolean(asked, "tt:AutoStart", default=False):
        raise _impossible("multicast is started by RTSP only")


def _size(wanted: etree._Element) -> tuple[str, str]:
    size = wanted.find(qualified("tt:Resolution"))
    return ("", "") if size is None else (text_of(size, "tt:Width"), text_of(size, "tt:Height"))


def _boolean(parent: etree._Element, name: str, *, default: bool) -> bool:
    if parent.find(qualified(name)) is None:
        return default
    value = _BOOLEANS.get(text_of(parent, name))
    if value is None:
        raise _impossible(f"{name} is neither true nor false")
    return value


def _impossible(reason: str) -> Fault:
    return invalid_argument("ConfigModify", reason)
