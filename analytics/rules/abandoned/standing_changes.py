"""Where a scene has changed and stays so: a picture of it at rest that learns slowly, and one of what is new.

Each pixel knows what it looks like at rest, how much that wavers, and, where it differs, what it looks like now and
since when. A place is only judged once it was seen free of people, so the first people in a picture leave no ghosts.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.detect.levelling import level
from analytics.rules.steadying import Steadying
from core.types import Picture

Mask = NDArray[np.bool_]
"""Height x width."""

_KNOWN_S: Final = 0.4
"""A place is known when it looked the same for so long, free of people: the shortest time that tells what stays from
what passes at 8 pictures a second, so that the rule is ready as soon as possible."""
_NEW_S: Final = 0.7
"""What looks the same for so long stands there."""
_REST_S: Final = 30.0
"""The picture at rest follows slow changes of the light in this time."""
_YOUNG_SHARE: Final = 0.25
"""Weight of a picture in one at rest that is itself only some pictures old."""
_NEW_SHARE: Final = 0.2
"""Weight of a picture in what a new thing looks like."""
_NOISE_SHARE: Final = 0.05
_LEAST_STEP: Final = 16.0
"""Difference of tones (of 255, in the colour that differs most) below which compression makes things look different."""
_MOST_STEP: Final = 60.0
_NOISES: Final = 4.0
"""A difference counts from so many times what the place wavers by itself (mean absolute deviation: 3.2 sigma)."""
_REFRESH_EVERY: Final = 8
_ANOTHER_VIEW: Final = 0.5
"""When more of the picture has changed, and for so long, it is another view or another light: begin anew."""
_ANOTHER_VIEW_S: Final = 1.0
_UNSET: Final = np.float32(-1.0)
_BLUR: Final = (3, 3)


class Changes(NamedTuple):
    """One picture, compared. All arrays are height x width (x 3) and valid until the next picture."""

    picture: Picture
    """Steadied, levelled to the tones of the picture at rest."""
    rest: Picture
    """The scene at rest."""
    standing: Mask
    """Where something stands that was not there."""
    since: NDArray[np.float32]
    """Where it stands: since when; seconds as given."""
    rest_at: NDArray[np.float32]
    """When the place was last seen at rest."""
    learnt_at: NDArray[np.float32]
    """Since when the place is known: what it looks like at rest was not seen before."""


class StandingChanges:
    """The model of one camera's scene. Not thread-safe."""

    def __init__(self) -> None:
        self.restarts = 0
        """How often it began anew: all that was known before is void."""
        self._begin(np.zeros((1, 1, 3), np.uint8), 0.0)

    def _begin(self, picture: Picture, at: float) -> None:
        self.restarts += 1
        self._shape = picture.shape
        height, width = picture.shape[:2]
        self._at = at
        self._rest = picture.astype(np.float32)
        self._rest_tones = picture.copy()
        self._new = picture.copy()
        self._noise = np.full((height, width), _LEAST_STEP / _NOISES / 2, np.float32)
        self._step = np.full((height, width), _LEAST_STEP, np.uint8)
        self._seen_s = np.zeros((height, width), np.float32)
        self._since = np.full((height, width), _UNSET, np.float32)
        self._rest_at = np.full((height, width), at, np.float32)
        self._learnt_at = np.full((height, width), at, np.float32)
        self._differs = np.zeros((height, width), np.bool_)
        self._changed_at: float | None = None
        self._pictures = 0
        self._steadying = Steadying()

    def update(self, picture: Picture, at: float, people: Mask) -> Changes:
        """Compares a picture, then learns from it.

        Args:
            picture: height x width x 3.
            at: seconds since the beginning.
            people: where somebody may be: what differs there is not judged.
        """
        smooth = np.asarray(cv2.blur(picture, _BLUR), np.uint8)
        if smooth.shape != self._shape:
            self._begin(smooth, at)
        elapsed = min(max(at - self._at, 0.0), 1.0)
        self._at = at
        steady = self._steadying.steady(smooth)
        levelled = level(steady, self._rest, self._differs.view(np.uint8))
        away = _difference(levelled, self._rest_tones)
        self._differs = np.asarray(away > self._step)
        self._learn(levelled, away, at, elapsed, people)
        if self._is_another_view(people, at):
            self._begin(smooth, at)
        standing = (self._since >= 0.0) & (at - self._since >= _NEW_S - 1e-3)
        return Changes(levelled, self._rest_tones, standing, self._since, self._rest_at, self._learnt_at)

    def absorb(self, where: Mask) -> None:
        """What stands there belongs to the scene from now on."""
        self._rest[where] = self._new[where]
        self._rest_tones[where] = self._new[where]
        self._since[where] = _UNSET

    def _learn(self, picture: Picture, away: NDArray[np.uint8], at: float, elapsed: float, people: Mask) -> None:
        free = ~people
        at_rest = ~self._differs
        known = self._seen_s >= _KNOWN_S
        self._rest_at[at_rest & known] = at
        self._since[at_rest & free] = _UNSET
        self._learn_unknown(picture, at_rest, free & ~known, at, elapsed)
        self._learn_new(picture, self._differs & free & known, at)
        self._learn_rest(picture, away, at_rest & free, elapsed)

    def _learn_unknown(self, picture: Picture, at_rest: Mask, unknown: Mask, at: float, elapsed: float) -> None:
        """A place that looks different before it was known begins anew with its present look."""
        self._seen_s[at_rest & unknown] += elapsed
        other = unknown & ~at_rest
        if other.any():
            self._rest[other] = picture[other]
            self._rest_tones[other] = picture[other]
            self._seen_s[other] = 0.0
            self._learnt_at[other] = at

    def _learn_new(self, picture: Picture, changed: Mask, at: float) -> None:
        same = changed & (self._since >= 0.0) & (_difference(picture, self._new) <= self._step)
        other = changed & ~same
        mixed = cv2.addWeighted(self._new, 1.0 - _NEW_SHARE, picture, _NEW_SHARE, 0.0)
        cv2.copyTo(mixed, same.view(np.uint8), self._new)
        cv2.copyTo(picture, other.view(np.uint8), self._new)
        self._since[other] = at

    def _learn_rest(self, picture: Picture, away: NDArray[np.uint8], where: Mask, elapsed: float) -> None:
        self._pictures += 1
        share = max(elapsed / _REST_S, _YOUNG_SHARE / self._pictures)
        mask = where.view(np.uint8)
        cv2.accumulateWeighted(picture, self._rest, share, mask=mask)
        cv2.accumulateWeighted(away, self._noise, max(_NOISE_SHARE, _YOUNG_SHARE / self._pictures), mask=mask)
        if self._pictures % _REFRESH_EVERY == 0:
            self._rest_tones = np.rint(self._rest).astype(np.uint8)
            self._step = np.clip(self._noise * _NOISES, _LEAST_STEP, _MOST_STEP).astype(np.uint8)

    def _is_another_view(self, people: Mask, at: float) -> bool:
        if float((self._differs & ~people).mean()) < _ANOTHER_VIEW:
            self._changed_at = None
            return False
        if self._changed_at is None:
            self._changed_at = at
        return at - self._changed_at >= _ANOTHER_VIEW_S


def _difference(first: Picture, second: Picture) -> NDArray[np.uint8]:
    """Height x width: in the colour plane that differs most."""
    red, green, blue = cv2.split(cv2.absdiff(first, second))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)
