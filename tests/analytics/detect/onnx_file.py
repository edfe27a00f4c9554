"""Writes the smallest ONNX files (onnx.proto, IR version 8): outputs that are always the same, or the grey of each cell."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from analytics.models.manifest import MANIFEST_SUFFIX, DensityManifest, Manifest, VerifiedDensityModel, VerifiedModel

FLOAT, INT64 = 1, 7
_INTS = 7
"""``AttributeProto.AttributeType`` of a list of whole numbers."""
CLASSES = ("person", "car", "truck")


def constant_model(
    outputs: Sequence[NDArray[np.float32]],
    *,
    shape: Sequence[int | str],
    element: int = FLOAT,
    inputs: Sequence[str] = ("image",),
) -> bytes:
    """A model whose outputs do not depend on its input of that shape; a name stands for a dynamic axis."""
    graph = [_text(2, "constant")]
    for number, output in enumerate(outputs):
        graph += [
            _part(1, _text(1, f"value{number}") + _text(2, f"output{number}") + _text(4, "Identity")),
            _part(5, _tensor(f"value{number}", output)),
            _part(12, _value(f"output{number}", FLOAT, output.shape)),
        ]
    graph += [_part(11, _value(name, element, shape)) for name in inputs]
    return _file(graph)


def density_model(
    people: float = 1.0, *, stride: int = 4, shape: Sequence[int | str] = (1, 1, "height", "width")
) -> bytes:
    """A density map model for which a white cell holds so many people, a black one nobody."""
    pooling = _ints("kernel_shape", stride, stride) + _ints("strides", stride, stride)
    graph = [
        _text(2, "density"),
        _part(1, _text(1, "image") + _text(2, "cells") + _text(4, "AveragePool") + pooling),
        _part(1, _text(1, "cells") + _text(1, "scale") + _text(2, "density") + _text(4, "Mul")),
        _part(5, _tensor("scale", np.full((1,), people / 255, np.float32))),
        _part(11, _value("image", FLOAT, shape)),
        _part(12, _value("density", FLOAT, (1, 1, "rows", "columns"))),
    ]
    return _file(graph)


def density_document(data: bytes, *, stride: int = 4, multiple: int = 4) -> dict[str, object]:
    """The fields of the manifest of such a model."""
    return {
        "name": "crowd",
        "family": "density",
        "sha256": hashlib.sha256(data).hexdigest(),
        "licence": "MIT",
        "source": "made by a test",
        "stride": stride,
        "input": {"colour": "grey", "multiple": multiple},
    }


def verified_density(data: bytes, *, stride: int = 4, multiple: int = 4) -> VerifiedDensityModel:
    """As ``open_density_model`` would return it."""
    manifest = DensityManifest.model_validate(density_document(data, stride=stride, multiple=multiple))
    return VerifiedDensityModel(path=Path("crowd.onnx"), manifest=manifest, data=data)


def density_file(folder: Path, people: float = 1.0) -> Path:
    """Such a model with its manifest beside it."""
    data = density_model(people)
    path = folder / "crowd.onnx"
    path.write_bytes(data)
    text = yaml.safe_dump(density_document(data))
    path.with_name(path.name + MANIFEST_SUFFIX).write_text(text, encoding="utf-8")
    return path


def verified(
    data: bytes, family: str, size: tuple[int, int], *, layout: str = "nchw", fit: str = "stretch"
) -> VerifiedModel:
    """As ``open_model`` would return it; ``size`` is width, height of the input."""
    return VerifiedModel(
        path=Path("m.onnx"),
        manifest=Manifest.model_validate(document(data, family, size, layout=layout, fit=fit)),
        data=data,
    )


def document(data: bytes, family: str, size: tuple[int, int], **input_: str) -> dict[str, object]:
    """The fields of the manifest of such a model."""
    return {
        "name": "m",
        "family": family,
        "sha256": hashlib.sha256(data).hexdigest(),
        "licence": "MIT",
        "source": "made by a test",
        "classes": list(CLASSES),
        "input": {"width": size[0], "height": size[1], "colour": "rgb", "fit": "stretch"} | input_,
    }


def _file(graph: Sequence[bytes]) -> bytes:
    return _number(1, 8) + _part(7, b"".join(graph)) + _part(8, _text(1, "") + _number(2, 13))


def _ints(name: str, *values: int) -> bytes:
    return _part(5, _text(1, name) + b"".join(_number(8, value) for value in values) + _number(20, _INTS))


def _tensor(name: str, values: NDArray[np.float32]) -> bytes:
    dimensions = b"".join(_number(1, size) for size in values.shape)
    return dimensions + _number(2, FLOAT) + _text(8, name) + _part(9, values.astype("<f4").tobytes())


def _value(name: str, element: int, shape: Sequence[int | str]) -> bytes:
    axes = (_text(2, size) if isinstance(size, str) else _number(1, size) for size in shape)
    dimensions = b"".join(_part(1, axis) for axis in axes)
    return _text(1, name) + _part(2, _part(1, _number(1, element) + _part(2, dimensions)))


def _text(field: int, value: str) -> bytes:
    return _part(field, value.encode())


def _part(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])
