"""What ``vigie check`` says of rules that wait for a class that no model on the site names."""

from __future__ import annotations

from typing import NamedTuple

from analytics.detect.factory import create_detector
from analytics.rules.crowd_movement import CrowdMovementSettings
from analytics.rules.crowds import fights
from analytics.rules.weapon import WeaponSettings, labels_of
from config.model import CameraSettings, RuleSettings, SiteSettings, State
from core.contracts import Detector
from core.errors import VigieError
from core.types import Finding, FindingLevel


class _Wanted(NamedTuple):
    """What a rule waits for, in words, and the classes any of which stands for it."""

    name: str
    labels: frozenset[str]


def check_named(site: SiteSettings) -> list[Finding]:
    """One finding for each rule of an enabled camera that asks for what its detector can never see: a weapon, a fight.

    Entry point ``named`` of the group ``vigie.checks``. Detectors that do not open are told by ``check_models``.
    """
    found: list[Finding] = []
    for camera in site.cameras:
        wanted = [(rule, what) for rule in camera.rules if rule.state is not State.OFF and (what := _wanted(rule))]
        detector = _detector(site, camera) if camera.enabled and wanted else None
        if detector is not None:
            known = {label.casefold() for label in detector.labels}
            found += [_finding(camera, rule, what) for rule, what in wanted if not what.labels & known]
    return found


def _wanted(rule: RuleSettings) -> _Wanted | None:
    if isinstance(rule, WeaponSettings):
        return _Wanted("weapon", labels_of(rule.kinds))
    if isinstance(rule, CrowdMovementSettings) and "fight" in rule.kinds:
        return _Wanted("fight", fights.LABELS)
    return None


def _detector(site: SiteSettings, camera: CameraSettings) -> Detector | None:
    try:
        return create_detector(site.analysis_of(camera))
    except VigieError:
        return None


def _finding(camera: CameraSettings, rule: RuleSettings, wanted: _Wanted) -> Finding:
    return Finding(
        level=FindingLevel.FAILURE,
        subject=f"{camera.id}/{rule.id}",
        code=f"no_{wanted.name}_class",
        message=f"this rule can never tell a {wanted.name}: the camera's detector has no class for it",
        remedy=(
            f"Give the camera a model whose manifest names one of: {', '.join(sorted(wanted.labels))} "
            f"(docs/models.md), or do not ask for it."
        ),
    )
