"""What the simulated bridge has: cameras with their profiles, where they are found, digital inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid5

from connectors.protocols.rtsp.mount import MulticastGroups
from connectors.protocols.simulation import FaultBoard
from connectors.protocols.variants import Picture
from connectors.protocols.varied_feed import VariedFeed
from core.contracts import Clock
from core.errors import UsageError
from core.types import Json

_NAMESPACE: Final = UUID("b4a7c0de-3f5d-5c1c-9d51-0c2f6a7be001")
_MAX_NAME: Final = 64
"""``tt:Name`` and ``tt:ReferenceToken`` hold no more (common.xsd)."""

MODEL: Final = "Simulated Open Network Bridge"
MAC: Final = "02:00:5e:10:00:01"
"""Locally administered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One media profile: a video source with one encoder. The bridge makes them; nobody changes them."""

    token: str
    name: str
    encoder: str
    path: str
    feed: VariedFeed


@dataclass(slots=True, kw_only=True)
class Camera:
    """One camera. ``device`` is the token of its video source: the camera's GUID in the VMS.

    Unverified: how Milestone's bridge writes its tokens. Here those of source, configurations and profiles all differ, so
    that nobody takes one for the other.
    """

    device: str
    name: str
    source: str
    """Token of the video source's configuration."""
    profiles: tuple[Profile, ...] = ()
    is_lost: bool = False
    ordered: str = ""
    """Outcome of the fault plan ``video`` that an act put on this camera alone; empty where it follows the plan."""


@dataclass(slots=True, kw_only=True)
class Site:
    """Everything; addresses are known once the servers listen."""

    clock: Clock
    faults: FaultBoard
    cameras: list[Camera] = field(default_factory=list)
    inputs: dict[str, bool] = field(default_factory=dict)
    web: str = ""
    """``https://host:port`` of SOAP and snapshots."""
    host: str = ""
    web_port: int = 0
    rtsp_port: int = 0
    rtsps_port: int | None = None
    is_rtsps_only: bool = False
    """Who asks for RTSP by TCP is given the encrypted address."""
    multicast: dict[str, MulticastGroups] = field(default_factory=dict)
    """By profile token; empty where nothing is sent so."""
    has_media: bool = True
    has_media2: bool = True
    has_snapshots: bool = True

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """Those of all cameras."""
        return tuple(profile for camera in self.cameras for profile in camera.profiles)

    @property
    def is_secure(self) -> bool:
        """Whether the web port speaks TLS."""
        return self.web.startswith("https:")

    def profile(self, token: str | None) -> tuple[Camera, Profile] | None:
        """The profile of that token, and its camera."""
        return next(
            ((camera, profile) for camera in self.cameras for profile in camera.profiles if profile.token == token),
            None,
        )

    def profile_at(self, path: str) -> tuple[Camera, Profile] | None:
        """What streams under that path."""
        return next(
            ((camera, profile) for camera in self.cameras for profile in camera.profiles if profile.path == path), None
        )

    def camera(self, order: Json) -> Camera:
        """The camera of that GUID or name, the first one where none is named. Raises ``UsageError``."""
        found = next((camera for camera in self.cameras if order in {None, "", camera.device, camera.name}), None)
        if found is None:
            raise UsageError(f"no camera is called {order!r}", remedy="Give the GUID or the name that was announced.")
        return found

    def disturbance(self, camera: Camera) -> str:
        """What befalls a camera's video now."""
        return camera.ordered or self.faults.current("video")

    def picture(self, camera: Camera) -> Picture:
        """What a camera shows now."""
        outcome = self.disturbance(camera)
        return Picture(outcome) if outcome in set(Picture) else Picture.OK


def stable_id(kind: str, name: str) -> str:
    """The same GUID at every start."""
    return str(uuid5(_NAMESPACE, f"{kind}|{name}"))


def short(name: str) -> str:
    """As much of a name as ONVIF takes."""
    return name[:_MAX_NAME]
