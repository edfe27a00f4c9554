"""What every ONNX detector shares: session, pre-processing, non-maximum suppression."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.detect.labels import group_of
from analytics.detect.network import Floats, Network, mismatch
from analytics.detect.providers import CPU
from analytics.models.manifest import ColourOrder, Fit, InputFormat, Layout, VerifiedModel, open_model
from config.model import AnalysisSettings
from core.contracts import Detector
from core.errors import ModelError
from core.types import Box, Detection, Picture

LOW_SCORE = 0.1
"""Detections down to this score keep a track alive (second stage of ByteTrack), though they start none."""
_MOST_CANDIDATES = 300
_OVERLAP = 0.6
"""Boxes of one group that overlap more (IoU) are one object: the usual value of the three families' own demos."""
_UNSCALED = (1.0, 1.0, 1.0)


class Candidates(NamedTuple):
    """What a family's decoder reads from the outputs, before non-maximum suppression."""

    boxes: Floats
    """N x 4: left, top, right, bottom in pixels of the model's input."""
    scores: Floats
    """N, 0..1."""
    classes: NDArray[np.intp]
    """N, index into the manifest's classes."""


class OnnxDetector(Detector):
    """A detector model; a family is a subclass that says how its outputs are read.

    May be used from several threads: inference itself is one at a time, in the order in which they came.
    """

    is_shared: ClassVar[bool] = True
    family: ClassVar[str]
    """Name of the class among the ``vigie.detectors`` entry points, and in manifests."""

    def __init__(self, model: VerifiedModel, *, min_score: float = LOW_SCORE, provider: str = CPU) -> None:
        """Opens a verified model and runs it once, so that a wrong model fails here and not on the first frame.

        ``provider``: what should run it, as ``analysis.provider`` says.

        Raises:
            ModelError: onnxruntime refuses the file, or its inputs and outputs are not what the manifest says.
        """
        self.manifest = model.manifest
        """What is known of the model."""
        self._path = model.path
        self._classes = model.manifest.classes
        self._groups = np.array(_group_numbers(self._classes))
        self._format = model.manifest.input
        self._min_score = min_score
        if model.manifest.family != self.family:
            raise mismatch(model.path, f"it is a {model.manifest.family} model, opened as {self.family}")
        self._network = Network(model, self._shape(), np.zeros(self._shape(), np.float32), provider)
        self.provider = self._network.provider
        """What runs it: ``cpu`` or an accelerator."""
        self.fallback = self._network.fallback
        """Why that is not what was wanted; None where it is."""
        self.prepare(self._format)
        self.detect([np.zeros((self._format.height, self._format.width, 3), np.uint8)])

    @classmethod
    def create(cls, settings: AnalysisSettings) -> Self:
        """Opens the model that the settings name."""
        return cls.from_model(open_model(Path(settings.detector)), settings)

    @classmethod
    def from_model(cls, model: VerifiedModel, settings: AnalysisSettings) -> Self:
        """Opens a model that is already verified."""
        return cls(model, min_score=min(LOW_SCORE, settings.min_confidence), provider=settings.provider)

    @abstractmethod
    def prepare(self, format_: InputFormat) -> None:
        """Computes once what decoding needs of the input size."""

    @abstractmethod
    def decode(self, outputs: Sequence[Floats], min_score: float) -> Candidates:
        """Reads the outputs of one picture. Raises ``ModelError`` through ``mismatch`` on foreign shapes."""

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(self._classes)

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height that a picture of this size is scaled to: giving it so scaled saves work."""
        if self._format.fit is Fit.STRETCH:
            return self._format.width, self._format.height
        scale = min(self._format.width / width, self._format.height / height)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def detect(self, pictures: Sequence[Picture]) -> list[list[Detection]]:
        return [self._detect_one(picture) for picture in pictures]

    def mismatch(self, detail: str) -> ModelError:
        """The error of a model whose shapes are not those of its family."""
        return mismatch(self._path, detail)

    def _shape(self) -> tuple[int, ...]:
        """Of the input, a batch of one."""
        size = (self._format.height, self._format.width)
        return (1, 3, *size) if self._format.layout is Layout.NCHW else (1, *size, 3)

    def _detect_one(self, picture: Picture) -> list[Detection]:
        size = self.picture_size(picture.shape[1], picture.shape[0])
        outputs = self._network.run(_to_tensor(picture, size, self._format))
        found = self.decode(outputs, self._min_score)
        boxes: Floats = np.clip(found.boxes / np.array([*size, *size], np.float32), np.float32(0), np.float32(1))
        usable = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        boxes, scores, classes = boxes[usable], found.scores[usable], found.classes[usable]
        return [
            Detection(label=self._classes[classes[index]], score=float(scores[index]), box=_box(boxes[index]))
            for index in _suppress(boxes, scores, self._groups[classes], self._min_score)
        ]


def _group_numbers(classes: Sequence[str]) -> list[int]:
    groups = [group_of(label) for label in classes]
    return [groups.index(group) for group in groups]


def _to_tensor(picture: Picture, size: tuple[int, int], format_: InputFormat) -> Floats:
    """Batch of one, in the model's layout, colour order and normalisation."""
    scaled = picture if (picture.shape[1], picture.shape[0]) == size else cv2.resize(picture, size)
    planes = np.full((3, format_.height, format_.width), format_.pad, np.float32)
    colours = cv2.split(scaled)
    for plane, colour in zip(planes, colours[::-1] if format_.colour is ColourOrder.BGR else colours, strict=True):
        plane[: size[1], : size[0]] = colour
    if any(format_.mean):
        planes -= np.array(format_.mean, np.float32)[:, None, None]
    if format_.std != _UNSCALED:
        planes /= np.array(format_.std, np.float32)[:, None, None]
    return (planes if format_.layout is Layout.NCHW else np.ascontiguousarray(planes.transpose(1, 2, 0)))[None]


def _suppress(boxes: Floats, scores: Floats, groups: NDArray[np.intp], min_score: float) -> list[int]:
    """Indices of the boxes to keep, best first: the best of each heap of overlapping boxes of one group."""
    if not len(boxes):
        return []
    corners_and_sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxesBatched(
        corners_and_sizes.tolist(), scores.tolist(), groups.tolist(), min_score, _OVERLAP, top_k=_MOST_CANDIDATES
    )
    return sorted((int(index) for index in kept), key=lambda index: -scores[index])


def _box(corners: Floats) -> Box:
    left, top, right, bottom = (float(value) for value in corners)
    return Box(left=left, top=top, right=right, bottom=bottom)
