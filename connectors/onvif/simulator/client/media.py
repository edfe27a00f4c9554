"""What a driver asks the media services: channels, their metadata, and where they are streamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from connectors.onvif.simulator.client.judge import Judge
from connectors.onvif.simulator.client.profiles import Channel, MediaService, Profile, first_of_each_source
from connectors.onvif.simulator.client.roles import Role, StreamMethod
from connectors.onvif.simulator.client.soap import SoapClient
from connectors.onvif.simulator.client.xml import TR2, TRT, every, first, request
from core.errors import ProtocolViolation, VmsRefused

_LONGEST_URI = 128
_PORTS: Final = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
_TUNNELS: Final = (StreamMethod.HTTP, StreamMethod.HTTPS)
_ANNOUNCED: Final = {StreamMethod.TCP: "RTP_RTSP_TCP", StreamMethod.MULTICAST: "RTPMulticast"}
"""Methods that XProtect offers only where the capability says so (MS:metadata)."""

_CONFIGURATIONS: Final = (
    "GetVideoSourceConfigurations",
    "GetVideoEncoderConfigurations",
    "GetVideoEncoderConfigurationOptions",
    "GetMetadataConfigurationOptions",
)


class MediaReader:
    """Media2 where it is listed, else Media, or the other way round (notes A3: "through Media and/or Media2")."""

    def __init__(
        self,
        soap: SoapClient,
        judge: Judge,
        role: Role,
        method: StreamMethod,
        require_address: Callable[[str, str], None],
    ) -> None:
        self._soap = soap
        self._judge = judge
        self._role = role
        self._method = method
        self._require_address = require_address

    @property
    def _prefers_media1(self) -> bool:
        """Media has no word for RTSPS."""
        return self._role.prefers_media1 and self._method is not StreamMethod.RTSPS

    def channels(self, services: Mapping[str, str]) -> list[Channel]:
        """Every video source, with metadata where it has or takes any. Raises ``ProtocolViolation`` without any."""
        offered = [MediaService(namespace=name, address=services[name]) for name in (TR2, TRT) if name in services]
        media = offered[-1 if self._prefers_media1 else 0]
        self._require_method(media)
        profiles = first_of_each_source(media.profiles(self._ask(media, media.get_profiles())))
        if not self._judge.require("profiles", bool(profiles), "no profile with a video source"):
            raise ProtocolViolation("the device has no profile with a video source")
        if self._role.asks_all:
            self._ask_the_rest(offered)
        configurations = self._metadata_configurations(media)
        return [self._channel(media, index, profile, configurations) for index, profile in enumerate(profiles)]

    def _channel(
        self, media: MediaService, index: int, profile: Profile, configurations: Mapping[str, etree._Element]
    ) -> Channel:
        is_same = profile.source == profile.source_configuration
        seen = f"source {profile.source}, configuration {profile.source_configuration}"
        self._judge.require("same-token", is_same, seen)
        token = profile.metadata_configuration or self._added(media, profile, configurations)
        self._judge.require("metadata-configuration", bool(token), f"profile {profile.token} takes none")
        if self._role.is_xprotect and token in configurations:
            self._ask(media, media.set_metadata(configurations[token]))
        return Channel(index=index, profile=profile, has_metadata=bool(token), uri=self._uri(media, profile))

    def _added(self, media: MediaService, profile: Profile, configurations: Mapping[str, etree._Element]) -> str:
        """The first configuration is used for profiles without one (MS:metadata)."""
        token = next(iter(configurations), "")
        if not token:
            return ""
        try:
            self._ask(media, media.add_metadata(profile.token, token))
        except VmsRefused as error:
            self._judge.broken("metadata-configuration", f"adding {token} to {profile.token}: {error}")
            return ""
        return token

    def _metadata_configurations(self, media: MediaService) -> dict[str, etree._Element]:
        answer = self._ask(media, request(media.namespace, "GetMetadataConfigurations"))
        found = every(answer, "tr2:Configurations" if media.is_media2 else "trt:Configurations")
        return {one.get("token", ""): one for one in found}

    def _uri(self, media: MediaService, profile: Profile) -> str:
        asked = media.stream_uri(profile.token, self._method)
        uri, again = (media.uri_of(self._ask(media, asked)) for _ in range(2))
        self._judge.require("stream-uri", uri == again, f"{uri}, then {again}")
        length = len(uri.encode())
        self._judge.require("stream-uri", 0 < length <= _LONGEST_URI, f"{length} octets: {uri}")
        self._require_address(uri, f"the stream of {profile.token}")
        if self._method in _TUNNELS:
            port, web_port = _port(uri), _port(media.address)
            self._judge.require("stream-uri", port == web_port, f"{uri} is tunnelled, but the web port is {web_port}")
        return uri

    def _require_method(self, media: MediaService) -> None:
        is_secure = urlsplit(media.address).scheme == "https"
        if self._role.is_xprotect and is_secure:
            seen = f"{self._method} is chosen for a device added over HTTPS"
            self._judge.require("stream-method", self._method is StreamMethod.HTTPS, seen)
        flag = _ANNOUNCED.get(self._method)
        answer = self._ask(media, request(media.namespace, "GetServiceCapabilities"))
        path = "tr2:Capabilities/tr2:" if media.is_media2 else "trt:Capabilities/trt:"
        streaming = first(answer, f"{path}StreamingCapabilities")
        if flag is None:
            return
        is_announced = streaming is not None and streaming.get(flag) in {"true", "1"}
        self._judge.require("stream-method", is_announced, f"{self._method} is used, but {flag} is not announced")

    def _ask_the_rest(self, offered: list[MediaService]) -> None:
        for media in offered:
            asked = [request(media.namespace, operation) for operation in _CONFIGURATIONS]
            asked += [media.get_profiles(), *([] if media.is_media2 else [request(TRT, "GetVideoSources")])]
            for body in asked:
                with self._judge.refusals():
                    self._ask(media, body)

    def _ask(self, media: MediaService, body: etree._Element) -> etree._Element:
        return self._soap.call(media.address, body)


def _port(address: str) -> int:
    parts = urlsplit(address)
    return parts.port or _PORTS.get(parts.scheme, 0)
