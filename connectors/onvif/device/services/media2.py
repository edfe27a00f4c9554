"""The Media2 service (``tr2``): one fixed profile per camera, its configurations, and where its stream is.

Sources: SPEC:Media2 for behaviour and faults, ``ver20/media/wsdl/media.wsdl`` (26.06) for the forms. Snapshots, OSDs, masks,
audio and multicast without RTSP are not offered: those operations are not here, so they answer ``ActionNotSupported``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from lxml import etree

from connectors.onvif.device.calls import Access, Call, Operation, invalid_argument
from connectors.onvif.device.model import Channel, Device, StreamProtocol
from connectors.onvif.device.services import configurations, options, requested, tokens
from connectors.onvif.device.services.media_service import Kind, MediaService
from connectors.onvif.device.services.streams import multicast_offered, stream_uri
from connectors.onvif.device.services.video_formats import MEDIA2_ENCODINGS, picture
from connectors.onvif.device.xml import TR2, child, element, qualified, text_of

NAMESPACE: Final = TR2
VERSION: Final = (26, 6)
PATH: Final = "/onvif/media2_service"

_ALL: Final = "All"

_KINDS: Final[Mapping[str, Kind]] = {
    "VideoSource": Kind(write=configurations.video_source_configuration),
    "VideoEncoder": Kind(write=configurations.video_encoder2_configuration, has=configurations.has_video),
    "Analytics": Kind(write=configurations.analytics_configuration),
    "Metadata": Kind(write=configurations.metadata_configuration),
}
"""By ``tr2:ConfigurationEnumeration``, in the order of ``tr2:ConfigurationSet``."""


def capabilities(device: Device) -> etree._Element:
    """What of the service is offered."""
    offers_video = any(map(configurations.has_video, device.channels))
    kinds = [kind for kind in _KINDS if kind != "VideoEncoder" or offers_video]
    made = element("tr2:Capabilities", SnapshotUri=False, Rotation=False, VideoSourceMode=False, OSD=False, Mask=False)
    child(
        made,
        "tr2:ProfileCapabilities",
        MaximumNumberOfProfiles=len(device.channels),
        ConfigurationsSupported=" ".join(kinds),
    )
    child(
        made,
        "tr2:StreamingCapabilities",
        RTSPStreaming=True,
        RTPMulticast=multicast_offered(device),
        RTP_RTSP_TCP=True,
        NonAggregateControl=False,
        AutoStartMulticast=False,
        SecureRTSPStreaming=False,  # that would promise SRTP, too (SPEC:Media2 "GetServiceCapabilities")
    )
    return made


def operations(device: Device) -> Sequence[Operation]:
    """All operations of the service."""
    service = _Media2(device)
    handlers: dict[str, Callable[[Call], etree._Element]] = {
        "GetProfiles": service.get_profiles,
        "CreateProfile": service.create_profile,
        "DeleteProfile": service.delete_profile,
        "AddConfiguration": service.add_configuration,
        "RemoveConfiguration": service.remove_configuration,
        "GetVideoSourceConfigurationOptions": service.get_video_source_options,
        "GetVideoEncoderConfigurationOptions": service.get_video_encoder_options,
        "GetMetadataConfigurationOptions": service.get_metadata_options,
        "SetVideoSourceConfiguration": service.set_video_source,
        "SetVideoEncoderConfiguration": service.set_video_encoder,
        "SetMetadataConfiguration": service.set_metadata,
        "GetVideoEncoderInstances": service.get_video_encoder_instances,
        "GetStreamUri": service.get_stream_uri,
        "SetSynchronizationPoint": service.set_synchronization_point,
    }
    handlers |= {f"Get{kind}Configurations": partial(service.get_configurations, kind) for kind in _KINDS}
    told = service.get_service_capabilities
    return [
        Operation(namespace=NAMESPACE, name="GetServiceCapabilities", handle=told, access=Access.PRE_AUTH),
        *(Operation(namespace=NAMESPACE, name=name, handle=handle) for name, handle in handlers.items()),
    ]


class _Media2(MediaService):
    """Answers each operation."""

    def __init__(self, device: Device) -> None:
        super().__init__(device, prefix="tr2", encodings=MEDIA2_ENCODINGS, has_video=configurations.has_video)

    def get_service_capabilities(self, call: Call) -> etree._Element:
        answer = self.answer(call)
        answer.append(capabilities(self.device))
        return answer

    def get_profiles(self, call: Call) -> etree._Element:
        """With no ``Type`` the configurations are left out (SPEC:Media2 "GetProfiles")."""
        token = self.text(call, "Token")
        channels = [tokens.profile(self.device, token)] if token else self.device.channels
        types = [(found.text or "").strip() for found in call.body.findall(qualified("tr2:Type"))]
        answer = self.answer(call)
        for channel in channels:
            made = child(answer, "tr2:Profiles", token=channel.token, fixed=True)
            child(made, "tr2:Name", configurations.profile_name(channel))
            if types:
                self._write_set(child(made, "tr2:Configurations"), channel, types)
        return answer

    def create_profile(self, _call: Call) -> etree._Element:
        raise tokens.no_more_profiles()

    def delete_profile(self, call: Call) -> etree._Element:
        raise tokens.fixed_profile(tokens.profile(self.device, self.text(call, "Token")).token)

    def add_configuration(self, call: Call) -> etree._Element:
        """Each profile has all of its configurations: only they can be "added", and a name given."""
        channel = self.profile(call)
        name = requested.new_name(self.text(call, "Name"))
        for kind, token in _references(call.body):
            if kind != _ALL:  # "shall be ignored" (SPEC:Media2 "AddConfiguration")
                self._require_addable(channel, kind, token)
        channel.choices.profile_name = name or channel.choices.profile_name
        return self.answer(call)

    def remove_configuration(self, call: Call) -> etree._Element:
        """What is not there is ignored, as the specification has it; what is there stays."""
        channel = self.profile(call)
        for kind, _token in _references(call.body):
            if kind == _ALL or (kind in _KINDS and _KINDS[kind].has(channel)):
                raise tokens.conflict(f"profile {channel.token!r} keeps its configurations")
        return self.answer(call)

    def get_configurations(self, kind: str, call: Call) -> etree._Element:
        answer = self.answer(call)
        for channel in self.holders(call, _KINDS[kind].has):
            _KINDS[kind].write(answer, "tr2:Configurations", self.device, channel)
        return answer

    def get_video_encoder_options(self, call: Call) -> etree._Element:
        answer = self.answer(call)
        options.video_encoder2_options(answer, self.compatible(call, configurations.has_video))
        return answer

    def get_video_encoder_instances(self, call: Call) -> etree._Element:
        """Of a video source configuration: the one video, where it is offered."""
        token = self.text(call, "ConfigurationToken")
        channel = tokens.configuration(self.device, token, configurations.always)
        answer = self.answer(call)
        info = child(answer, "tr2:Info")
        if has_video := configurations.has_video(channel):
            codec = child(info, "tr2:Codec")
            child(codec, "tr2:Encoding", MEDIA2_ENCODINGS[picture(channel).codec])
            child(codec, "tr2:Number", 1)
        child(info, "tr2:Total", int(has_video))
        return answer

    def get_stream_uri(self, call: Call) -> etree._Element:
        channel = self.profile(call)
        asked = self.text(call, "Protocol")
        try:
            protocol = StreamProtocol(asked)
        except ValueError as error:
            raise invalid_argument("InvalidStreamSetup", f"this device does not stream by {asked!r}") from error
        answer = self.answer(call)
        child(answer, "tr2:Uri", stream_uri(self.device, channel, protocol, call.host))
        return answer

    def _write_set(self, parent: etree._Element, channel: Channel, types: Sequence[str]) -> None:
        for name, kind in _KINDS.items():
            if kind.has(channel) and (_ALL in types or name in types):
                kind.write(parent, f"tr2:{name}", self.device, channel)

    def _require_addable(self, channel: Channel, kind: str, token: str) -> None:
        if kind not in _KINDS:
            raise invalid_argument("NoConfig", f"there is no configuration of type {kind!r}")
        found = tokens.configuration(self.device, token, _KINDS[kind].has)
        if found.token != channel.token:
            raise tokens.conflict(f"profile {channel.token!r} is of another camera than configuration {token!r}")


def _references(body: etree._Element) -> list[tuple[str, str]]:
    """Type and token of each ``tr2:ConfigurationRef``."""
    found = body.findall(qualified("tr2:Configuration"))
    return [(text_of(one, "tr2:Type"), text_of(one, "tr2:Token")) for one in found]
