"""What is known of a model file, and opening only files that are what their manifest says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from analytics.models.biometrics import refusal
from core.errors import ModelError
from core.registry import Group, names

MANIFEST_SUFFIX = ".manifest.yaml"
DENSITY: Literal["density"] = "density"
"""Family of the models that give density maps; they name no objects and are no detectors."""
_MOST_BYTES = 2**31
_ANOTHER_FILE = "Copy the file again from its source, or write its manifest beside it (docs/models.md)."
_EXTERNAL_WEIGHTS = b"\x0a\x08location\x12"
"""Start of the ``location`` entry of ``TensorProto.external_data`` (onnx.proto): weights kept in another file."""


class ColourOrder(StrEnum):
    """Order of the colour planes that a model was trained with."""

    RGB = "rgb"
    BGR = "bgr"


class Fit(StrEnum):
    """How a picture is brought to the model's input size."""

    LETTERBOX = "letterbox"
    """Scaled with its aspect kept, top-left, the rest filled with ``pad``."""
    STRETCH = "stretch"
    """Scaled to the input size whatever its aspect."""


class Layout(StrEnum):
    """Order of the input's axes."""

    NCHW = "nchw"
    NHWC = "nhwc"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


Channels = tuple[float, float, float]
Deviations = tuple[PositiveFloat, PositiveFloat, PositiveFloat]


class InputFormat(_Frozen):
    """What the model takes. Value of a plane = (pixel 0..255 - mean) / std, planes in ``colour`` order."""

    width: PositiveInt
    height: PositiveInt
    colour: ColourOrder
    fit: Fit
    pad: Annotated[int, Field(ge=0, le=255)] = 114
    mean: Channels = (0.0, 0.0, 0.0)
    std: Deviations = (1.0, 1.0, 1.0)
    layout: Layout = Layout.NCHW


def _permitted(classes: tuple[str, ...]) -> tuple[str, ...]:
    if reason := refusal(classes):
        raise ValueError(f"{reason}; Vigie does no biometrics")
    return classes


class _ModelFile(_Frozen):
    """What must be known of every model file before it is opened."""

    name: Annotated[str, Field(min_length=1)]
    """Usual name of the file, without ``.onnx``."""
    family: str
    """How its outputs are read: a detector of the ``vigie.detectors`` entry points, or ``density``."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    licence: Annotated[str, Field(min_length=1)]
    """Licence of the weights."""
    source: Annotated[str, Field(min_length=1)]
    """Where the file comes from."""


class Manifest(_ModelFile):
    """Everything that must be known of a detector model."""

    classes: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_permitted)]
    """Class names in the order of the model's outputs."""
    input: InputFormat


class DensityInput(_Frozen):
    """What a density map model takes: one plane of grey 0..255 of any size, its sides multiples of a number."""

    colour: Literal["grey"]
    multiple: Annotated[int, Field(gt=0, le=64)]
    """Width and height are multiples of so many pixels."""


class DensityManifest(_ModelFile):
    """Everything that must be known of a density map model: it gives one figure, people, for each cell of the picture."""

    family: Literal["density"]
    stride: PositiveInt
    """Pixels of the input on one side of a cell."""
    input: DensityInput

    @model_validator(mode="after")
    def _cells_are_whole(self) -> DensityManifest:
        if self.input.multiple % self.stride:
            raise ValueError("input.multiple must be a multiple of stride: the map has whole cells only")
        return self


AnyManifest: TypeAlias = Manifest | DensityManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedModel:
    """A model file as it was when its checksum was taken: a session is built from ``data``, never from the path."""

    path: Path
    manifest: Manifest
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedDensityModel:
    """The same of a density map model."""

    path: Path
    manifest: DensityManifest
    data: bytes


def known_manifests() -> tuple[Manifest, ...]:
    """The manifests that ship with Vigie, sorted by name."""
    return tuple(sorted(_known_by_sha256().values(), key=lambda manifest: manifest.name))


def open_model(path: Path) -> VerifiedModel:
    """Reads the file of a detector model once and returns it with its manifest.

    A manifest beside the file (``<file>.manifest.yaml``) decides; without one the file must be a known one.

    Raises:
        ModelError: unreadable, altered, unknown, of an unknown family, with classes that are not permitted, or no
            detector.
    """
    manifest, data = _opened(path)
    if isinstance(manifest, DensityManifest):
        raise ModelError(
            f"the model {path} gives density maps and is no detector",
            remedy="Name it in analysis.density_model, and a detector in analysis.detector.",
        )
    return VerifiedModel(path=path, manifest=manifest, data=data)


def open_density_model(path: Path) -> VerifiedDensityModel:
    """Reads the file of a density map model as ``open_model`` does that of a detector.

    Raises:
        ModelError: as there, or no density map model.
    """
    manifest, data = _opened(path)
    if isinstance(manifest, Manifest):
        raise ModelError(
            f"the model {path} is a detector ({manifest.family}) and gives no density maps",
            remedy="Name it in analysis.detector, and a density map model, or none, in analysis.density_model.",
        )
    return VerifiedDensityModel(path=path, manifest=manifest, data=data)


def is_density_model(path: Path) -> bool:
    """Whether the manifest beside a file describes a density map model; false where it cannot be read."""
    try:
        text = _beside(path).read_text(encoding="utf-8")
        return isinstance(_parsed(text, str(path)), DensityManifest)
    except (OSError, UnicodeDecodeError, ModelError):
        return False


def _opened(path: Path) -> tuple[AnyManifest, bytes]:
    data = _read(path)
    sha256 = hashlib.sha256(data).hexdigest()
    manifest = _described(path, sha256) if _beside(path).exists() else _known(path, sha256)
    if _EXTERNAL_WEIGHTS in data:
        raise ModelError(
            f"the model {path} keeps weights in another file, which no checksum covers",
            remedy="Export it again with all weights inside the .onnx file.",
        )
    return manifest, data


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ModelError(
                f"the model {path} is larger than 2 GiB", remedy="Give an ONNX file of a supported family."
            )
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"the model {path} cannot be read: {error.strerror or error}",
            remedy="Check the path in the settings and the rights of the file.",
        ) from error
    if not data:
        raise ModelError(f"the model {path} is empty", remedy=_ANOTHER_FILE)
    return data


def _known(path: Path, sha256: str) -> Manifest:
    if manifest := _known_by_sha256().get(sha256):
        return manifest
    if any(manifest.name == path.stem for manifest in known_manifests()):
        raise ModelError(
            f"the model {path} is named like a known model but is altered, truncated or corrupted (sha256 {sha256})",
            remedy=_ANOTHER_FILE,
        )
    raise ModelError(
        f"the model {path} is unknown: no manifest has its sha256 {sha256}, and there is none beside it",
        remedy=(
            f"Write {path.name}{MANIFEST_SUFFIX} beside it (docs/models.md); a detector may also be one of "
            "'vigie models list'."
        ),
    )


def _beside(path: Path) -> Path:
    """Where the manifest of a model file is, if it has one."""
    return path.with_name(path.name + MANIFEST_SUFFIX)


def _described(path: Path, sha256: str) -> AnyManifest:
    beside = _beside(path)
    try:
        text = beside.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"the manifest {beside} cannot be read: {error}", remedy="Write it as UTF-8 YAML.") from error
    manifest = _parsed(text, str(beside))
    if manifest.sha256 != sha256:
        raise ModelError(
            f"the model {path} is not the one its manifest describes: sha256 is {sha256}, manifest says {manifest.sha256}",
            remedy="Copy the file again from its source; change the manifest only if you trust the new file.",
        )
    return manifest


def parse_manifest(text: str, place: str) -> Manifest:
    """Reads the YAML of a detector's manifest; ``place`` names it in errors.

    Raises:
        ModelError: not YAML, a field missing or wrong, an unknown family, classes that are not permitted, or no detector.
    """
    manifest = _parsed(text, place)
    if isinstance(manifest, DensityManifest):
        raise ModelError(
            f"the manifest {place} is that of a density map model, not of a detector", remedy="See docs/models.md."
        )
    return manifest


def _parsed(text: str, place: str) -> AnyManifest:
    """A manifest of either kind, told by its family. Every scalar is text: classes may be called ``no``."""
    try:
        document = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - makes text, lists, dicts only
        family = document.get("family") if isinstance(document, Mapping) else None
        _check_family(family, place)
        kind = DensityManifest if family == DENSITY else Manifest
        manifest: AnyManifest = kind.model_validate(document)
    except (yaml.YAMLError, RecursionError) as error:
        raise ModelError(f"the manifest {place} is not YAML: {_one_line(error)}", remedy="Mend its syntax.") from error
    except ValidationError as error:
        raise ModelError(
            f"the manifest {place} is refused: {_first_fault(error)}", remedy="See docs/models.md for its fields."
        ) from error
    return manifest


def _check_family(family: object, place: str) -> None:
    """First of all: which other fields there must be hangs on it. An absent one is a field like others."""
    if isinstance(family, str) and family not in (families := [*names(Group.DETECTORS), DENSITY]):
        raise ModelError(
            f"the manifest {place} names an unknown family {family!r}",
            remedy=f"Installed families: {', '.join(families)}.",
        )


@cache
def _known_by_sha256() -> Mapping[str, Manifest]:
    shipped = (file for file in (files("analytics.models") / "known").iterdir() if file.name.endswith(".yaml"))
    manifests = [parse_manifest(file.read_text(encoding="utf-8"), file.name) for file in shipped]
    return {manifest.sha256: manifest for manifest in manifests}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _first_fault(error: ValidationError) -> str:
    fault: Any = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    text = fault["msg"].removeprefix("Value error, ")
    return f"{where}: {text}" if where else text
