"""What the scene looks like at rest, and what differs from it in a picture."""

from __future__ import annotations

from typing import Final, NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.detect.levelling import level
from analytics.detect.texture import Texture
from core.types import Picture

Mask = NDArray[np.uint8]
"""Height x width, 1 where it applies, else 0."""

_ABSORB_S: Final = 2.5
"""What stands still and is not protected becomes background in this time."""
_ABSORBED_WEIGHT: Final = 0.105
"""-ln(1 - weight) at which a new look of a pixel counts as background in MOG2 (its background ratio is 0.9)."""
_LEARN_EVERY: Final = 2
_REFRESH_EVERY: Final = 4
_SHADOW: Final = 127
_MOVING: Final = 255
_NEW_EDGE: Final = 40
_EDGE_SHARE: Final = 0.4
_SQUARE_3: Final = np.ones((3, 3), np.uint8)
_SQUARE_5: Final = np.ones((5, 5), np.uint8)
_CLOSING: Final = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 5))


class Difference(NamedTuple):
    """Where a picture differs from the background."""

    moving: Mask
    """Solid regions without noise, shadows and holes."""
    edges: NDArray[np.int16]
    """Strength of the picture's edges minus that of the background's: positive on new outlines, negative on lost ones."""


class _Rest(NamedTuple):
    """What is compared of the scene at rest."""

    edges: NDArray[np.int16]
    texture: Texture

    @classmethod
    def of(cls, picture: Picture) -> Self:
        return cls(_edges(picture), Texture.of(picture))


class Background:
    """The background of one camera: Gaussian mixtures (MOG2), kept from learning what is protected.

    Args:
        fps: pictures per second that it will see.
    """

    def __init__(self, fps: float) -> None:
        self._warm_frames = max(4, round(fps))
        self._rate = _ABSORBED_WEIGHT / (_ABSORB_S * fps / _LEARN_EVERY)
        self.restart()

    def restart(self) -> None:
        """Forgets the scene."""
        self._mixture = cv2.createBackgroundSubtractorMOG2(detectShadows=True)
        self._reference = np.empty((0, 0, 3), np.float32)
        self._rest: _Rest | None = None
        self._moving = np.empty((0, 0), np.uint8)
        self._frames = 0

    @property
    def is_warm(self) -> bool:
        """Whether enough was seen to tell what moves."""
        return self._frames >= self._warm_frames

    def warm_up(self, picture: Picture) -> None:
        """Learns a picture whole."""
        if not self._frames:
            self._reference = picture.astype(np.float32)
            self._moving = np.zeros(picture.shape[:2], np.uint8)
        self._frames += 1
        levelled = level(picture, self._reference, self._moving)
        self._mixture.apply(levelled, learningRate=1.0 / self._frames)
        cv2.accumulateWeighted(levelled, self._reference, 1.0 / self._frames)

    def level(self, picture: Picture) -> Picture:
        """The picture in the tones of the background. ``difference`` and ``learn`` take pictures so levelled."""
        return level(picture, self._reference, self._moving)

    def difference(self, levelled: Picture) -> Difference:
        """What moves, before anything is learnt from the picture."""
        if self._rest is None or self._frames % _REFRESH_EVERY == 0:
            self._rest = _Rest.of(np.rint(self._reference).astype(np.uint8))
        edges = _edges(levelled) - self._rest.edges
        found = np.asarray(self._mixture.apply(levelled, learningRate=0.0), np.uint8)
        found[Texture.of(levelled).is_also_in(self._rest.texture)] = 0
        moving = _solid(found, edges)
        self._moving = np.asarray(cv2.dilate(moving, _SQUARE_5), np.uint8)
        return Difference(moving, edges)

    def learn(self, levelled: Picture, protected: Mask) -> None:
        """Takes the picture into the background, save where it is protected."""
        self._frames += 1
        if self._frames % _LEARN_EVERY:
            return
        kept = cv2.dilate(protected, _SQUARE_3)
        self._mixture.apply(levelled, knownForegroundMask=kept, learningRate=self._rate)
        cv2.accumulateWeighted(levelled, self._reference, self._rate, mask=np.where(kept, np.uint8(0), np.uint8(1)))


def _edges(picture: Picture) -> NDArray[np.int16]:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    across = cv2.convertScaleAbs(cv2.Sobel(grey, cv2.CV_16S, 1, 0))
    down = cv2.convertScaleAbs(cv2.Sobel(grey, cv2.CV_16S, 0, 1))
    return cv2.addWeighted(across, 0.5, down, 0.5, 0.0).astype(np.int16)


def _solid(found: NDArray[np.uint8], edges: NDArray[np.int16]) -> Mask:
    """A darker place is an object, not a shadow, where it brings edges of its own."""
    textured = cv2.blur((edges > _NEW_EDGE).astype(np.float32), (5, 5)) > _EDGE_SHARE
    moving = ((found == _MOVING) | ((found == _SHADOW) & textured)).astype(np.uint8)
    closed = cv2.morphologyEx(cv2.medianBlur(moving, 3), cv2.MORPH_CLOSE, _CLOSING)
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return np.asarray(cv2.drawContours(np.zeros_like(closed), outlines, -1, 1, cv2.FILLED), np.uint8)
