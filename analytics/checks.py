"""What ``vigie check`` says of the detectors that a site names."""

from __future__ import annotations

from collections.abc import Iterable

from analytics.detect.factory import create_detector
from analytics.detect.onnx import OnnxDetector
from config.model import AnalysisSettings, SiteSettings
from core.contracts import Detector
from core.errors import VigieError
from core.types import Finding, FindingLevel


def check_models(site: SiteSettings) -> list[Finding]:
    """Opens each detector of the site and of its enabled cameras once, as a worker would.

    Entry point ``models`` of the group ``vigie.checks``.
    """
    cameras = [site.analysis_of(camera) for camera in site.cameras if camera.enabled]
    return check_detectors([site.analysis, *cameras])


def check_detectors(settings: Iterable[AnalysisSettings]) -> list[Finding]:
    """One finding for each distinct detector, in the order in which they are named."""
    return [_finding(analysis) for analysis in {analysis.detector: analysis for analysis in settings}.values()]


def _finding(analysis: AnalysisSettings) -> Finding:
    try:
        detector = create_detector(analysis)
    except VigieError as error:
        return Finding(
            level=FindingLevel.FAILURE,
            subject=analysis.detector,
            code="model_unusable",
            message=str(error),
            remedy=error.remedy,
        )
    return Finding(
        level=FindingLevel.OK, subject=analysis.detector, code="detector_opens", message=_description(detector)
    )


def _description(detector: Detector) -> str:
    if not isinstance(detector, OnnxDetector):
        return f"needs no model file; classes: {', '.join(sorted(detector.labels))}"
    manifest = detector.manifest
    return f"{manifest.name} ({manifest.family}), licence {manifest.licence}, {len(manifest.classes)} classes"
