"""Finds what moves against a resting background: needs no model, runs anywhere, sees only what has moved.

Good for fixed cameras with few objects. Not for dense crowds, foliage in wind or moving cameras: use a model there.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import ClassVar, Final, Self

import cv2
import numpy as np

from analytics.detect.background import Background
from analytics.detect.blobs import Shape, find_shapes
from analytics.detect.figure import is_walker, label_sized, label_unsized, score
from analytics.detect.ground_scale import GroundScale, Pairs
from analytics.detect.labels import CAR, OBJECT, PERSON
from analytics.detect.movers import Mover, Movers
from analytics.detect.people import Part, Person, separate
from config.model import AnalysisSettings
from core.contracts import Detector
from core.types import Box, Detection, Picture

_PIXELS: Final = 80_000
"""Pictures are analysed at about so many pixels."""
_CHANGED: Final = 0.5
"""With more of the picture different the light changed, not the scene."""
_CHANGED_S: Final = 1.0
_PATIENCE_S: Final = 120.0
"""What came, then stood still so long, becomes part of the scene."""
_MEMORY_S: Final = 1.0
_LEAST_AGE: Final = 2
_COMPACT_SHARE: Final = 0.5
_UNTRAVELLED: Final = 0.4
"""Score factor of what has not gone anywhere yet: it starts no track with the usual ``min_confidence``."""


class MotionDetector(Detector):
    """Background subtraction for one camera; remembers the scene, so each camera has its own and frames come in order.

    Args:
        fps: pictures per second that it will see; sets how fast it learns.
        ground_scale: two pairs (y, height of a person there), normalised; learnt from what walks by when absent.
    """

    is_shared: ClassVar[bool] = False

    def __init__(self, *, fps: float, ground_scale: Pairs | None = None) -> None:
        self._background = Background(fps)
        self._movers = Movers(patience=round(_PATIENCE_S * fps), memory=round(_MEMORY_S * fps))
        self._scale = GroundScale(ground_scale)
        self._shape: tuple[int, ...] = ()
        self._changed = 0
        self._most_changed = max(2, round(_CHANGED_S * fps))

    @classmethod
    def create(cls, settings: AnalysisSettings) -> Self:
        """A detector that knows nothing yet of its camera."""
        return cls(fps=settings.fps, ground_scale=settings.ground_scale)

    @property
    def labels(self) -> frozenset[str]:
        return frozenset({PERSON, CAR, OBJECT})

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height that a picture of this size is scaled to: giving it so scaled saves work."""
        scale = min(1.0, sqrt(_PIXELS / (width * height)))
        return max(1, round(width * scale)), max(1, round(height * scale))

    def detect(self, pictures: Sequence[Picture]) -> list[list[Detection]]:
        return [self._detect_one(picture) for picture in pictures]

    def _detect_one(self, picture: Picture) -> list[Detection]:
        size = self.picture_size(picture.shape[1], picture.shape[0])
        small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        if small.shape != self._shape:
            self._shape = small.shape
            self._background.restart()
        if not self._background.is_warm:
            self._background.warm_up(small)
            return []
        return self._analyse(self._background.level(small))

    def _analyse(self, levelled: Picture) -> list[Detection]:
        difference = self._background.difference(levelled)
        if difference.moving.mean() > _CHANGED:
            return self._wait_for_light()
        self._changed = 0
        shapes = find_shapes(difference, self._person().expected)
        movers = self._movers.follow([shape.blob for shape in shapes])
        protected = np.zeros_like(difference.moving)
        found: list[Detection] = []
        for shape, mover in zip(shapes, movers, strict=True):
            if mover.has_travelled and _is_compact(shape, difference.moving.size):
                protected[shape.blob.slices] |= shape.mask
            if mover.age >= _LEAST_AGE:
                found += self._detections(shape, mover)
        self._background.learn(levelled, protected)
        return found

    def _wait_for_light(self) -> list[Detection]:
        """Nothing is learnt from a flash; a change that stays makes a new background."""
        self._changed += 1
        if self._changed >= self._most_changed:
            self._changed = 0
            self._background.restart()
        return []

    def _person(self) -> Person:
        rows = self._shape[0]

        def expected(foot: int) -> float | None:
            height = self._scale.height_at(foot / rows)
            return None if height is None else height * rows

        def foot_below(top: int) -> float | None:
            foot = self._scale.foot_below(top / rows)
            return None if foot is None else foot * rows

        return Person(expected, foot_below)

    def _detections(self, shape: Shape, mover: Mover) -> list[Detection]:
        blob, rows = shape.blob, self._shape[0]
        whole = Part(blob.left, blob.top, blob.right, blob.bottom)
        fill = blob.area / (blob.width * blob.height)
        is_cut = self._is_cut(whole)
        if mover.has_travelled and not is_cut and is_walker(blob.width / blob.height, fill):
            self._scale.learn(blob.bottom / rows, blob.height / rows)
        parts = [whole] if is_cut else separate(shape, self._person())
        sureness = 1.0 if mover.has_travelled else _UNTRAVELLED
        return [self._detection(part, fill, shape.edges, sureness) for part in parts]

    def _is_cut(self, part: Part) -> bool:
        """Whether the picture's border cuts it: its size then says little."""
        rows, columns = self._shape[:2]
        return part.left <= 1 or part.top <= 1 or part.right >= columns - 1 or part.bottom >= rows - 1

    def _detection(self, part: Part, fill: float, edges: float, sureness: float) -> Detection:
        rows, columns = self._shape[:2]
        width, height = part.right - part.left, part.bottom - part.top
        is_cut = self._is_cut(part)
        person = None if is_cut else self._person().expected(part.bottom)
        if person is None:
            label = label_unsized(width / height, height / rows, fill, is_cut=is_cut)
        else:
            label = label_sized(width / person, height / person)
        return Detection(
            label=label,
            score=score(label, width / height, edges) * sureness,
            box=Box(
                left=part.left / columns, top=part.top / rows, right=part.right / columns, bottom=part.bottom / rows
            ),
        )


def _is_compact(shape: Shape, pixels: int) -> bool:
    """Whether it may be one thing; what sprawls over the scene is foliage or light, and is to be learnt."""
    return shape.blob.width * shape.blob.height <= _COMPACT_SHARE * pixels
