"""The watch of one camera's view, made of its settings and of what is kept of earlier runs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import structlog

from analytics.snapshot import snapshot
from analytics.view.glance import Glance
from analytics.view.view import View
from analytics.view.watch import SceneWatch
from config.model import CameraSettings, PresetSettings
from core.errors import SettingsError
from core.types import Pixels

_FOLDER: Final = "views"
_NAME_DIGITS: Final = 8

_log = structlog.get_logger(component="analysis")


def watch_of(camera: CameraSettings, storage: Path | None, running: SceneWatch | None = None) -> SceneWatch | None:
    """The watch of a camera's view; None where the settings want none.

    Args:
        camera: its settings.
        storage: where what it learns of the camera's own view is kept over restarts; None: nowhere.
        running: the watch so far, which goes on where it watches the same.

    Raises:
        SettingsError: a preset's still cannot be read.
    """
    if not camera.watch_view:
        return None
    subject = _subject(camera)
    if running is not None and running.subject == subject:
        return running
    if camera.presets:
        advice = "it is at none of its presets: turn it to one, or give a still of this view under its presets"
        return SceneWatch(views_of(camera), subject=subject, advice=advice)
    if storage is None:
        return SceneWatch((), subject=subject, advice="turn it back")
    kept = KeptStill(storage / _FOLDER, camera.id, subject)
    advice = f"turn it back, or draw its rules anew; if they are right for this view, delete {kept.path.name} in {kept.path.parent}"
    return SceneWatch(kept.views(), subject=subject, advice=advice, keep=kept.write)


def views_of(camera: CameraSettings) -> list[View]:
    """The views of a camera's presets, in their order.

    Raises:
        SettingsError: a still cannot be read.
    """
    return [_preset(camera, preset) for preset in camera.presets]


def read_still(path: Path) -> Glance | None:
    """A picture file as a look at it; None where there is none that can be read."""
    try:
        encoded = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError:
        return None
    luma = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE) if encoded.size else None
    return None if luma is None else Glance.of_luma(np.asarray(luma, np.uint8), 0.0)


class KeptStill:
    """A still of a camera's own view, kept so that a restart does not take another view for it.

    Its name holds a digest of where the rules are drawn: where they are drawn anew, the view is learned anew.
    """

    def __init__(self, folder: Path, camera_id: str, subject: str) -> None:
        self.path = folder / f"{camera_id}-{subject}.jpg"
        self._camera_id = camera_id
        self._is_failing = False

    def views(self) -> list[View]:
        """The view that it shows; none where there is no still."""
        still = read_still(self.path)
        return [] if still is None else [View(frozenset({None}), [still])]

    def write(self, pixels: Pixels) -> None:
        """Replaces it, and those of places where rules were drawn before."""
        fresh = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(snapshot(pixels))
            fresh.replace(self.path)
            for old in self.path.parent.glob(f"{self._camera_id}-{'?' * _NAME_DIGITS}.jpg"):
                if old != self.path:
                    old.unlink(missing_ok=True)
        except OSError as error:
            if not self._is_failing:
                _log.warning("the camera's view cannot be kept", camera=self._camera_id, cause=str(error))
            self._is_failing = True
        else:
            self._is_failing = False


def _preset(camera: CameraSettings, preset: PresetSettings) -> View:
    names: set[str | None] = {preset.id}
    if preset is camera.presets[0]:
        names.add(None)
    stills = []
    for path in preset.stills:
        still = read_still(path)
        if still is None:
            raise SettingsError(
                f"the still {path} of preset {preset.id!r} of camera {camera.id!r} is no picture that can be read",
                remedy=f"Turn the camera there and take one: vigie still SITE.yaml {camera.id} {path.name}",
            )
        stills.append(still)
    return View(frozenset(names), stills)


def _subject(camera: CameraSettings) -> str:
    """Digest of what is watched: the presets, and where the rules are drawn."""
    presets = [preset.model_dump(mode="json") for preset in camera.presets]
    places = sorted([rule.id, getattr(rule, "zone", None), getattr(rule, "line", None)] for rule in camera.rules)
    text = json.dumps([presets, places], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_NAME_DIGITS]
