"""The older Media service, for clients that know no Media2 (SPEC:Media)."""

from __future__ import annotations

from typing import Final

from connectors.onvif.simulator.camera.addresses import StreamProtocol, snapshot_uri, stream_uri
from connectors.onvif.simulator.camera.configurations import encoder1, is_in_media, media_uri, video_source
from connectors.onvif.simulator.camera.services import Service
from connectors.onvif.simulator.camera.site import Camera, Profile, Site, short
from connectors.onvif.simulator.camera.soap import Element, SoapRequest, element, invalid_argument

PATH: Final = "/onvif/media_service"

_PROTOCOLS: Final = {
    ("RTP-Unicast", "UDP"): StreamProtocol.RTSP_UNICAST,
    ("RTP-Unicast", "RTSP"): StreamProtocol.RTSP,
    ("RTP-Unicast", "HTTP"): StreamProtocol.RTSP_OVER_HTTP,
    ("RTP-Multicast", "UDP"): StreamProtocol.RTSP_MULTICAST,
}
"""``StreamSetup`` as Media writes it; every other pair is refused (SPEC:Media "GetStreamUri")."""


class MediaService:
    """Its operations."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def service(self) -> Service:
        """For the web port."""
        return Service(
            prefix="trt",
            path=PATH,
            version=(26, 6),
            capabilities=self._capabilities,
            operations={
                "GetServiceCapabilities": self._service_capabilities,
                "GetProfiles": self._profiles,
                "GetProfile": self._one_profile,
                "GetVideoSources": self._video_sources,
                "GetVideoSourceConfigurations": self._sources,
                "GetVideoEncoderConfigurations": self._encoders,
                "GetMetadataConfigurations": self._no_metadata,
                "GetStreamUri": self._stream_uri,
                "SetSynchronizationPoint": self._synchronise,
                **({"GetSnapshotUri": self._snapshot_uri} if self._site.has_snapshots else {}),
            },
        )

    def _known(self) -> list[tuple[Camera, Profile]]:
        return [
            (camera, profile) for camera in self._site.cameras for profile in camera.profiles if is_in_media(profile)
        ]

    def _asked(self, request: SoapRequest) -> tuple[Camera, Profile]:
        token = request.text("trt:ProfileToken")
        found = next((known for known in self._known() if known[1].token == token), None)
        if found is None:
            raise invalid_argument("NoProfile", f"there is no profile {token!r}")
        return found

    def _service_capabilities(self, _request: SoapRequest) -> Element:
        return element("trt:GetServiceCapabilitiesResponse", self._capabilities())

    def _capabilities(self) -> Element:
        streaming = {"RTPMulticast": "true" if self._site.multicast else "false", "RTP_TCP": "true"}
        return element(
            "trt:Capabilities",
            element("trt:ProfileCapabilities", MaximumNumberOfProfiles=str(len(self._site.profiles))),
            element("trt:StreamingCapabilities", RTP_RTSP_TCP="true", **streaming),
            SnapshotUri="true" if self._site.has_snapshots else "false",
        )

    def _profiles(self, _request: SoapRequest) -> Element:
        shown = (self._profile("trt:Profiles", *known) for known in self._known())
        return element("trt:GetProfilesResponse", *shown)

    def _one_profile(self, request: SoapRequest) -> Element:
        return element("trt:GetProfileResponse", self._profile("trt:Profile", *self._asked(request)))

    def _profile(self, tag: str, camera: Camera, profile: Profile) -> Element:
        return element(
            tag,
            element("tt:Name", short(profile.name)),
            video_source("tt:VideoSourceConfiguration", camera),
            encoder1("tt:VideoEncoderConfiguration", self._site, profile),
            token=profile.token,
            fixed="true",
        )

    def _video_sources(self, _request: SoapRequest) -> Element:
        shown = []
        for camera in self._site.cameras:
            known = camera.profiles[0].feed.format
            size = element("tt:Width", str(known.width)), element("tt:Height", str(known.height))
            rate = element("tt:Framerate", f"{known.fps or 0.0:g}")
            shown.append(element("trt:VideoSources", rate, element("tt:Resolution", *size), token=camera.device))
        return element("trt:GetVideoSourcesResponse", *shown)

    def _sources(self, _request: SoapRequest) -> Element:
        shown = (video_source("trt:Configurations", camera) for camera in self._site.cameras)
        return element("trt:GetVideoSourceConfigurationsResponse", *shown)

    def _encoders(self, _request: SoapRequest) -> Element:
        shown = (encoder1("trt:Configurations", self._site, profile) for _, profile in self._known())
        return element("trt:GetVideoEncoderConfigurationsResponse", *shown)

    def _no_metadata(self, _request: SoapRequest) -> Element:
        """The bridge gives video only."""
        return element("trt:GetMetadataConfigurationsResponse")

    def _stream_uri(self, request: SoapRequest) -> Element:
        setup = tuple(
            request.text(f"trt:StreamSetup/{path}") or "" for path in ("tt:Stream", "tt:Transport/tt:Protocol")
        )
        protocol = _PROTOCOLS.get((setup[0], setup[1]))
        if protocol is None:
            raise invalid_argument("InvalidStreamSetup", f"there is no stream of {' by '.join(setup)}")
        _, profile = self._asked(request)
        uri = stream_uri(self._site, profile.token, protocol)
        return element("trt:GetStreamUriResponse", media_uri("trt:MediaUri", uri))

    def _snapshot_uri(self, request: SoapRequest) -> Element:
        _, profile = self._asked(request)
        return element("trt:GetSnapshotUriResponse", media_uri("trt:MediaUri", snapshot_uri(self._site, profile.token)))

    def _synchronise(self, request: SoapRequest) -> Element:
        self._asked(request)
        return element("trt:SetSynchronizationPointResponse")
