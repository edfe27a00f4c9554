"""The Media Gateway: ``rtsp://host/<camera GUID>/<stream>`` (public wiki page "media-gateway-developer-guide").

``lowres`` and the other live streams play the same video here. ``playback`` is the recording, for a PLAY with ``Range:
clock=`` (the same page). Unverified: the authentication scheme of the real role (digest here), its interleaving and
time-outs; of ``playback`` all else: the pace (as fast as the client takes it), where it begins (at a key frame), gaps
(skipped), an interval without any recording (457), its end (goodbye by RTCP).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from connectors.genetec.simulator.site import Entity
from connectors.protocols.live import LiveFeed
from connectors.protocols.recordings import CameraRecording
from connectors.protocols.rtsp.mount import Flow, Mount, Mounts, Recording
from connectors.protocols.simulation import FaultBoard

STREAMS = ("live", "highres", "lowres", "remote")
PLAYBACK = "playback"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaCamera:
    """A camera with its video; ``recording`` is None where nothing is recorded."""

    entity: Entity
    feed: LiveFeed
    recording: CameraRecording | None


def media_mounts(cameras: Mapping[str, MediaCamera], faults: FaultBoard) -> Mounts:
    """Finds ``/{camera GUID}/{stream}``; the ``video`` fault plan is asked at every packet.

    Live streams of a camera that is off line do not flow (unverified what the role does then).
    """

    def flow() -> Flow:
        lasting = Flow(faults.current("video"))
        return lasting if lasting is Flow.FREEZE else Flow(faults.next("video"))

    def live_flow(camera: Entity) -> Flow:
        return Flow.FREEZE if camera.read("IsOnline") is False else flow()

    def mounts(path: str) -> Mount | None:
        guid, _, stream = path.strip("/").partition("/")
        camera = cameras.get(guid.lower())
        if camera is None:
            return None
        name = camera.entity.name
        if stream == PLAYBACK and camera.recording:
            recording = Recording(format=camera.feed.format, pictures=camera.recording.pictures)
            return Mount(recording=recording, name=name, flow=flow)
        if stream in STREAMS:
            return Mount(video=camera.feed, name=name, flow=partial(live_flow, camera.entity))
        return None

    return mounts
