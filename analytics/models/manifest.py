"""What is known of a model file, and opening only files that are what their manifest says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

from analytics.models.biometrics import refusal
from core.errors import ModelError
from core.registry import Group, names

MANIFEST_SUFFIX = ".manifest.yaml"
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


class Manifest(_Frozen):
    """Everything that must be known of a model file before it is opened."""

    name: Annotated[str, Field(min_length=1)]
    """Usual name of the file, without ``.onnx``."""
    family: str
    """How its outputs are read: a detector of the ``vigie.detectors`` entry points."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    licence: Annotated[str, Field(min_length=1)]
    """Licence of the weights."""
    source: Annotated[str, Field(min_length=1)]
    """Where the file comes from."""
    classes: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_permitted)]
    """Class names in the order of the model's outputs."""
    input: InputFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedModel:
    """A model file as it was when its checksum was taken: a session is built from ``data``, never from the path."""

    path: Path
    manifest: Manifest
    data: bytes


def known_manifests() -> tuple[Manifest, ...]:
    """The manifests that ship with Vigie, sorted by name."""
    return tuple(sorted(_known_by_sha256().values(), key=lambda manifest: manifest.name))


def open_model(path: Path) -> VerifiedModel:
    """Reads a model file once and returns it with its manifest.

    A manifest beside the file (``<file>.manifest.yaml``) decides; without one the file must be a known one.

    Raises:
        ModelError: unreadable, altered, unknown, of an unknown family, or with classes that are not permitted.
    """
    data = _read(path)
    sha256 = hashlib.sha256(data).hexdigest()
    beside = path.with_name(path.name + MANIFEST_SUFFIX)
    manifest = _beside(path, beside, sha256) if beside.exists() else _known(path, sha256)
    if _EXTERNAL_WEIGHTS in data:
        raise ModelError(
            f"the model {path} keeps weights in another file, which no checksum covers",
            remedy="Export it again with all weights inside the .onnx file.",
        )
    return VerifiedModel(path=path, manifest=manifest, data=data)


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
            remedy="Check the path in analysis.detector and the rights of the file.",
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
        remedy=f"Write {path.name}{MANIFEST_SUFFIX} beside it (docs/models.md), or use a model of 'vigie models list'.",
    )


def _beside(path: Path, beside: Path, sha256: str) -> Manifest:
    try:
        text = beside.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"the manifest {beside} cannot be read: {error}", remedy="Write it as UTF-8 YAML.") from error
    manifest = parse_manifest(text, str(beside))
    if manifest.sha256 != sha256:
        raise ModelError(
            f"the model {path} is not the one its manifest describes: sha256 is {sha256}, manifest says {manifest.sha256}",
            remedy="Copy the file again from its source; change the manifest only if you trust the new file.",
        )
    return manifest


def parse_manifest(text: str, place: str) -> Manifest:
    """Reads the YAML of one manifest; ``place`` names it in errors. Every scalar is text: classes may be called ``no``.

    Raises:
        ModelError: not YAML, a field missing or wrong, an unknown family, or classes that are not permitted.
    """
    try:
        manifest = Manifest.model_validate(yaml.load(text, yaml.BaseLoader))  # noqa: S506 - makes text, lists, dicts only
    except (yaml.YAMLError, RecursionError) as error:
        raise ModelError(f"the manifest {place} is not YAML: {_one_line(error)}", remedy="Mend its syntax.") from error
    except ValidationError as error:
        raise ModelError(
            f"the manifest {place} is refused: {_first_fault(error)}", remedy="See docs/models.md for its fields."
        ) from error
    if manifest.family not in (families := names(Group.DETECTORS)):
        raise ModelError(
            f"the manifest {place} names an unknown family {manifest.family!r}",
            remedy=f"Installed families: {', '.join(families)}.",
        )
    return manifest


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
