"""The Media Gateway: ``rtsp://host/<camera GUID>/<stream>`` (public wiki page "media-gateway-developer-guide").

Live streams only; ``lowres`` and the others play the same video here. Unverified: the authentication scheme of the
real role (digest here) and its interleaving and time-outs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from connectors.genetec.simulator.site import Entity
from connectors.protocols.live import LiveFeed
from connectors.protocols.rtsp.mount import Flow, Mount, Mounts
from connectors.protocols.simulation import FaultBoard

STREAMS = ("live", "highres", "lowres", "remote")


def media_mounts(cameras: Mapping[str, tuple[Entity, LiveFeed]], faults: FaultBoard) -> Mounts:
    """Finds ``/{camera GUID}/{stream}``; the ``video`` fault plan is asked at every packet.

    Those of a camera that is off line do not flow (unverified what the role does then).
    """

    def flow_of(camera: Entity) -> Flow:
        if camera.read("IsOnline") is False:
            return Flow.FREEZE
        lasting = Flow(faults.current("video"))
        return lasting if lasting is Flow.FREEZE else Flow(faults.next("video"))

    def mounts(path: str) -> Mount | None:
        guid, _, stream = path.strip("/").partition("/")
        if guid.lower() not in cameras or stream not in STREAMS:
            return None
        camera, feed = cameras[guid.lower()]
        return Mount(feed=feed, name=camera.name, flow=partial(flow_of, camera))

    return mounts
