"""Opens the models that the settings name."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import ClassVar, Protocol, cast

from analytics.detect.density import DensityModel
from analytics.detect.onnx import LOW_SCORE, OnnxDetector
from analytics.models.manifest import open_density_model, open_model
from config.model import AnalysisSettings
from core import registry
from core.contracts import Detector
from core.errors import ModelError

_SUFFIX = ".onnx"


class DetectorClass(Protocol):
    """What a class named by a ``vigie.detectors`` entry point offers beside the ``Detector`` contract."""

    is_shared: ClassVar[bool]
    """Whether one instance serves all cameras of a process, from any thread."""

    def create(self, settings: AnalysisSettings) -> Detector:
        """Opens it; a class method."""


_shared: dict[tuple[str, float, str], Detector] = {}
_shared_density: dict[tuple[str, str], DensityModel] = {}
_shared_lock = Lock()


def create_detector(settings: AnalysisSettings) -> Detector:
    """The detector for one camera: by name (``motion``), or a path that ends in ``.onnx``, by its manifest's family.

    Shared detectors (``is_shared``: ONNX models) are opened once per process and handed to every camera that names
    the same file and provider; the motion detector keeps a background of its own and is created anew for each camera.

    Raises:
        ModelError: the detector or model is absent, altered, unknown, not permitted or cannot be run.
    """
    if settings.detector.lower().endswith(_SUFFIX):
        return _once(str(Path(settings.detector).absolute()), settings)
    if settings.detector not in (known := registry.names(registry.Group.DETECTORS)):
        raise ModelError(
            f"the detector {settings.detector!r} is unknown",
            remedy=f"Write the path of an {_SUFFIX} file in analysis.detector, or one of: {', '.join(known)}.",
        )
    if _class_of(settings.detector).is_shared:
        return _once(settings.detector, settings)
    return _class_of(settings.detector).create(settings)


def create_density_model(settings: AnalysisSettings) -> DensityModel | None:
    """The density map model for one camera, opened once per process; None where the settings name none.

    Raises:
        ModelError: it is absent, altered, unknown, no density map model, or cannot be run.
    """
    path = settings.density_model
    if path is None:
        return None
    key = (str(path.absolute()), settings.provider)
    with _shared_lock:
        if key not in _shared_density:
            _shared_density[key] = DensityModel(open_density_model(path), provider=settings.provider)
        return _shared_density[key]


def _once(name: str, settings: AnalysisSettings) -> Detector:
    key = (name, min(LOW_SCORE, settings.min_confidence), settings.provider)
    with _shared_lock:
        if key not in _shared:
            _shared[key] = _open(settings)
        return _shared[key]


def _open(settings: AnalysisSettings) -> Detector:
    if not settings.detector.lower().endswith(_SUFFIX):
        return _class_of(settings.detector).create(settings)
    model = open_model(Path(settings.detector))
    family = registry.detector(model.manifest.family)
    if not issubclass(family, OnnxDetector):
        raise ModelError(
            f"the model {model.path} names the family {model.manifest.family!r}, which reads no model file",
            remedy="Correct the family in its manifest.",
        )
    return family.from_model(model, settings)


def _class_of(name: str) -> DetectorClass:
    return cast("DetectorClass", registry.detector(name))
