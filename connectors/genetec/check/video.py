"""The Media Gateway: its port, then the stream of one camera (DESCRIBE, PLAY, first packet)."""

from __future__ import annotations

import socket
from functools import partial

from config.model import CameraSettings
from connectors.genetec.check.look import Look
from connectors.genetec.menus import MEDIA_GATEWAY
from connectors.protocols.capture_time import TimeSource
from core.errors import AuthenticationRefused, NotFoundInVms, VmsError, VmsUnavailable

_ACCESS = (
    f"{MEDIA_GATEWAY} → Accessible to: add the user. In releases where a password for RTSP is asked for there, it has to be"
    " the one that 'password' gives."
)
_REMEDIES: tuple[tuple[type[VmsError], str], ...] = (
    (AuthenticationRefused, _ACCESS),
    (
        NotFoundInVms,
        "Compare 'device' with the GUIDs listed as docs/security-center.md says; does the camera have the stream that 'stream' names?",
    ),
)


def look_at_video(look: Look) -> None:
    """Each is a step of its own."""
    place = "{}:{}".format(*look.settings.gateway())
    if look.findings.step("media_gateway", place, partial(_look_at_port, look, place)) and look.cameras:
        camera = next(iter(look.known.values()), look.cameras[0])
        look.findings.step("video", camera.id, partial(_look_at_stream, look, camera))


def _look_at_port(look: Look, place: str) -> None:
    try:
        socket.create_connection(look.settings.gateway(), look.settings.timeout_s).close()
    except (OSError, UnicodeError) as error:  # a host name that cannot be one is a UnicodeError
        remedy = f"{MEDIA_GATEWAY}: create the role if there is none, enable RTSP (off by default), port 654; firewall."
        raise VmsUnavailable(f"Media Gateway {place}: {error}", remedy=remedy) from error
    look.findings.ok(place, "media_gateway_ok", "the Media Gateway listens")


def _look_at_stream(look: Look, camera: CameraSettings) -> None:
    source = look.open_video(camera)
    packets = source.packets()
    try:
        packet = next(packets)
    except VmsError as error:
        error.remedy = next((text for kind, text in _REMEDIES if isinstance(error, kind)), error.remedy)
        raise
    finally:
        source.close()
    look.findings.ok(camera.id, "video_ok", f"{packet.codec} video arrives")
    if source.time_source is not TimeSource.RECORDER:
        remedy = "Alerts carry the arrival time: expect bookmarks late by the video's delay."
        look.findings.warn(camera.id, "video_time_unknown", "the Media Gateway does not tell the capture time", remedy)
