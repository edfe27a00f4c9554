"""Recording servers: one live connection to each, and its clock by the time on its newest picture."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from itertools import islice

from config.model import CameraSettings
from connectors.milestone.check.look import Look
from connectors.milestone.video.imageserver import ImageMessage, XmlMessage, camera_is_lost
from connectors.milestone.video.pictures import frames_of
from connectors.milestone.video.recorder import RecorderConnection
from core.errors import VmsUnavailable

_SILENCE_S = 6.0
"""A recorder says something at least every 5 s."""
_MAX_MESSAGES = 1000
_LISTEN_S = 2.0
_MAX_AHEAD_S = 2.0
_MAX_LAG_S = 5.0
"""A picture is always some time old: of its encoding, and of the buffer that a new stream begins with."""


def look_at_recorders(look: Look, cameras: Sequence[CameraSettings]) -> None:
    """One camera of each recording server stands for the others."""
    seen: set[str] = set()
    for camera in cameras:
        look.inventory.forget(camera.device)
        look.findings.step("recorder", camera.id, partial(_look_at_recorder, look, camera, seen))


def _look_at_recorder(look: Look, camera: CameraSettings, seen: set[str]) -> None:
    recorder = look.inventory.camera(camera.device).recorder
    if recorder.recorder_id in seen:
        return
    seen.add(recorder.recorder_id)
    with closing(look.dialer.dial(camera, silence_s=_SILENCE_S)) as connection:
        connection.connect(look.session.corporate.get())
        connection.start_live()
        message = f"{recorder.host}:{recorder.port} opens {camera.id}"
        look.findings.ok(recorder.name, "recorder_ok", message)
        look.findings.step("video", camera.id, partial(_look_at_video, look, camera, recorder.name, connection))


def _look_at_video(look: Look, camera: CameraSettings, recorder: str, connection: RecorderConnection) -> None:
    lag_s = _least_lag(look, connection)
    if lag_s is None:
        raise VmsUnavailable(
            f"{recorder} sends no picture of {camera.id}: it has lost the camera, or the camera gives no stream",
            remedy="Look at the camera in Smart Client; check its power, its network and its licence.",
        )
    if -_MAX_AHEAD_S <= lag_s <= _MAX_LAG_S:
        look.findings.ok(recorder, "recorder_clock_ok", f"pictures arrive {max(0.0, lag_s):.1f} s after their time")
        return
    side = f"{-lag_s:.1f} s ahead of" if lag_s < 0 else f"up to {lag_s:.1f} s behind"
    look.findings.warn(
        recorder,
        "recorder_clock_drift",
        f"the recording server's clock is {side} this machine's, by the time on its pictures",
        "Give the recording servers and this machine the same NTP time source.",
    )


def _least_lag(look: Look, connection: RecorderConnection) -> float | None:
    """How old the freshest picture was when it came; None where none came."""
    clock, least = look.services.clock, None
    ends = clock.monotonic() + _LISTEN_S
    for message in islice(connection.messages(), _MAX_MESSAGES):
        if isinstance(message, XmlMessage) and camera_is_lost(message.root):
            break
        for frame in frames_of(message) if isinstance(message, ImageMessage) else ():
            lag_s = clock.utc() - frame.captured_at
            least = lag_s if least is None else min(least, lag_s)
        if least is not None and (least <= _MAX_LAG_S or clock.monotonic() > ends):
            break
        if clock.monotonic() > ends + _SILENCE_S:
            break
    return least
