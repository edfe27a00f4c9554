"""Cameras: known, decodable, their streams on declared hosts; and the video of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from difflib import get_close_matches
from functools import partial
from typing import Final

from config.model import CameraSettings
from connectors.onvif.check.look import Look
from connectors.onvif.video.live import open_live
from connectors.protocols.capture_time import TimeSource
from core.errors import VmsUnavailable
from core.types import VmsCamera

_NEAR: Final = 3
_LISTED: Final = 10


def look_at_cameras(look: Look) -> None:
    """Raises ``VmsError`` where they cannot be listed."""
    known = {camera.device: camera for camera in look.client.cameras()}
    if known:
        look.findings.ok(look.url, "cameras_ok", f"it shows {len(known)} video sources: {_listed(known)}")
    else:
        remedy = "Give this account the right to view cameras, in the VMS's roles and in its bridge."
        look.findings.fail(look.url, "cameras_none", "it shows no video source to this account", remedy)
    tokens = {profile.token for profile in look.client.profiles()}
    usable = [camera for camera in look.cameras if _is_known(look, camera, known, tokens)]
    playable = [
        camera for camera in usable if look.findings.step("stream", camera.id, partial(_look_at_uri, look, camera))
    ]
    if playable:
        look.findings.step("video", playable[0].id, partial(_look_at_video, look, playable[0]))


def _is_known(look: Look, camera: CameraSettings, known: Mapping[str, VmsCamera], profiles: set[str]) -> bool:
    if camera.device in known:
        look.findings.ok(camera.id, "camera_ok", f"it is {known[camera.device].name}")
    elif camera.device in profiles:
        look.findings.ok(camera.id, "camera_by_profile", "it is named by a profile, which is always taken")
    else:
        message = f"the bridge shows no video source and no profile {camera.device!r} to this account"
        look.findings.fail(camera.id, "camera_unknown", message, _near(camera, known))
        return False
    return True


def _look_at_uri(look: Look, camera: CameraSettings) -> None:
    """Where it is streamed, without opening it."""
    look.findings.ok(camera.id, "stream_ok", f"it is streamed at {look.client.stream_uri(camera.device)}")


def _look_at_video(look: Look, camera: CameraSettings) -> None:
    """One camera stands for the others: DESCRIBE, PLAY and the first packet."""
    source = open_live(look.settings, look.services, look.client, camera)
    with closing(source):
        packet = next(iter(source.packets()), None)
    if packet is None:
        raise VmsUnavailable(f"the bridge gives no video of {camera.id}", remedy="Look at the camera in the VMS.")
    look.findings.ok(camera.id, "video_ok", f"{packet.codec} video arrives")
    if source.time_source is not TimeSource.RECORDER:
        remedy = "Alerts carry the arrival time: expect them late by the video's delay."
        look.findings.warn(camera.id, "video_time_unknown", "the bridge does not tell the capture time", remedy)


def _near(camera: CameraSettings, known: Mapping[str, VmsCamera]) -> str:
    """Cameras of nearly the same name, else a few for the shape of their tokens."""
    by_name = {item.name.lower(): item for item in known.values()}
    near = get_close_matches((camera.name or camera.id).lower(), by_name, n=_NEAR, cutoff=0.5)
    shown = {by_name[name].device: by_name[name] for name in near} or dict(list(known.items())[:_NEAR])
    lead = "Video sources of a near name" if near else "It shows for example"
    return f"{lead}: {_listed(shown)}." if shown else "Give this account the right to view cameras."


def _listed(cameras: Mapping[str, VmsCamera]) -> str:
    listed = [f"{camera.name} = {device}" for device, camera in list(cameras.items())[:_LISTED]]
    return "; ".join([*listed, "…"] if len(cameras) > _LISTED else listed)
