"""What ``vigie check`` says of the models, the decoders and the composed rules of a site."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from analytics.decode.hardware import REMEDY, SOFTWARE, open_hardware
from analytics.detect.density import DensityModel
from analytics.detect.factory import create_density_model, create_detector
from analytics.detect.onnx import OnnxDetector
from analytics.detect.providers import CPU
from analytics.models.manifest import Manifest
from config.model import (
    AnalysisSettings,
    CameraSettings,
    CompositionSettings,
    ControlState,
    RuleSettings,
    SiteSettings,
    State,
)
from core.contracts import Detector
from core.errors import VigieError
from core.types import Finding, FindingLevel

_USUAL_CODEC = "h264"


def check_models(site: SiteSettings) -> list[Finding]:
    """Opens each detector and density map model of the site and of its enabled cameras once, as a worker would.

    Entry point ``models`` of the group ``vigie.checks``.
    """
    named = [site.analysis, *(site.analysis_of(camera) for camera in site.cameras if camera.enabled)]
    return [*check_detectors(named), *check_density_models(named)]


def check_detectors(settings: Iterable[AnalysisSettings]) -> list[Finding]:
    """What is found of each distinct detector and what runs it, in the order in which they are named."""
    distinct = {(analysis.detector, analysis.provider): analysis for analysis in settings}
    return [
        finding
        for (name, _), analysis in distinct.items()
        for finding in _findings(analysis, name, "detector_opens", create_detector)
    ]


def check_density_models(settings: Iterable[AnalysisSettings]) -> list[Finding]:
    """The same of each distinct density map model; nothing where none is named."""
    distinct = {(analysis.density_model, analysis.provider): analysis for analysis in settings}
    return [
        finding
        for (path, _), analysis in distinct.items()
        if path is not None
        for finding in _findings(analysis, str(path), "density_model_opens", create_density_model)
    ]


def check_decoders(site: SiteSettings) -> list[Finding]:
    """Tries each hardware decoder that the site or an enabled camera wants; nothing where all is decoded in software.

    Entry point ``decoders`` of the group ``vigie.checks``.
    """
    cameras = [site.analysis_of(camera).decoder for camera in site.cameras if camera.enabled]
    wanted = dict.fromkeys([site.analysis.decoder, *cameras])
    return [_decoder_finding(name) for name in wanted if name != SOFTWARE]


def check_compositions(site: SiteSettings) -> list[Finding]:
    """Members that are off in the settings, and that no event of the VMS switches on.

    Entry point ``compositions`` of the group ``vigie.checks``.
    """
    return [
        silent_member(rule, member, place=f"{camera.id}/{rule.id}")
        for camera in site.cameras
        if camera.enabled
        for rule, member in silent_members(camera.rules)
        if not _is_switched_on(site, camera, member)
    ]


def silent_members(rules: Sequence[RuleSettings]) -> Iterator[tuple[CompositionSettings, RuleSettings]]:
    """Each composition that is not off itself, with each of its members that is."""
    by_id = {rule.id: rule for rule in rules}
    for rule in rules:
        if isinstance(rule, CompositionSettings) and rule.state is not State.OFF:
            members = (by_id[name] for name in dict.fromkeys(rule.rules))
            yield from ((rule, member) for member in members if member.state is State.OFF)


def silent_member(rule: CompositionSettings, member: RuleSettings, *, place: str) -> Finding:
    """What a member that is off means for its composition; ``place`` names the latter."""
    effect = "can never fire" if rule.needs_every_member else "does not hear of it"
    return Finding(
        level=FindingLevel.WARNING,
        subject=place,
        code="composition_member_off",
        message=f"{rule.type} {effect}: its member {member.id!r} is off",
        remedy="Set the member's state to observe: it is then watched, and operators only hear of the composition.",
    )


def _is_switched_on(site: SiteSettings, camera: CameraSettings, rule: RuleSettings) -> bool:
    return any(
        order.state in {ControlState.ARMED, ControlState.OBSERVE}
        and (not order.cameras or camera.id in order.cameras)
        and (not order.rules or rule.id in order.rules)
        for order in site.vms_of(camera).control
    )


def _findings(
    analysis: AnalysisSettings,
    subject: str,
    code: str,
    create: Callable[[AnalysisSettings], Detector | DensityModel | None],
) -> Iterator[Finding]:
    try:
        model = create(analysis)
    except VigieError as error:
        yield Finding(
            level=FindingLevel.FAILURE,
            subject=subject,
            code="model_unusable",
            message=str(error),
            remedy=error.remedy,
        )
        return
    yield Finding(level=FindingLevel.OK, subject=subject, code=code, message=_description(model))
    if isinstance(model, OnnxDetector | DensityModel) and model.fallback is not None:
        yield Finding(
            level=FindingLevel.WARNING,
            subject=subject,
            code="provider_fallback",
            message=f"the processor runs it, not {analysis.provider}: {model.fallback.cause}",
            remedy=model.fallback.remedy,
        )


def _description(model: Detector | DensityModel | None) -> str:
    if not isinstance(model, OnnxDetector | DensityModel):
        return f"needs no model file; classes: {', '.join(sorted(model.labels if model else ()))}"
    manifest = model.manifest
    finds = f"{len(manifest.classes)} classes" if isinstance(manifest, Manifest) else "draws density maps"
    known = f"{manifest.name} ({manifest.family}), licence {manifest.licence}, {finds}"
    return known if model.provider == CPU else f"{known}, run by {model.provider}"


def _decoder_finding(wanted: str) -> Finding:
    context, cause = open_hardware(_USUAL_CODEC, b"", wanted)
    if context is not None:
        return Finding(
            level=FindingLevel.OK,
            subject=f"decoder {wanted}",
            code="decoder_opens",
            message="decodes H.264 in hardware",
        )
    return Finding(
        level=FindingLevel.WARNING,
        subject=f"decoder {wanted}",
        code="decoder_fallback",
        message=f"software decodes instead: {cause}",
        remedy=REMEDY,
    )
