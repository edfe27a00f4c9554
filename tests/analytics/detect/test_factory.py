from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import yaml
from structlog.testing import capture_logs

from analytics.detect import factory
from analytics.detect.factory import create_density_model, create_detector
from analytics.detect.onnx import OnnxDetector
from analytics.detect.yolox import Yolox
from analytics.models.manifest import MANIFEST_SUFFIX, VerifiedModel
from config.model import AnalysisSettings
from core.contracts import Detector
from core.errors import ModelError
from tests.analytics.detect.onnx_file import constant_model, density_file, document
from tests.plugins import install_plugin

PLUGIN = """
from core.contracts import Detector

class Blind(Detector):
    is_shared = False
    labels = frozenset({"person"})

    @classmethod
    def create(cls, settings):
        return cls()

    def detect(self, pictures):
        return [[] for _ in pictures]

class SharedBlind(Blind):
    is_shared = True
"""


@pytest.fixture(autouse=True)
def _nothing_shared_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory, "_shared", {})
    monkeypatch.setattr(factory, "_shared_density", {})


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_plugin(
        tmp_path / "plugin",
        monkeypatch,
        module="vigie_blind",
        code=PLUGIN,
        entry_points={
            "vigie.detectors:blind": "vigie_blind:Blind",
            "vigie.detectors:shared-blind": "vigie_blind:SharedBlind",
        },
    )


def model_file(folder: Path, name: str = "m.onnx", family: str = "yolox") -> Path:
    data = constant_model([np.zeros((1, 21, 8), np.float32)], shape=(1, 3, 32, 32))
    path = folder / name
    path.write_bytes(data)
    text = yaml.safe_dump(document(data, family, (32, 32)))
    path.with_name(name + MANIFEST_SUFFIX).write_text(text, encoding="utf-8")
    return path


def opened(detector: object, *, fps: float = 8.0, min_confidence: float = 0.35) -> Detector:
    return create_detector(AnalysisSettings(detector=str(detector), fps=fps, min_confidence=min_confidence))


@pytest.mark.parametrize("name", ["m.onnx", "M.ONNX"])
def test_a_path_is_opened_as_the_family_of_its_manifest(tmp_path: Path, name: str) -> None:
    assert type(opened(model_file(tmp_path, name))) is Yolox


def test_every_camera_of_a_process_gets_the_same_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = model_file(tmp_path)
    first = opened(path, fps=5.0, min_confidence=0.4)
    monkeypatch.chdir(tmp_path)
    assert opened(path, min_confidence=0.8) is first
    assert opened("m.onnx") is first


def test_a_lower_threshold_or_another_file_is_a_session_of_its_own(tmp_path: Path) -> None:
    first = opened(model_file(tmp_path))
    assert opened(tmp_path / "m.onnx", min_confidence=0.05) is not first
    assert opened(model_file(tmp_path, "n.onnx")) is not first


def test_another_provider_is_a_session_of_its_own(tmp_path: Path) -> None:
    path = model_file(tmp_path)
    with capture_logs() as logs:
        detectors = [
            create_detector(AnalysisSettings(detector=str(path), provider=provider))
            for provider in ("cpu", "cuda", "cpu", "cuda")
        ]
    assert (detectors[0] is detectors[2], detectors[1] is detectors[3]) == (True, True)
    assert detectors[0] is not detectors[1]
    assert len(logs) == (1 if isinstance(detectors[1], OnnxDetector) and detectors[1].fallback else 0)


def test_cameras_that_start_at_once_open_a_model_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = model_file(tmp_path)
    opened_models: list[VerifiedModel] = []
    opening = OnnxDetector.__init__

    def counted(detector: OnnxDetector, model: VerifiedModel, *, min_score: float, provider: str) -> None:
        opened_models.append(model)
        opening(detector, model, min_score=min_score, provider=provider)

    monkeypatch.setattr(OnnxDetector, "__init__", counted)
    detectors: list[Detector] = []
    threads = [threading.Thread(target=lambda: detectors.append(opened(path))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(detectors), len(set(map(id, detectors))), len(opened_models)) == (6, 1, 1)


def test_a_model_that_failed_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        opened(tmp_path / "m.onnx")
    opened(model_file(tmp_path))


def test_a_detector_that_remembers_its_scene_is_made_anew_for_each_camera(plugin: None) -> None:
    assert opened("blind") is not opened("blind")


def test_a_detector_of_another_distribution_may_be_shared(plugin: None) -> None:
    assert opened("shared-blind") is opened("shared-blind")


def test_an_unknown_name_is_refused_and_the_installed_ones_are_told() -> None:
    with pytest.raises(ModelError, match="the detector 'yolo' is unknown") as caught:
        opened("yolo")
    assert ".onnx" in caught.value.remedy
    assert "motion" in caught.value.remedy


@pytest.mark.parametrize("family", ["motion", "blind"])
def test_a_family_that_reads_no_file_is_refused_in_a_manifest(tmp_path: Path, plugin: None, family: str) -> None:
    with pytest.raises(ModelError, match=f"'{family}', which reads no model file"):
        opened(model_file(tmp_path, family=family))


def test_a_family_named_without_a_file_is_a_model_error() -> None:
    with pytest.raises(ModelError):
        opened("yolox")


def test_a_density_map_model_is_opened_once_and_only_where_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert create_density_model(AnalysisSettings()) is None
    first = create_density_model(AnalysisSettings(density_model=density_file(tmp_path)))
    assert first is not None
    monkeypatch.chdir(tmp_path)
    assert create_density_model(AnalysisSettings(density_model=Path("crowd.onnx"), fps=4.0)) is first


def test_a_detector_named_as_density_map_model_is_refused_and_so_is_the_reverse(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gives no density maps"):
        create_density_model(AnalysisSettings(density_model=model_file(tmp_path)))
    with pytest.raises(ModelError, match="is no detector"):
        opened(density_file(tmp_path))
