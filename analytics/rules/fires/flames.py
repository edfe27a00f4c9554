"""Finds flames in pictures: small luminous regions of fire colours that flicker as only flames do.

A place glows when it is among the brightest of the scene in red, and red >= green >= blue as in any body that glows by
heat. Where places glow and flicker, the region around them is judged over some seconds, by what follows from physics
and not from a scene: see ``_Body.is_flame``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.rules.fires.flicker import Flicker
from analytics.rules.steadying import Steadying
from core.types import Box, Picture, UtcSeconds

_SEEN_S = 3.0
"""A region is judged by so much time: three cycles of the slowest flicker (1 Hz) of large flames."""
_FULL = 0.75
"""Share of that time that must have been seen: well below all of it, which pictures at a few a second never quite span."""
_JUDGED_EVERY_S = 0.2
"""Every picture is kept, but judged only so often: judgements of neighbouring pictures hardly differ."""
_WHITE_SHARE = 99.5
"""Percentile of the brightest channel that stands for the scene's white."""
_DARKEST_WHITE = 90.0
"""A darker scene shows nothing that glows (grey levels)."""
_WHITE_RATE = 0.1
_GLOWS = 0.75
"""Red of a glowing place, in the scene's white. Sensors saturate in a flame's red first of all."""
_WARMTH = 0.22
"""Least excess of red over blue, in red: below it, white lights of indoor scenes glow too."""
_ROUNDING = 4
"""Grey levels by which compression mixes up the order of the channels."""
_CORE_RED, _CORE_GREEN = 0.93, 0.8
"""What is burnt out to white belongs to a flame if it touches something that glows."""
_CHANGE = 0.06
"""A change from one picture to the next, in the scene's white, that is more than compression's."""
_NOISE_TIMES = 4.0
"""... and more than so many times the picture's own noise."""
_RATE_S = 1.5
"""Time constant of the maps of what glows and what changes."""
_OFTEN_GLOWS, _OFTEN_CHANGES = 0.1, 0.25
"""Shares of the time that make a place part of a region."""
_SMALLEST = 8
"""Pixels of the working size; below, nothing can be measured."""
_MOST = 3
"""Regions judged per picture, the largest first."""
_MARGIN = 2
_GOOD_PART = 0.15
"""Of a region, so much must glow to count as lasting."""
_THIRD = 3
"""Of the pictures, every third one tells whether what glows is one piece; the first and the last third whether it stays."""
_LEAST = 1e-3
_PLACES = 600
"""Pixels of a region that are measured, evenly chosen."""
_SQUARE_3 = np.ones((3, 3), np.uint8)
_SQUARE_5 = np.ones((5, 5), np.uint8)


class _View(NamedTuple):
    """What is kept of one picture."""

    at: UtcSeconds
    picture: Picture
    glows: NDArray[np.uint8]


class Body(NamedTuple):
    """A region that glows and changes, as measured over the last seconds."""

    box: Box
    flicker: Flicker
    lasting: float
    """Share of the pictures in which a good part of it glows."""
    anchored: float
    """Likeness (0..1) of where it glows in the first and in the last third of the time: a fire stays on what it burns."""
    wholeness: float
    """Share of what glows in it that is one piece: flames are one body, glitter and leaves are many."""
    hues: float
    """Spread of green in red: wide in flames (red and orange edges, yellow and white core), narrow in cloth, paint,
    plastic and coloured light."""
    rigid: float
    """Share of its changes that a shift of the whole, or a brightening of the whole, explains: high for what sways,
    shakes, swings or is switched, low for what changes its form."""
    core: float
    """Green of its brightest places, in the scene's white: flames have a yellow or white core."""

    @property
    def is_flame(self) -> bool:
        """Whether only a flame behaves so. Bounds lie between what was measured on flames and on everything else."""
        flicker = self.flicker
        return (
            flicker.reversals >= _REVERSALS
            and flicker.depth >= _DEPTH
            and flicker.common <= _COMMON
            and flicker.repetition <= _REPETITION
            and flicker.likeness <= _LIKENESS
            and self.lasting >= _LASTING
            and self.wholeness >= _WHOLENESS
            and self.anchored >= _ANCHORED
            and self.hues >= _HUES
            and self.core >= _CORE
            and self.rigid <= _RIGID
        )


# Bounds of ``Body.is_flame``. Each lies between two groups, given as: flames (three burning scenes of the shared clips at 8
# pictures a second, and painted ones), then the strongest of what is none (all other clips, painted lights).
_REVERSALS = 1.0  # 1.3 to 2.9, strongly compressed from 1.0; passing people and cars 0.5 to 1.1
_DEPTH = 0.25  # 0.32 to 0.8; noise, mains flicker of lamps 0.1
_COMMON = 0.75  # 0.2 to 0.7; lamps, signs, beacons, faulty tubes 0.8 to 1
_REPETITION = 0.5  # -0.1 to 0.4; beacons, stroboscopes, running lights 0.7 to 1
_LIKENESS = (
    0.88  # 0 to 0.6, strongly compressed up to 0.8; what drifts or dims slowly 0.85 to 1, and fails elsewhere too
)
_LASTING = 0.6  # 0.6 to 1; what glows in passing 0.2 to 0.5
_WHOLENESS = 0.4  # 0.6 to 1; glitter, lit foliage 0.1 to 0.35
_ANCHORED = 0.4  # 0.5 to 0.95, at times 0.2; people with brightly coloured labels drawn over them 0.01 to 0.1
_HUES = 0.18  # 0.19 to 0.4; skin, wood, brick, orange cloth 0.03 to 0.16, coloured reflections on water 0.17
_CORE = 0.6  # 0.7 to 1.1; orange cloth and paint 0.4 to 0.55
_RIGID = 0.64  # 0.15 to 0.6; swaying leaves 0.68 and more, shaken signs and lamps 0.7 to 0.9


class Flames:
    """Watches one camera's pictures for flames. Pictures come in capture order, all of one size."""

    def __init__(self, zone: NDArray[np.uint8]) -> None:
        """``zone``: height x width of the pictures, 1 where it is watched."""
        self._zone = zone
        self._views: deque[_View] = deque()
        self._steadying = Steadying()
        self._white: float | None = None
        self._glow = np.zeros(zone.shape, np.float32)
        self._change = np.zeros(zone.shape, np.float32)
        self._judged_at: UtcSeconds | None = None
        self._judged: list[Body] = []

    def update(self, picture: Picture, at: UtcSeconds) -> list[Body]:
        """The regions that glow and change, judged or not."""
        white = self._learn_white(picture)
        glows = _glowing(picture, white) & self._zone
        if not self._is_any(glows, at):
            return []
        steady = self._steadying.steady(picture)
        if steady is not picture:
            glows = _glowing(steady, white) & self._zone
        self._note(_View(at, steady, glows), white)
        if at - self._views[0].at < _FULL * _SEEN_S:
            return []
        if self._judged_at is None or not 0.0 <= at - self._judged_at < _JUDGED_EVERY_S:
            self._judged_at, self._judged = at, self._bodies(white)
        return self._judged

    def _learn_white(self, picture: Picture) -> float:
        now = float(np.percentile(picture[::3, ::3].max(axis=2), _WHITE_SHARE))
        self._white = now if self._white is None else self._white + _WHITE_RATE * (now - self._white)
        return max(self._white, _DARKEST_WHITE)

    def _is_any(self, glows: NDArray[np.uint8], at: UtcSeconds) -> bool:
        """Whether something glows, or did lately; else all is forgotten, at no cost."""
        while self._views and at - self._views[0].at > _SEEN_S:
            self._views.popleft()
        if cv2.countNonZero(glows) >= _SMALLEST or any(cv2.countNonZero(view.glows) for view in self._views):
            return True
        self._views.clear()
        self._glow[:] = self._change[:] = 0.0
        return False

    def _note(self, view: _View, white: float) -> None:
        """Keeps a picture, and takes it into the maps."""
        if self._views:
            last = self._views[-1]
            share = min(1.0, (view.at - last.at) / _RATE_S)
            changes = np.asarray(cv2.absdiff(view.picture[:, :, 1], last.picture[:, :, 1]), np.uint8)
            least = max(_CHANGE * white, _NOISE_TIMES * _noise(changes))
            changed = cv2.threshold(changes, least, 1.0, cv2.THRESH_BINARY)[1]
            cv2.accumulateWeighted(changed, self._change, share)
            cv2.accumulateWeighted(view.glows, self._glow, share)
        self._views.append(view)

    def _bodies(self, white: float) -> list[Body]:
        active = ((self._glow > _OFTEN_GLOWS) & (self._change > _OFTEN_CHANGES)).astype(np.uint8)
        if cv2.countNonZero(active) < _SMALLEST:
            return []
        active = np.asarray(cv2.morphologyEx(active, cv2.MORPH_CLOSE, _SQUARE_3), np.uint8)
        _, labels, statistics, _ = cv2.connectedComponentsWithStats(active)
        largest = sorted(range(1, len(statistics)), key=lambda label: -statistics[label, cv2.CC_STAT_AREA])[:_MOST]
        found: list[Body] = []
        for label in largest:
            left, top, width, height, area = (int(value) for value in statistics[label])
            if area >= _SMALLEST:
                rows = slice(max(0, top - _MARGIN), top + height + _MARGIN)
                columns = slice(max(0, left - _MARGIN), left + width + _MARGIN)
                body = self._measured(rows, columns, labels[rows, columns] == label, white)
                found += [] if body is None else [body]
        return found

    def _measured(self, rows: slice, columns: slice, region: NDArray[np.bool_], white: float) -> Body | None:
        pictures = np.stack([view.picture[rows, columns] for view in self._views])
        glows = np.stack([view.glows[rows, columns] for view in self._views])
        places = np.flatnonzero(region)
        places = places[:: max(1, len(places) // _PLACES)]
        seen = pictures.reshape(len(pictures), -1, 3)[:, places].astype(np.float32) / white
        glowing = glows.reshape(len(glows), -1)[:, places] > 0
        flicker = Flicker.of(seen[:, :, 1], self._views[-1].at - self._views[0].at)
        if flicker is None or not glowing.any():
            return None
        hues = seen[:, :, 1][glowing] / np.maximum(seen[:, :, 0][glowing], _LEAST)
        high, low = np.percentile(hues, (90, 10))
        lit = glows.sum(axis=(1, 2)) > _GOOD_PART * np.count_nonzero(region)
        return Body(
            box=_box(rows, columns, region.shape, self._zone.shape),
            flicker=flicker,
            lasting=float(lit.mean()),
            anchored=_anchorage(glows),
            wholeness=_wholeness(glows[::_THIRD]),
            hues=float(high - low),
            rigid=_rigidity(pictures[:, :, :, 1].mean(axis=0, dtype=np.float32), seen[:, :, 1], places),
            core=float(np.percentile(seen[:, :, 1], 95)),
        )


def _glowing(picture: Picture, white: float) -> NDArray[np.uint8]:
    """1 where a place has the colour and brightness of fire."""
    red, green, blue = cv2.split(picture)
    ordered = (cv2.subtract(green, red) <= _ROUNDING) & (cv2.subtract(blue, green) <= _ROUNDING)
    warm = (red >= _GLOWS * white) & ordered & (cv2.subtract(red, blue) > _WARMTH * red)
    if not warm.any():
        return np.zeros(picture.shape[:2], np.uint8)
    core = (red >= _CORE_RED * white) & (green >= _CORE_GREEN * white) & (cv2.subtract(blue, red) <= _ROUNDING)
    near = cv2.dilate(warm.astype(np.uint8), _SQUARE_5) > 0
    return np.asarray(warm | (core & near)).astype(np.uint8)


def _noise(changes: NDArray[np.uint8]) -> float:
    """What a still place changes by: the median change of the picture, at least where most of it is still."""
    return float(np.median(changes[::4, ::4])) * 1.5


def _rigidity(mean: NDArray[np.float32], light: NDArray[np.float32], places: NDArray[np.intp]) -> float:
    """See ``Body.rigid``. A shift is followed up to its second order; what so many patterns explain by chance is taken off.

    Args:
        mean: mean picture, height x width.
        light: pictures x places.
        places: which pixels of the mean picture these are.
    """
    down, across = np.gradient(mean)
    bends = (*np.gradient(down), np.gradient(across)[1])
    patterns = np.stack([form.ravel()[places] for form in (np.ones_like(mean), mean, down, across, *bends)])
    patterns /= np.linalg.norm(patterns, axis=1, keepdims=True) + _LEAST
    changes = light - light.mean(axis=0)
    shares = changes @ patterns.T
    fitted = np.linalg.lstsq(patterns @ patterns.T + _LEAST * np.eye(len(patterns)), shares.T, rcond=None)[0]
    explained = float((shares.T * fitted).sum()) / max(float((changes**2).sum()), _LEAST)
    chance = min(0.9, len(patterns) / len(places))
    return (explained - chance) / (1.0 - chance)


def _anchorage(glows: NDArray[np.uint8]) -> float:
    """See ``Body.anchored``: cosine of the two mean pictures of what glows."""
    third = len(glows) // _THIRD
    begin, end = glows[:third].mean(axis=0), glows[-third:].mean(axis=0)
    return float((begin * end).sum()) / max(float(np.sqrt((begin**2).sum() * (end**2).sum())), _LEAST)


def _wholeness(glows: NDArray[np.uint8]) -> float:
    """Median over the pictures of the share that the largest piece has of all that glows."""
    shares: list[float] = []
    for glow in glows:
        total = cv2.countNonZero(glow)
        if total:
            pieces = cv2.connectedComponentsWithStats(glow)[2][1:, cv2.CC_STAT_AREA]
            shares.append(float(pieces.max()) / total)
    return float(np.median(shares)) if shares else 0.0


def _box(rows: slice, columns: slice, size: Sequence[int], whole: Sequence[int]) -> Box:
    return Box(
        left=columns.start / whole[1],
        top=rows.start / whole[0],
        right=(columns.start + size[1]) / whole[1],
        bottom=(rows.start + size[0]) / whole[0],
    )
