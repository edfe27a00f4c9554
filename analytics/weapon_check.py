"""What ``vigie check`` says of rules that wait for a class that no model on the site names."""

from __future__ import annotations

from analytics.detect.factory import create_detector
from analytics.rules.weapon import WeaponSettings, labels_of
from config.model import CameraSettings, SiteSettings, State
from core.contracts import Detector
from core.errors import VigieError
from core.types import Finding, FindingLevel


def check_weapons(site: SiteSettings) -> list[Finding]:
    """One finding for each ``weapon`` rule of an enabled camera whose detector can never see a weapon.

    Entry point ``weapons`` of the group ``vigie.checks``. Detectors that do not open are told by ``check_models``.
    """
    found: list[Finding] = []
    for camera in site.cameras:
        rules = [rule for rule in camera.rules if isinstance(rule, WeaponSettings) and rule.state is not State.OFF]
        detector = _detector(site, camera) if camera.enabled and rules else None
        if detector is not None:
            found += [_finding(camera, rule) for rule in rules if not labels_of(rule.kinds) & detector.labels]
    return found


def _detector(site: SiteSettings, camera: CameraSettings) -> Detector | None:
    try:
        return create_detector(site.analysis_of(camera))
    except VigieError:
        return None


def _finding(camera: CameraSettings, rule: WeaponSettings) -> Finding:
    return Finding(
        level=FindingLevel.FAILURE,
        subject=f"{camera.id}/{rule.id}",
        code="no_weapon_class",
        message="this weapon rule can never fire: the camera's detector has no class for a weapon",
        remedy=(
            "Give the camera a model whose manifest names one of: "
            f"{', '.join(sorted(labels_of(rule.kinds)))} (docs/models.md), or switch the rule off."
        ),
    )
