"""The first Media service (``trt``), for clients that know no other.

The same profiles as Media2's, within its limits: ``tt:VideoEncoding`` has no word for H.265, so to Media1 a camera with such
video has no video encoder configuration. Its stream can be played all the same, and its metadata read.

Sources: SPEC:Media for behaviour and faults, ``ver10/media/wsdl/media.wsdl`` for the forms. Snapshots, OSDs, audio and
multicast without RTSP are not offered: those operations are not here, so they answer ``ActionNotSupported``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from lxml import etree

from connectors.onvif.device.calls import Access, Call, Operation, invalid_argument
from connectors.onvif.device.model import Channel, Device, StreamProtocol
from connectors.onvif.device.services import configurations, options, tokens
from connectors.onvif.device.services.media_service import Kind, MediaService
from connectors.onvif.device.services.streams import multicast_offered, stream_uri
from connectors.onvif.device.services.video_formats import MEDIA1_ENCODINGS, picture
from connectors.onvif.device.xml import TRT, child, element, qualified, text_of

NAMESPACE: Final = TRT
VERSION: Final = (21, 6)
PATH: Final = "/onvif/media_service"

_KINDS: Final[Mapping[str, Kind]] = {
    "VideoSource": Kind(write=configurations.video_source_configuration),
    "VideoEncoder": Kind(write=configurations.video_encoder_configuration, has=configurations.has_media1_video),
    "VideoAnalytics": Kind(write=configurations.analytics_configuration),
    "Metadata": Kind(write=configurations.metadata_configuration),
}
"""As operations name them, in the order of ``tt:Profile``."""

_UNICAST: Final = "RTP-Unicast"
_PROTOCOLS: Final[Mapping[tuple[str, str], StreamProtocol]] = {
    (_UNICAST, "UDP"): StreamProtocol.RTSP_UNICAST,
    ("RTP-Multicast", "UDP"): StreamProtocol.RTSP_MULTICAST,
    (_UNICAST, "RTSP"): StreamProtocol.RTSP,
    (_UNICAST, "HTTP"): StreamProtocol.RTSP_OVER_HTTP,
}
"""By ``tt:StreamType`` and ``tt:TransportProtocol`` (SPEC:Media, table "Valid setup parameter combinations")."""


def capabilities(device: Device) -> etree._Element:
    """What of the service is offered."""
    made = element(
        "trt:Capabilities", SnapshotUri=False, Rotation=False, VideoSourceMode=False, OSD=False, EXICompression=False
    )
    child(made, "trt:ProfileCapabilities", MaximumNumberOfProfiles=len(device.channels))
    child(
        made,
        "trt:StreamingCapabilities",
        RTPMulticast=multicast_offered(device),
        RTP_TCP=False,  # RTP in a TCP connection of its own; nobody has it
        RTP_RTSP_TCP=True,
        NonAggregateControl=False,
    )
    return made


def operations(device: Device) -> Sequence[Operation]:
    """All operations of the service."""
    service = _Media(device)
    handlers: dict[str, Callable[[Call], etree._Element]] = {
        "GetVideoSources": service.get_video_sources,
        "GetProfiles": service.get_profiles,
        "GetProfile": service.get_profile,
        "CreateProfile": service.create_profile,
        "DeleteProfile": service.delete_profile,
        "GetVideoSourceConfigurationOptions": service.get_video_source_options,
        "GetVideoEncoderConfigurationOptions": service.get_video_encoder_options,
        "GetMetadataConfigurationOptions": service.get_metadata_options,
        "SetVideoSourceConfiguration": service.set_video_source,
        "SetVideoEncoderConfiguration": service.set_video_encoder,
        "SetMetadataConfiguration": service.set_metadata,
        "GetGuaranteedNumberOfVideoEncoderInstances": service.get_video_encoder_instances,
        "GetStreamUri": service.get_stream_uri,
        "SetSynchronizationPoint": service.set_synchronization_point,
    }
    for name, kind in _KINDS.items():
        handlers |= {
            f"Get{name}Configurations": partial(service.get_configurations, kind),
            f"GetCompatible{name}Configurations": partial(service.get_compatible, kind),
            f"Get{name}Configuration": partial(service.get_configuration, kind),
            f"Add{name}Configuration": partial(service.add_configuration, kind),
            f"Remove{name}Configuration": partial(service.remove_configuration, kind),
        }
    told = service.get_service_capabilities
    return [
        Operation(namespace=NAMESPACE, name="GetServiceCapabilities", handle=told, access=Access.PRE_AUTH),
        *(Operation(namespace=NAMESPACE, name=name, handle=handle) for name, handle in handlers.items()),
    ]


class _Media(MediaService):
    """Answers each operation."""

    def __init__(self, device: Device) -> None:
        super().__init__(device, prefix="trt", encodings=MEDIA1_ENCODINGS, has_video=configurations.has_media1_video)

    def get_service_capabilities(self, call: Call) -> etree._Element:
        answer = self.answer(call)
        answer.append(capabilities(self.device))
        return answer

    def get_video_sources(self, call: Call) -> etree._Element:
        answer = self.answer(call)
        for channel in self.device.channels:
            video = picture(channel)
            source = child(answer, "trt:VideoSources", token=channel.token)
            child(source, "tt:Framerate", f"{video.fps:g}")
            configurations.resolution(source, "tt:Resolution", video)
        return answer

    def get_profiles(self, call: Call) -> etree._Element:
        answer = self.answer(call)
        for channel in self.device.channels:
            self._write_profile(answer, "trt:Profiles", channel)
        return answer

    def get_profile(self, call: Call) -> etree._Element:
        channel = self.profile(call)
        answer = self.answer(call)
        self._write_profile(answer, "trt:Profile", channel)
        return answer

    def create_profile(self, call: Call) -> etree._Element:
        token = self.text(call, "Token")
        if self.device.channel(token):
            raise invalid_argument("ProfileExists", f"there is already a profile {token!r}")
        raise tokens.no_more_profiles()

    def delete_profile(self, call: Call) -> etree._Element:
        raise tokens.fixed_profile(self.profile(call).token)

    def get_configurations(self, kind: Kind, call: Call) -> etree._Element:
        return self._configurations(call, kind, self.device.channels)

    def get_compatible(self, kind: Kind, call: Call) -> etree._Element:
        """Those of the profile's own camera."""
        return self._configurations(call, kind, [self.profile(call)])

    def get_configuration(self, kind: Kind, call: Call) -> etree._Element:
        channel = tokens.configuration(self.device, self.text(call, "ConfigurationToken"), kind.has)
        answer = self.answer(call)
        kind.write(answer, "trt:Configuration", self.device, channel)
        return answer

    def add_configuration(self, kind: Kind, call: Call) -> etree._Element:
        """Each profile has all of its configurations: only they can be "added"."""
        channel = self.profile(call)
        found = tokens.configuration(self.device, self.text(call, "ConfigurationToken"), kind.has)
        if found.token != channel.token:
            raise tokens.conflict(f"profile {channel.token!r} is of another camera than configuration {found.token!r}")
        return self.answer(call)

    def remove_configuration(self, kind: Kind, call: Call) -> etree._Element:
        """What is not there is ignored; what is there stays."""
        channel = self.profile(call)
        if kind.has(channel):
            raise tokens.conflict(f"profile {channel.token!r} keeps its configurations")
        return self.answer(call)

    def get_video_encoder_options(self, call: Call) -> etree._Element:
        answer = self.answer(call)
        options.video_encoder_options(answer, self.compatible(call, configurations.has_media1_video))
        return answer

    def get_video_encoder_instances(self, call: Call) -> etree._Element:
        """Of a video source configuration: the one video, where Media1 knows of it."""
        token = self.text(call, "ConfigurationToken")
        channel = tokens.configuration(self.device, token, configurations.always)
        has_video = configurations.has_media1_video(channel)
        answer = self.answer(call)
        child(answer, "trt:TotalNumber", int(has_video))
        if has_video:
            child(answer, f"trt:{MEDIA1_ENCODINGS[picture(channel).codec]}", 1)
        return answer

    def get_stream_uri(self, call: Call) -> etree._Element:
        channel = self.profile(call)
        setup = call.body.find(qualified("trt:StreamSetup"))
        transport = None if setup is None else setup.find(qualified("tt:Transport"))
        if setup is None or transport is None:
            raise invalid_argument("InvalidStreamSetup", "the stream set-up is missing")
        asked = (text_of(setup, "tt:Stream"), text_of(transport, "tt:Protocol"))
        if asked not in _PROTOCOLS:
            raise invalid_argument("InvalidStreamSetup", f"this device does not stream by {' and '.join(asked)}")
        uri = stream_uri(self.device, channel, _PROTOCOLS[asked], call.host)
        answer = self.answer(call)
        made = child(answer, "trt:MediaUri")
        child(made, "tt:Uri", uri)
        child(made, "tt:InvalidAfterConnect", False)
        child(made, "tt:InvalidAfterReboot", False)
        child(made, "tt:Timeout", "PT0S")
        return answer

    def _configurations(self, call: Call, kind: Kind, channels: Sequence[Channel]) -> etree._Element:
        answer = self.answer(call)
        for channel in filter(kind.has, channels):
            kind.write(answer, "trt:Configurations", self.device, channel)
        return answer

    def _write_profile(self, parent: etree._Element, name: str, channel: Channel) -> None:
        made = child(parent, name, token=channel.token, fixed=True)
        child(made, "tt:Name", configurations.profile_name(channel))
        for kind_name, kind in _KINDS.items():
            if kind.has(channel):
                kind.write(made, f"tt:{kind_name}Configuration", self.device, channel)
