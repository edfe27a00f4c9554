"""A model that says how many people there are at each place of a picture, without telling one from the other."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from analytics.detect.network import Floats, Network, mismatch
from analytics.detect.providers import CPU
from analytics.models.manifest import VerifiedDensityModel
from core.types import Pixels

_LONGEST: Final = 640
"""Pixels of the longer side that a picture is scaled down to. Twice as many cost four times as much, and MCNN then told up to
60 % more of the two reference crowds; with half of them it lost two thirds of one."""
_TRIAL_CELLS: Final = (6, 10)
"""Rows and columns of the map that is asked for when a model is opened."""


class DensityModel:
    """A density map model: a grey picture in, people in each cell out. May be used from several threads."""

    def __init__(self, model: VerifiedDensityModel, *, provider: str = CPU) -> None:
        """Opens a verified model and runs it once, so that a wrong model fails here and not on the first frame.

        ``provider``: what should run it, as ``analysis.provider`` says.

        Raises:
            ModelError: onnxruntime refuses the file, or its input and output are not what the manifest says.
        """
        self.manifest = model.manifest
        """What is known of the model."""
        self._path = model.path
        rows, columns = (cells * model.manifest.input.multiple for cells in _TRIAL_CELLS)
        trial = np.zeros((rows, columns), np.float32)
        self._network = Network(model, (1, 1, "height", "width"), trial[None, None], provider)
        self.provider = self._network.provider
        """What runs it: ``cpu`` or an accelerator."""
        self.fallback = self._network.fallback
        """Why that is not what was wanted; None where it is."""
        self._map_of(trial)

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height that a picture of this size is scaled to: never up, but to whole multiples."""
        scale = min(1.0, _LONGEST / max(width, height))
        multiple = self.manifest.input.multiple
        across, down = (max(1, round(side * scale / multiple)) * multiple for side in (width, height))
        return across, down

    def map_of(self, pixels: Pixels) -> Floats:
        """How many people are in each cell of the picture: rows x columns, from 0.

        Raises:
            ModelError: the model fails.
        """
        picture = pixels.rgb(*self.picture_size(pixels.width, pixels.height))
        # Not the luma plane, whose greys end at 16 and 235: such models learnt from 0 to 255.
        return self._map_of(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32))

    def _map_of(self, grey: Floats) -> Floats:
        rows, columns = (side // self.manifest.stride for side in grey.shape)
        outputs = self._network.run(grey[None, None])
        if len(outputs) != 1 or outputs[0].shape != (1, 1, rows, columns):
            shapes = [output.shape for output in outputs]
            raise mismatch(self._path, f"its output is {shapes}, the manifest says one of {(1, 1, rows, columns)}")
        if not np.isfinite(outputs[0]).all():
            raise mismatch(self._path, "it gives figures that are no numbers")
        people: Floats = np.maximum(outputs[0][0, 0], np.float32(0))
        return people
