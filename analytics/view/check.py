"""What ``vigie check`` says of the presets of a site."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from analytics.view.known import read_still, views_of
from analytics.view.view import RECOGNISED
from config.model import CameraSettings, SiteSettings
from core.errors import SettingsError
from core.types import Finding, FindingLevel


def check_views(site: SiteSettings) -> list[Finding]:
    """Stills that cannot be read, and presets that look alike.

    Entry point ``views`` of the group ``vigie.checks``.
    """
    watched = (camera for camera in site.cameras if camera.enabled and camera.watch_view)
    return [finding for camera in watched for finding in _findings(camera)]


def _findings(camera: CameraSettings) -> Iterator[Finding]:
    try:
        known = list(zip(camera.presets, views_of(camera), strict=True))
    except SettingsError as error:
        code, message = "still_unusable", str(error)
        yield Finding(level=FindingLevel.FAILURE, subject=camera.id, code=code, message=message, remedy=error.remedy)
        return
    for (first, _), (second, view) in combinations(known, 2):
        stills = [still for path in first.stills if (still := read_still(path)) is not None]
        fits = [fit.in_place for still in stills if (fit := view.fit(still)) is not None]
        if max(fits, default=0.0) >= RECOGNISED:
            yield Finding(
                level=FindingLevel.WARNING,
                subject=camera.id,
                code="presets_alike",
                message=f"the presets {first.id!r} and {second.id!r} cannot be told apart by their stills",
                remedy="Take both stills anew, or make one preset of the two.",
            )
