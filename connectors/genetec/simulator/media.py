"""The Media Gateway: ``rtsp://host/<camera GUID>/<stream>`` (public wiki page "media-gateway-developer-guide").

Live streams only; ``lowres`` and the others play the same video here. Unverified: the authentication scheme of the
real role (digest here) and its interleaving and time-outs.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.genetec.simulator.site import Entity
from connectors.protocols.live import LiveFeed
from connectors.protocols.rtsp.mount import Flow, Mount, Mounts
from connectors.protocols.simulation import FaultBoard

STREAMS = ("live", "highres", "lowres", "remote")


def media_mounts(cameras: Mapping[str, tuple[Entity, LiveFeed]], faults: FaultBoard) -> Mounts:
    """Finds ``/{camera GUID}/{stream}``; the ``video`` fault plan decides whether packets flow."""

    def flow() -> Flow:
        outcome = Flow(faults.current("video"))
        return Flow(faults.next("video")) if outcome is Flow.DROP else outcome

    def mounts(path: str) -> Mount | None:
        guid, _, stream = path.strip("/").partition("/")
        if guid.lower() not in cameras or stream not in STREAMS:
            return None
        camera, feed = cameras[guid.lower()]
        return Mount(feed=feed, name=camera.name, flow=flow)

    return mounts
