from __future__ import annotations

from connectors.milestone.simulator.media.bridge import _mounts
from connectors.milestone.simulator.site import Camera, Site
from connectors.protocols.clips import Clip, ClipPacket
from connectors.protocols.live import LiveFeed
from connectors.protocols.rtsp.mount import Flow
from connectors.protocols.simulation import FaultBoard
from core.clock import ManualClock


def test_a_camera_that_the_recorder_has_lost_sends_nothing_over_the_bridge_and_the_others_go_on() -> None:
    packet = ClipPacket(data=b"x", offset_s=0.0, is_key=True, duration_s=1.0)
    clip = Clip(codec="h264", width=16, height=16, fps=1.0, duration_s=1.0, packets=(packet,))
    feed = LiveFeed(clip, ManualClock())
    cameras = tuple(
        Camera(camera_id=name, name=name, hardware_id=name, address="http://a/", stream_id=name, feed=feed)
        for name in ("gate", "yard")
    )
    site = Site(host="vms", created_at=0.0, cameras=cameras)
    gate, yard = (_mounts(site, FaultBoard())(f"/live/{name}") for name in ("gate", "yard"))
    assert gate is not None
    assert yard is not None
    site.lose_camera("gate")
    assert (gate.flow(), yard.flow()) == (Flow.FREEZE, Flow.OK)
    site.return_camera("gate")
    assert gate.flow() is Flow.OK
