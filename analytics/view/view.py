"""One view of a camera, and how its pictures look as a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.view.glance import TEXTURED, Glance
from analytics.view.reference import Fit, Reference
from core.types import UtcSeconds

_MEMORY_S: Final = 300.0
"""How fast a view's looks are followed, as the sun and the lights change them."""
RECOGNISED: Final = 1.25
"""How well a picture must fit a view in its place (``Fit``) to be one of it."""
_LOST: Final = 0.3
_LEARNED: Final = 8
"""Looks from which it is known how a view usually looks."""


class View:
    """What is known of one view: stills that were given of it, and what was seen of it since the start.

    Args:
        presets: whose rules are watched in this view; None stands for rules that name no preset.
        stills: pictures of it, under different light.
    """

    def __init__(self, presets: frozenset[str | None], stills: Sequence[Glance] = ()) -> None:
        self.presets = presets
        self._stills = [Reference(still) for still in stills]
        self.forget()

    def forget(self) -> None:
        """Forgets what was seen of it; the stills stay."""
        self._seen: Reference | None = None
        self._texture = self._pattern = np.zeros((), np.float32)
        self._sharpness: float | None = None
        self._looks = 0
        self._began_at: UtcSeconds = 0.0
        self._learned_at: UtcSeconds = 0.0

    @property
    def is_usual_known(self) -> bool:
        """Whether enough was seen to tell what is unusual."""
        return self._looks >= _LEARNED

    @property
    def learned_s(self) -> float:
        """For how long it has been learned, without a break."""
        return self._learned_at - self._began_at

    def fit(self, glance: Glance) -> Fit | None:
        """How well a picture fits this view, under the light that suits best; None while nothing is known of it."""
        best: Fit | None = None
        for reference in [*([self._seen] if self._seen else []), *self._stills]:
            fit = reference.fit(glance)
            if best is None or fit.in_place > best.in_place:
                best = fit
            if best.in_place >= RECOGNISED:
                break  # the others cost as much, and would change nothing
        return best

    def learn(self, glance: Glance) -> None:
        """Takes a picture of this view."""
        now = glance.captured_at
        if self._seen is None:
            self._seen, self._began_at, self._learned_at = Reference(glance), now, now
        self._looks += 1
        share = min(1.0, max(1.0 / self._looks, (now - self._learned_at) / _MEMORY_S))
        self._learned_at = now
        self._seen.learn(glance, share)
        self._texture = self._texture + share * (glance.texture - self._texture)
        self._pattern = self._pattern + share * (glance.pattern - self._pattern)
        if glance.sharpness is not None:
            usual = glance.sharpness if self._sharpness is None else self._sharpness
            self._sharpness = usual + share * (glance.sharpness - usual)

    def lost(self, glance: Glance) -> float:
        """Share of the blocks with structure that have hardly any left."""
        is_textured: NDArray[np.bool_] = self._texture > TEXTURED
        if not is_textured.any():
            return 0.0
        return float((glance.texture < _LOST * self._texture)[is_textured].mean())

    def likeness(self, glance: Glance) -> float:
        """How alike light and dark are spread, -1 to 1."""
        return float(
            np.sum(self._pattern * glance.pattern) / (np.linalg.norm(self._pattern) + np.finfo(np.float32).eps)
        )

    def sharpness(self, glance: Glance) -> float:
        """Share of the usual sharpness that is left; 1 where nobody can tell."""
        return glance.sharpness / self._sharpness if glance.sharpness and self._sharpness else 1.0
