"""Channels, as the profiles of Media2 or Media tell them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from connectors.onvif.simulator.client.roles import StreamMethod
from connectors.onvif.simulator.client.xml import TR2, TRT, TT, child, element, every, request, text_at
from core.types import Json

_MEDIA2_PROTOCOLS: Final = {
    StreamMethod.UDP: "RtspUnicast",
    StreamMethod.TCP: "RTSP",
    StreamMethod.HTTP: "RtspOverHttp",
    StreamMethod.HTTPS: "RtspOverHttp",
    StreamMethod.MULTICAST: "RtspMulticast",
    StreamMethod.RTSPS: "RtspsUnicast",
}
"""Words of Media2's GetStreamUri (SPEC:Media2)."""

_MEDIA1_TRANSPORTS: Final = {
    StreamMethod.UDP: ("RTP-Unicast", "UDP"),
    StreamMethod.TCP: ("RTP-Unicast", "RTSP"),
    StreamMethod.HTTP: ("RTP-Unicast", "HTTP"),
    StreamMethod.HTTPS: ("RTP-Unicast", "HTTP"),
    StreamMethod.MULTICAST: ("RTP-Multicast", "UDP"),
    StreamMethod.RTSPS: ("RTP-Unicast", "RTSP"),
}
"""Stream and transport of Media's StreamSetup (onvif.xsd). Media has no word for RTSPS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One media profile. Tokens are empty where it lacks that configuration."""

    token: str
    name: str
    source: str
    source_configuration: str
    metadata_configuration: str
    analytics_configuration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaService:
    """Media2 or Media: how requests and answers are written in each."""

    namespace: str
    address: str

    @property
    def is_media2(self) -> bool:
        """Which of both."""
        return self.namespace == TR2

    def get_profiles(self) -> etree._Element:
        """Media2 gives configurations only to who asks for types."""
        return request(TR2, "GetProfiles", Type="All") if self.is_media2 else request(TRT, "GetProfiles")

    def add_metadata(self, profile: str, configuration: str) -> etree._Element:
        """Gives a profile a metadata configuration (MS:metadata)."""
        if not self.is_media2:
            return request(TRT, "AddMetadataConfiguration", ProfileToken=profile, ConfigurationToken=configuration)
        asked = request(TR2, "AddConfiguration", ProfileToken=profile)
        reference = child(asked, TR2, "Configuration")
        child(reference, TR2, "Type", "Metadata")
        child(reference, TR2, "Token", configuration)
        return asked

    def set_metadata(self, configuration: etree._Element) -> etree._Element:
        """Writes a configuration back with analytics data switched on (MS:metadata: "Analytics data" yes)."""
        asked = request(self.namespace, "SetMetadataConfiguration")
        asked.append(with_analytics(configuration, f"{{{self.namespace}}}Configuration"))
        if not self.is_media2:
            child(asked, TRT, "ForcePersistence", "true")
        return asked

    def stream_uri(self, profile: str, method: StreamMethod) -> etree._Element:
        """Asks where a profile is streamed."""
        if self.is_media2:
            return request(TR2, "GetStreamUri", Protocol=_MEDIA2_PROTOCOLS[method], ProfileToken=profile)
        asked = element(TRT, "GetStreamUri")
        setup = child(asked, TRT, "StreamSetup")
        stream, transport = _MEDIA1_TRANSPORTS[method]
        child(setup, TT, "Stream", stream)
        child(child(setup, TT, "Transport"), TT, "Protocol", transport)
        child(asked, TRT, "ProfileToken", profile)
        return asked

    def uri_of(self, answer: etree._Element) -> str:
        """The address in the answer."""
        return text_at(answer, "tr2:Uri" if self.is_media2 else "trt:MediaUri/tt:Uri")

    def profiles(self, answer: etree._Element) -> Iterator[Profile]:
        """The profiles of an answer."""
        prefix = "tr2:Configurations/tr2:" if self.is_media2 else "tt:"
        names = ("VideoSource", "Metadata", "Analytics")
        if not self.is_media2:
            names = ("VideoSourceConfiguration", "MetadataConfiguration", "VideoAnalyticsConfiguration")
        video, metadata, analytics = (f"{prefix}{name}" for name in names)
        for found in every(answer, "tr2:Profiles" if self.is_media2 else "trt:Profiles"):
            yield Profile(
                token=found.get("token", ""),
                name=text_at(found, "tr2:Name" if self.is_media2 else "tt:Name"),
                source=text_at(found, f"{video}/tt:SourceToken"),
                source_configuration=_token_at(found, video),
                metadata_configuration=_token_at(found, metadata),
                analytics_configuration=_token_at(found, analytics),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One video source with its first profile. ``uris``: where its stream is, asked for once."""

    index: int
    profile: Profile
    has_metadata: bool
    uri: str = field(default="")

    def as_json(self) -> dict[str, Json]:
        """For the ledger."""
        return {
            "channel": self.index,
            "name": self.profile.name,
            "profile": self.profile.token,
            "source": self.profile.source,
            "has_metadata": self.has_metadata,
            "uri": self.uri,
        }


def first_of_each_source(profiles: Iterable[Profile]) -> list[Profile]:
    """One profile per video source, in the order of the answer: a device's channels."""
    chosen: dict[str, Profile] = {}
    for profile in profiles:
        if profile.source:
            chosen.setdefault(profile.source, profile)
    return list(chosen.values())


def with_analytics(configuration: etree._Element, tag: str) -> etree._Element:
    """A copy of a metadata configuration under another name, its ``Analytics`` true, in the schema's order."""
    copy = etree.fromstring(etree.tostring(configuration))
    copy.tag = tag
    for old in list(every(copy, "tt:Analytics")):
        copy.remove(old)
    follows = next(every(copy, "tt:Multicast"), None)
    switched = element(TT, "Analytics", "true")
    if follows is None:
        copy.append(switched)
    else:
        follows.addprevious(switched)
    return copy


def _token_at(parent: etree._Element, path: str) -> str:
    return next((found.get("token", "") for found in every(parent, path)), "")
