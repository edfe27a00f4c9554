"""What the watch of the view takes of a picture: few pixels, and what they say of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Pixels, UtcSeconds

SIZE: Final = (128, 80)
"""Width and height to which every picture is brought, whatever its aspect: places are shares of the picture."""
PATTERN_SIZE: Final = (16, 10)
BLOCKS: Final = (8, 5)
"""Columns and rows of the blocks whose structure is judged each by itself; they divide ``SIZE``."""

_FINE: Final = 640
_SMOOTHING: Final = 0.8
_NOISE: Final = 3.0
"""Change of tone per pixel of ``SIZE`` from which structure counts half: noise and coding stay below."""
_UNIT: Final = 1 / 16
"""Scale at which Scharr's filter gives the change of tone per pixel."""
_BORDER_ROWS: Final = 6
_BORDER_COLUMNS: Final = 4
"""Captions, clocks and black bars stand at the border and stay in place wherever the camera looks."""
_ROW_STEP: Final = 8
_STRONG: Final = 2.5
"""Edges so many times stronger than the mean are looked at for sharpness, about a tenth of the picture …"""
_WEAKEST: Final = 12.0
"""… if they are of so many tones."""
_TINY: Final = 1e-6
_DARKEST, _BRIGHTEST = 0.01, 0.99
TEXTURED: Final = 0.08
"""Mean structure from which a block has any."""

Field = NDArray[np.complex64]
"""Rows x columns of ``SIZE``: the direction of the edge at each place, its angle doubled, so that an edge from dark to
bright is the same as one from bright to dark; the length, 0 to 1, says how sure there is one. Brightness and contrast do
not matter, nor does the switch from colour to infrared where the same edges stay visible."""


@dataclass(frozen=True)
class Glance:
    """A look at one picture. What is costly is worked out when it is asked for."""

    captured_at: UtcSeconds
    fine: NDArray[np.uint8]
    """Every n-th pixel of the luma, at most 640 wide or high: as sharp as the picture."""

    @classmethod
    def of(cls, pixels: Pixels, captured_at: UtcSeconds) -> Self:
        """Looks at a decoded picture."""
        return cls.of_luma(pixels.gray(), captured_at)

    @classmethod
    def of_luma(cls, luma: NDArray[np.uint8], captured_at: UtcSeconds) -> Self:
        """Looks at a luma plane of any size."""
        step = -(-max(luma.shape) // _FINE)
        return cls(captured_at, np.ascontiguousarray(luma[::step, ::step]))

    def is_same_as(self, other: Glance) -> bool:
        """Whether not one tone differs."""
        return np.array_equal(self.fine, other.fine)

    @cached_property
    def coarse(self) -> NDArray[np.uint8]:
        """The picture at ``SIZE``."""
        rows, columns = (side // 2 for side in self.fine.shape)
        half = cv2.resize(self.fine[: 2 * rows, : 2 * columns], (columns, rows), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(half, SIZE, interpolation=cv2.INTER_AREA), np.uint8)  # in two steps: faster

    @cached_property
    def field(self) -> Field:
        """Where edges are and how they run."""
        smooth = cv2.GaussianBlur(self.coarse.astype(np.float32), (0, 0), _SMOOTHING)
        across = cv2.Scharr(smooth, cv2.CV_32F, 1, 0, scale=_UNIT)
        down = cv2.Scharr(smooth, cv2.CV_32F, 0, 1, scale=_UNIT)
        weight = 1.0 / (across * across + down * down + np.float32(_NOISE * _NOISE))
        field = np.empty(smooth.shape, np.complex64)
        field.real = (across * across - down * down) * weight
        field.imag = 2.0 * across * down * weight
        field[:_BORDER_ROWS] = field[-_BORDER_ROWS:] = 0
        field[:, :_BORDER_COLUMNS] = field[:, -_BORDER_COLUMNS:] = 0
        return field

    @cached_property
    def spectrum(self) -> Field:
        """The field's Fourier transform."""
        return transformed(self.field)

    @cached_property
    def texture(self) -> NDArray[np.float32]:
        """How much structure each of ``BLOCKS`` has, 0 to 1."""
        return np.asarray(cv2.resize(np.abs(self.field), BLOCKS, interpolation=cv2.INTER_AREA), np.float32)

    @property
    def structured(self) -> float:
        """Share of the blocks that have structure."""
        return float((self.texture > TEXTURED).mean())

    @cached_property
    def pattern(self) -> NDArray[np.float32]:
        """How light and dark are spread over the picture, whatever its brightness and contrast; stays when focus goes."""
        tones = cv2.resize(self.coarse.astype(np.float32), PATTERN_SIZE, interpolation=cv2.INTER_AREA)
        levelled = tones - tones.mean()
        return np.asarray(levelled / (np.linalg.norm(levelled) + _TINY), np.float32)

    @cached_property
    def sharpness(self) -> float | None:
        """How abruptly tones change at the strongest edges, where noise and rain say little; None without any edge."""
        rows = self.fine[::_ROW_STEP].astype(np.int16)
        contrast = np.abs(rows[:, 4:] - rows[:, :-4])
        is_edge = contrast > max(_STRONG * float(contrast.mean()), _WEAKEST)
        if not is_edge.any():
            return None
        abruptness = np.abs(2 * rows[:, 2:-2] - rows[:, 1:-3] - rows[:, 3:-1])
        return float(abruptness[is_edge].sum() / contrast[is_edge].sum())

    @cached_property
    def tones(self) -> tuple[float, float]:
        """Darkest and brightest tone, the hundredth part of the picture that is darker and brighter left out."""
        shares = np.cumsum(cv2.calcHist([self.coarse], [0], None, [256], [0, 256]).ravel()) / self.coarse.size
        return float(np.searchsorted(shares, _DARKEST)), float(np.searchsorted(shares, _BRIGHTEST))


def transformed(field: Field, *, back: bool = False) -> Field:
    """The Fourier transform, or back from it. OpenCV's is many times faster at this size than NumPy's."""
    flags = cv2.DFT_INVERSE | cv2.DFT_SCALE if back else 0
    parts = np.ascontiguousarray(field).view(np.float32).reshape(*field.shape, 2)
    return np.ascontiguousarray(cv2.dft(parts, flags=flags)).view(np.complex64)[..., 0]
