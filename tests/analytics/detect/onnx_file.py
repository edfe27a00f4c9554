"""Writes the smallest ONNX files (onnx.proto, IR version 8): outputs that are always the same, whatever the picture."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analytics.models.manifest import Manifest, VerifiedModel

FLOAT, INT64 = 1, 7
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
    return _number(1, 8) + _part(7, b"".join(graph)) + _part(8, _text(1, "") + _number(2, 13))


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
