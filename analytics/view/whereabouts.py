"""Where the camera looks: at which of the views that are known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from analytics.view.glance import Glance
from analytics.view.hold import Hold
from analytics.view.view import RECOGNISED, View
from core.types import UtcSeconds

_LEFT: Final = 1.0
"""How badly a picture must fit a view not to be one of it any more. On 29 clips and darkened, blurred, shaken and half
covered copies of them the ratio of one view stays above 1.2 (half of it above 3), of a camera panned by 3 % of the picture
it is at most 1.03, of other scenes 1.04."""
_LEFT_S: Final = 1.0
_BACK_S: Final = 0.5
_STRUCTURED: Final = 0.4
"""A picture with structure in fewer of its blocks says nothing of where the camera looks: fog, darkness, a bare wall
before which somebody walks."""
_SETTLED_S: Final = 4.0


def says_where(glance: Glance) -> bool:
    """Whether a picture has enough structure to tell where the camera looks."""
    return glance.structured >= _STRUCTURED


class Whereabouts:
    """Follows the camera from view to view, in capture time.

    Args:
        views: those known; without any the first view that stays for 4 s is taken for the camera's own. Where there is one
            only, the camera is taken to look there until a picture says otherwise: fog or darkness at a start say nothing.
    """

    def __init__(self, views: Sequence[View]) -> None:
        self._views = views or (View(frozenset({None})),)
        self._is_learning = not views
        self.view: View | None = self._views[0] if len(self._views) == 1 else None
        """The view that is watched; None: none that is known."""
        self._last = self.view
        """The view that was watched last."""
        self._is_left = Hold(_LEFT_S, 0.0)
        self._other: View | None = None
        self._other_since: UtcSeconds = 0.0
        self.shift: tuple[float, float] | None = None
        """By which share of width and height the picture has moved, where that is clear."""
        self.is_in_doubt = False
        """Whether the last picture did not show ``view``; whether it is left is not known yet."""

    @property
    def is_known(self) -> bool:
        """Whether there is a view to compare with."""
        return not self._is_learning

    def update(self, glance: Glance) -> None:
        """Takes the next picture; only pictures that show something."""
        if not says_where(glance):
            return
        if self._is_learning:
            self._learn(glance)
            return
        shown = self._shown(glance)
        self.is_in_doubt = self.view is not None and shown is not self.view
        if shown is self.view:
            self._other = None
        if self.view is not None and self._is_left.update(glance.captured_at, self.is_in_doubt):
            self.view, self.is_in_doubt = None, False
            self._is_left = Hold(_LEFT_S, 0.0)
        if shown is not None and shown is not self.view:
            self._arrive(shown, glance.captured_at)

    def interrupt(self) -> None:
        """Nothing was seen for a while."""
        self._is_left.interrupt()
        self._other = None

    def _learn(self, glance: Glance) -> None:
        """Until the view has stayed long enough to be the camera's own."""
        (home,) = self._views
        fit = home.fit(glance)
        if fit is not None and fit.in_place < _LEFT:
            home.forget()
        home.learn(glance)
        self._is_learning = home.learned_s < _SETTLED_S or not home.is_usual_known

    def _shown(self, glance: Glance) -> View | None:
        """The known view that the picture shows; the one watched is given up less easily than another is recognised."""
        if self._last is not None:
            fit = self._last.fit(glance)
            self.shift = None if fit is None else fit.shift
            if fit is not None and fit.in_place >= (_LEFT if self.view is self._last else RECOGNISED):
                return self._last
        others = [(fit.in_place, view) for view in self._views if view is not self._last and (fit := view.fit(glance))]
        best, view = max(others, key=lambda other: other[0], default=(0.0, None))
        return view if best >= RECOGNISED else None

    def _arrive(self, view: View, now: UtcSeconds) -> None:
        if view is not self._other:
            self._other, self._other_since = view, now
        elif now - self._other_since >= _BACK_S:
            self.view = self._last = view
            self.is_in_doubt, self._other = False, None
            self._is_left = Hold(_LEFT_S, 0.0)
