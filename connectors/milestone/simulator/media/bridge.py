"""The Open Network Bridge: ``rtsp://host/live/<camera GUID>``, H.264 only, for users of its own list (notes §3.4).

Unverified: how the real bridge answers for a camera of another codec (no such path here), and its authentication scheme
(digest here).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from connectors.milestone.simulator.site import Site
from connectors.protocols.rtsp.mount import Flow, Mount, Mounts
from connectors.protocols.rtsp.server import RtspServer
from connectors.protocols.simulation import FaultBoard, Simulation

_FLOWS: Mapping[str, Flow] = {"drop": Flow.DROP, "freeze": Flow.FREEZE, "lost-camera": Flow.FREEZE}
"""Outcomes of the fault plan ``video``: of a camera that the recorder lost, the bridge has nothing to send."""


def bridge(simulation: Simulation, site: Site, port: int, users: Mapping[str, str]) -> RtspServer:
    """Serves every enabled camera of the site. ``users`` are names and passwords."""
    return RtspServer(
        simulation.host, port, _mounts(site, simulation.faults), users, clock=simulation.clock, realm="onvifbridge"
    )


def _mounts(site: Site, faults: FaultBoard) -> Mounts:
    def flow(camera_id: str) -> Flow:
        outcome = faults.current("video")
        if outcome == "drop":
            faults.next("video")
        return _FLOWS.get(outcome, Flow.FREEZE if camera_id in site.lost_cameras else Flow.OK)

    def mounts(path: str) -> Mount | None:
        folder, _, camera_id = path.strip("/").partition("/")
        camera = site.camera(camera_id) if folder == "live" else None
        if camera is None or not site.is_in_use(camera) or camera.feed is None or camera.feed.clip.codec != "h264":
            return None
        return Mount(video=camera.feed, name=camera.name, flow=partial(flow, camera.camera_id))

    return mounts
