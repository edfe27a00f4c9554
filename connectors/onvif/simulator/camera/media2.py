"""The Media2 service: profiles, configurations and addresses (SPEC:Media2). View only: nothing can be changed."""

from __future__ import annotations

from typing import Final

from connectors.onvif.simulator.camera.addresses import StreamProtocol, snapshot_uri, stream_uri
from connectors.onvif.simulator.camera.configurations import encoder2, encoder2_options, video_source
from connectors.onvif.simulator.camera.services import Service
from connectors.onvif.simulator.camera.site import Camera, Profile, Site, short
from connectors.onvif.simulator.camera.soap import Element, SoapRequest, element, invalid_argument

PATH: Final = "/onvif/media2_service"


class Media2Service:
    """Its operations."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def service(self) -> Service:
        """For the web port."""
        return Service(
            prefix="tr2",
            path=PATH,
            version=(26, 6),
            capabilities=self._capabilities,
            operations={
                "GetServiceCapabilities": self._service_capabilities,
                "GetProfiles": self._profiles,
                "GetVideoSourceConfigurations": self._sources,
                "GetVideoEncoderConfigurations": self._encoders,
                "GetVideoEncoderConfigurationOptions": self._encoder_options,
                "GetMetadataConfigurations": self._no_metadata,
                "GetStreamUri": self._stream_uri,
                "SetSynchronizationPoint": self._synchronise,
                **({"GetSnapshotUri": self._snapshot_uri} if self._site.has_snapshots else {}),
            },
        )

    def _service_capabilities(self, _request: SoapRequest) -> Element:
        return element("tr2:GetServiceCapabilitiesResponse", self._capabilities())

    def _capabilities(self) -> Element:
        profiles = {"MaximumNumberOfProfiles": str(len(self._site.profiles))}
        streaming = {
            "RTSPStreaming": "true",
            "RTPMulticast": "true" if self._site.multicast else "false",
            "RTP_RTSP_TCP": "true",
            "NonAggregateControl": "false",
            "SecureRTSPStreaming": "false" if self._site.rtsps_port is None else "true",
        }
        return element(
            "tr2:Capabilities",
            element("tr2:ProfileCapabilities", ConfigurationsSupported="VideoSource VideoEncoder", **profiles),
            element("tr2:StreamingCapabilities", **streaming),
            SnapshotUri="true" if self._site.has_snapshots else "false",
        )

    def _profiles(self, request: SoapRequest) -> Element:
        """Without ``Type`` a profile has its name only (SPEC:Media2 "GetProfiles")."""
        token, types = request.text("tr2:Token"), frozenset(request.texts("tr2:Type"))
        found = [
            (camera, profile)
            for camera in self._site.cameras
            for profile in camera.profiles
            if token in {None, profile.token}
        ]
        if token is not None and not found:
            raise invalid_argument("NoProfile", f"there is no profile {token!r}")
        return element("tr2:GetProfilesResponse", *(self._profile(*known, types) for known in found))

    def _profile(self, camera: Camera, profile: Profile, types: frozenset[str]) -> Element:
        parts = [
            video_source("tr2:VideoSource", camera) if types & {"All", "VideoSource"} else None,
            encoder2("tr2:VideoEncoder", self._site, profile) if types & {"All", "VideoEncoder"} else None,
        ]
        configurations = element("tr2:Configurations", *parts) if types else None
        return element(
            "tr2:Profiles",
            element("tr2:Name", short(profile.name)),
            configurations,
            token=profile.token,
            fixed="true",
        )

    def _sources(self, request: SoapRequest) -> Element:
        cameras = {camera.source: camera for camera, _ in self._asked(request)}
        chosen = [
            camera for token, camera in cameras.items() if request.text("tr2:ConfigurationToken") in {None, token}
        ]
        self._require_some(request, chosen)
        shown = (video_source("tr2:Configurations", camera) for camera in chosen)
        return element("tr2:GetVideoSourceConfigurationsResponse", *shown)

    def _encoders(self, request: SoapRequest) -> Element:
        chosen = self._encoders_asked(request)
        shown = (encoder2("tr2:Configurations", self._site, profile) for profile in chosen)
        return element("tr2:GetVideoEncoderConfigurationsResponse", *shown)

    def _encoder_options(self, request: SoapRequest) -> Element:
        options = encoder2_options("tr2:Options", self._encoders_asked(request))
        return element("tr2:GetVideoEncoderConfigurationOptionsResponse", *options)

    def _encoders_asked(self, request: SoapRequest) -> list[Profile]:
        wanted = request.text("tr2:ConfigurationToken")
        chosen = [profile for _, profile in self._asked(request) if wanted in {None, profile.encoder}]
        self._require_some(request, chosen)
        return chosen

    def _asked(self, request: SoapRequest) -> list[tuple[Camera, Profile]]:
        """Every profile, or the one named."""
        token = request.text("tr2:ProfileToken")
        every = [(camera, profile) for camera in self._site.cameras for profile in camera.profiles]
        chosen = [known for known in every if token in {None, known[1].token}]
        if not chosen:
            raise invalid_argument("NoProfile", f"there is no profile {token!r}")
        return chosen

    @staticmethod
    def _require_some(request: SoapRequest, chosen: list[Camera] | list[Profile]) -> None:
        if not chosen:
            raise invalid_argument("NoConfig", f"there is no {request.text('tr2:ConfigurationToken')!r}")

    def _no_metadata(self, _request: SoapRequest) -> Element:
        """The bridge gives video only."""
        return element("tr2:GetMetadataConfigurationsResponse")

    def _stream_uri(self, request: SoapRequest) -> Element:
        word = request.text("tr2:Protocol")
        if word not in set(StreamProtocol):
            raise invalid_argument("InvalidStreamSetup", f"there is no protocol {word!r}")
        uri = stream_uri(self._site, request.text("tr2:ProfileToken"), StreamProtocol(word))
        return element("tr2:GetStreamUriResponse", element("tr2:Uri", uri))

    def _snapshot_uri(self, request: SoapRequest) -> Element:
        uri = snapshot_uri(self._site, request.text("tr2:ProfileToken"))
        return element("tr2:GetSnapshotUriResponse", element("tr2:Uri", uri))

    def _synchronise(self, request: SoapRequest) -> Element:
        """A key frame comes every second or two anyway."""
        self._asked(request)
        return element("tr2:SetSynchronizationPointResponse")
