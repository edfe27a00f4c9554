from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from analytics import checks
from analytics.checks import check_compositions, check_decoders, check_detectors, check_models
from analytics.rules.all_of import AllOfSettings
from analytics.rules.any_of import AnyOfSettings
from config.model import (
    AnalysisSettings,
    CameraSettings,
    ControlSettings,
    ControlState,
    RuleSettings,
    SecretRef,
    Site,
    SiteSettings,
    State,
    VmsSettings,
)
from core import registry
from core.contracts import Detector
from core.errors import ModelError, VigieError
from core.types import Finding, FindingLevel
from tests.analytics.detect.onnx_file import density_file
from tests.analytics.scenes import BrightSpotDetector
from tests.shared import shared


def site_of(detector: str, *cameras: str | None, off: tuple[str, ...] = ()) -> SiteSettings:
    """One camera for each detector; None takes the site's. ``off``: detectors of cameras that are not enabled."""
    vms = VmsSettings(id="v", type="any", url="https://v", username="u", password=SecretRef(env="X"))
    named = [(name, True) for name in cameras] + [(name, False) for name in off]
    return SiteSettings(
        version=1,
        site=Site(name="Gare"),
        vms=(vms,),
        analysis=AnalysisSettings(detector=detector),
        cameras=tuple(
            CameraSettings(
                id=f"cam-{number}",
                vms="v",
                device="d",
                enabled=is_enabled,
                analysis=None if name is None else AnalysisSettings(detector=name),
            )
            for number, (name, is_enabled) in enumerate(named)
        ),
    )


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the detectors that were opened; those called ``bad…`` fail."""
    names: list[str] = []

    def create(settings: AnalysisSettings) -> Detector:
        names.append(settings.detector)
        if settings.detector == "bad.onnx":
            raise ModelError("the model bad.onnx is altered", remedy="Copy it again.")
        if settings.detector == "bad-plugin":
            raise VigieError("the plug-in cannot be loaded", remedy="Install it again.")
        return BrightSpotDetector()

    monkeypatch.setattr(checks, "create_detector", create)
    return names


def test_it_is_what_vigie_check_asks() -> None:
    assert registry.check("models") is check_models


def test_each_detector_in_use_is_opened_once(opened: list[str]) -> None:
    findings = check_models(site_of("motion", None, "a.onnx", "b.onnx", "a.onnx", "motion"))
    assert opened == ["motion", "a.onnx", "b.onnx"]
    assert [(finding.level, finding.subject) for finding in findings] == [
        (FindingLevel.OK, "motion"),
        (FindingLevel.OK, "a.onnx"),
        (FindingLevel.OK, "b.onnx"),
    ]


def test_cameras_that_are_not_enabled_are_left_out(opened: list[str]) -> None:
    check_models(site_of("motion", off=("a.onnx",)))
    assert opened == ["motion"]


def test_one_model_that_cannot_be_used_is_a_failure_and_hides_nothing_of_the_others(opened: list[str]) -> None:
    first, *others = check_models(site_of("bad.onnx", "bad-plugin", "motion"))
    assert first == Finding(
        level=FindingLevel.FAILURE,
        subject="bad.onnx",
        code="model_unusable",
        message="the model bad.onnx is altered",
        remedy="Copy it again.",
    )
    assert [finding.level for finding in others] == [FindingLevel.FAILURE, FindingLevel.OK]


def test_a_detector_without_a_model_names_its_classes(opened: list[str]) -> None:
    (finding,) = check_models(site_of("motion"))
    assert finding.message == "needs no model file; classes: person"


def test_an_absent_file_and_an_unknown_name_are_said(tmp_path: Path) -> None:
    absent, unknown = check_models(site_of(str(tmp_path / "m.onnx"), "yolo"))
    assert (absent.code, unknown.code) == ("model_unusable", "model_unusable")
    assert "cannot be read" in absent.message
    assert "'yolo' is unknown" in unknown.message


def test_density_map_models_are_opened_beside_the_detectors_once_each(tmp_path: Path, opened: list[str]) -> None:
    good, absent = density_file(tmp_path), tmp_path / "absent.onnx"
    site = site_of("motion", *[None] * 4, off=("motion",))
    wanted = (good, None, good, absent, tmp_path / "off.onnx")
    cameras = tuple(
        camera.model_copy(update={"analysis": AnalysisSettings(density_model=path)})
        for camera, path in zip(site.cameras, wanted, strict=True)
    )
    _, opens, missing = check_models(site.model_copy(update={"cameras": cameras}))
    assert (opens.level, opens.subject, opens.code) == (FindingLevel.OK, str(good), "density_model_opens")
    assert opens.message == "crowd (density), licence MIT, draws density maps"
    assert (missing.level, missing.subject, missing.code) == (FindingLevel.FAILURE, str(absent), "model_unusable")
    assert "cannot be read" in missing.message
    assert missing.remedy


@pytest.mark.shared_data
def test_a_good_model_is_named_with_its_licence_and_classes() -> None:
    path = str(shared("data/models/yolox_nano.onnx"))
    (finding,) = check_models(site_of(path))
    assert (finding.level, finding.subject, finding.code) == (FindingLevel.OK, path, "detector_opens")
    assert finding.message == "yolox_nano (yolox), licence Apache-2.0, 80 classes"


@pytest.mark.shared_data
def test_a_model_that_the_processor_runs_instead_of_the_provider_wanted_is_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    path = str(shared("data/models/yolox_nano.onnx"))
    opens, falls_back = check_detectors(
        [AnalysisSettings(detector=path, provider="openvino"), AnalysisSettings(detector=path, provider="openvino")]
    )
    assert opens.level is FindingLevel.OK
    assert (falls_back.level, falls_back.subject, falls_back.code) == (
        FindingLevel.WARNING,
        path,
        "provider_fallback",
    )
    assert "the processor runs it, not openvino" in falls_back.message
    assert "onnxruntime-openvino" in falls_back.remedy


def test_hardware_decoders_that_are_wanted_are_tried_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(_codec: str, _extradata: bytes, wanted: str) -> tuple[object | None, str]:
        return (object(), "") if wanted == "cuda" else (None, "qsv: no such device")

    monkeypatch.setattr(checks, "open_hardware", opened)
    site = site_of("motion", "motion", "motion", None)
    wanted = ("cuda", "qsv", "cuda")
    cameras = tuple(
        camera.model_copy(update={"analysis": AnalysisSettings.model_validate({"decoder": decoder})})
        for camera, decoder in zip(site.cameras, wanted, strict=True)
    )
    works, falls_back = check_decoders(site.model_copy(update={"cameras": cameras}))
    assert (works.level, works.subject) == (FindingLevel.OK, "decoder cuda")
    assert (falls_back.level, falls_back.code) == (FindingLevel.WARNING, "decoder_fallback")
    assert "software decodes instead: qsv: no such device" in falls_back.message
    assert "analysis.decoder" in falls_back.remedy
    assert registry.check("decoders") is check_decoders
    assert check_decoders(site) == []


def composing(*control: ControlSettings, state: State = State.ARMED, is_enabled: bool = True) -> SiteSettings:
    """A camera with two rules, the second of which is off, and one of either composition."""
    vms = VmsSettings(
        id="v", type="any", url="https://v", username="u", password=SecretRef(env="X"), control=tuple(control)
    )
    rules = (
        RuleSettings(id="a", type="any"),
        RuleSettings(id="b", type="any", state=State.OFF),
        AllOfSettings(id="all", type="all_of", rules=("a", "b"), state=state),
        AnyOfSettings(id="one", type="any_of", rules=("a", "b"), state=state),
    )
    camera = CameraSettings(id="cam", vms="v", device="d", enabled=is_enabled, rules=rules)
    return SiteSettings(version=1, site=Site(name="Gare"), vms=(vms,), cameras=(camera,))


def test_a_composition_of_a_rule_that_is_off_is_a_warning_with_a_remedy() -> None:
    every, either = check_compositions(composing())
    assert (every.level, every.subject, every.code) == (FindingLevel.WARNING, "cam/all", "composition_member_off")
    assert "can never fire: its member 'b' is off" in every.message
    assert "does not hear of it" in either.message
    assert "observe" in every.remedy


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ({"state": ControlState.ARMED}, 0),
        ({"state": ControlState.OBSERVE, "cameras": ("cam",), "rules": ("b",)}, 0),
        ({"state": ControlState.ARMED, "rules": ("a",)}, 2),
        ({"state": ControlState.ARMED, "cameras": ("other",)}, 2),
        ({"state": ControlState.OFF}, 2),
        ({"state": ControlState.AS_CONFIGURED}, 2),
    ],
)
def test_a_member_that_an_event_of_the_vms_switches_on_is_no_finding(order: dict[str, Any], found: int) -> None:
    assert len(check_compositions(composing(ControlSettings(event="e", **order)))) == found


def test_compositions_that_are_off_themselves_are_left_alone() -> None:
    assert check_compositions(composing(state=State.OFF)) == []
    assert check_compositions(composing(is_enabled=False)) == []
