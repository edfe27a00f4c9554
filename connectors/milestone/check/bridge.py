"""The Open Network Bridge, with ``video: rtsp``: its port, and the video of one camera."""

from __future__ import annotations

from contextlib import closing

from config.model import CameraSettings
from connectors.milestone.check.look import Look
from connectors.milestone.video.bridge import open_bridge_video
from connectors.milestone.video.recorder import dial
from core.errors import VmsUnavailable

_REACH = (
    "See that the Milestone Open Network Bridge service runs, that its RTSP port (554) is 'bridge:', and the firewall."
)


def look_at_bridge(look: Look) -> None:
    """Each part is a step of its own."""
    host, port = look.settings.bridge_address
    if look.findings.step("bridge", f"{host}:{port}", lambda: _look_at_port(look)) and look.cameras:
        look.findings.step("bridge_video", look.cameras[0].id, lambda: _look_at_video(look, look.cameras[0]))


def _look_at_port(look: Look) -> None:
    host, port = look.settings.bridge_address
    try:
        dial(host, port, None, look.settings.timeout_s).close()
    except VmsUnavailable as error:
        raise VmsUnavailable(str(error), remedy=_REACH) from error.__cause__
    look.findings.ok(f"{host}:{port}", "bridge_ok", "the Open Network Bridge listens")


def _look_at_video(look: Look, camera: CameraSettings) -> None:
    """One camera stands for the others: DESCRIBE, PLAY and the first picture."""
    source = open_bridge_video(look.settings, look.services, camera, look.session.password())
    with closing(source):
        packet = next(iter(source.packets()), None)
    if packet is None:
        raise VmsUnavailable(f"the Open Network Bridge gives no video of {camera.id}", remedy=_REACH)
    look.findings.ok(camera.id, "bridge_video_ok", f"{packet.codec} video arrives")
