"""An open ONNX model with one input, whatever its outputs mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from analytics.detect.providers import SESSION_ERRORS, Session, first_line, open_session
from analytics.detect.turns import Turns
from analytics.models.manifest import VerifiedDensityModel, VerifiedModel
from core.errors import ModelError

Floats: TypeAlias = NDArray[np.float32]

_OTHER_MANIFEST: Final = "Correct its manifest (docs/models.md)."
_FREE_SIZE: Final = "Export it again with a height and width that are free (docs/models.md)."


class Network:
    """Runs a model from any thread: one inference at a time, in the order in which they were asked for.

    Each model has turns of its own: while one works, nobody waits for another.
    """

    def __init__(
        self, model: VerifiedModel | VerifiedDensityModel, shape: Sequence[int | str], probe: Floats, provider: str
    ) -> None:
        """Opens a verified model. ``shape``: of its input, a name where any size will do; ``probe``: an input of it.

        Raises:
            ModelError: onnxruntime refuses the file, or its input is not of that shape.
        """
        self._path = model.path
        self._turns = Turns()
        opened = _opened(model, probe, provider)
        self._session = opened.session
        self.provider = opened.provider
        """What runs it: ``cpu`` or an accelerator."""
        self.fallback = opened.fallback
        """Why that is not what was wanted; None where it is."""
        self._input_name = self._checked_input(shape)

    def run(self, tensor: Floats) -> list[Floats]:
        """Its outputs. Raises ``ModelError`` where it cannot be run."""
        try:
            with self._turns:
                outputs: list[Floats] = self._session.run(None, {self._input_name: tensor})
        except SESSION_ERRORS as error:
            raise ModelError(
                f"the model {self._path} cannot be run: {first_line(error)}",
                remedy="Use another model, and report this one.",
            ) from error
        return outputs

    def _checked_input(self, shape: Sequence[int | str]) -> str:
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or not _fits(inputs[0].shape, shape):
            found = ", ".join(f"{entry.type} {entry.shape}" for entry in inputs)
            is_free = any(isinstance(side, str) for side in shape)
            detail = f"its input is {found}, the manifest says float {list(shape)}"
            raise mismatch(self._path, detail, _FREE_SIZE if is_free else _OTHER_MANIFEST)
        return str(inputs[0].name)


def mismatch(path: Path, detail: str, remedy: str = _OTHER_MANIFEST) -> ModelError:
    """The error of a model that is not what its manifest says."""
    return ModelError(f"the model {path} does not fit its manifest: {detail}", remedy=remedy)


def _opened(model: VerifiedModel | VerifiedDensityModel, probe: Floats, provider: str) -> Session:
    try:
        return open_session(model.data, model.path, probe, provider)
    except SESSION_ERRORS as error:
        raise ModelError(
            f"the model {model.path} is not an ONNX model that can be run: {first_line(error)}",
            remedy="Copy the file again from its source, or export it for the installed onnxruntime.",
        ) from error


def _fits(declared: Sequence[object], wanted: Sequence[int | str]) -> bool:
    """Whether a declared shape, in which dynamic axes are names, takes the wanted one."""
    return len(declared) == len(wanted) and all(
        not isinstance(have, int) or have == want for have, want in zip(declared, wanted, strict=True)
    )
