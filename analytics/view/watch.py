"""Watches what a camera itself shows: whether its picture shows anything, and whether it looks where rules were drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from analytics.view.glance import Glance
from analytics.view.hold import Hold
from analytics.view.sameness import Sameness
from analytics.view.view import View
from analytics.view.whereabouts import Whereabouts, says_where
from core.contracts import AnalysisSink
from core.types import CameraFault, Pixels, UtcSeconds

_EVERY_S: Final = 0.5
_EARLY_S: Final = 0.05
_GAP_S: Final = 3.0
"""Between two pictures so far apart anything may have happened."""
_KEEP_EVERY_S: Final = 600.0

_EVEN: Final = 6.0
_DARK: Final = 40.0
_COVERED: Final = 0.6
_UNLIKE: Final = 0.75
"""Lights that go out take structure too, but what is left is alike; a hand in front of the lens is not."""
_BLURRED: Final = 0.4
"""On 29 clips sharpness stays above 0.85 of the usual, in the dark and in rain above 0.67; back from noisy darkness it
falls to 0.43. A blur of 6 pixels in 1920 leaves 0.15 to 0.42 of it, one of 10 pixels less than 0.25."""
_ALIKE: Final = 0.8

_HOLDS_S: Final = {
    CameraFault.FROZEN: (0.0, 0.0),
    CameraFault.BLACK: (3.0, 1.0),
    CameraFault.COVERED: (5.0, 2.0),
    CameraFault.DEFOCUSED: (10.0, 3.0),
    CameraFault.VIEW_CHANGED: (4.0, 0.0),
}
"""For how long each must be seen before it is said, and not be seen before it is over; ``Sameness`` itself waits."""
_ON_THE_WAY_S: Final = 60.0
"""A camera with presets shows none of them while it turns, or where somebody steers it: said only when that lasts."""

_HIDING: Final = (CameraFault.BLACK, CameraFault.COVERED)
_CAUSES: Final = {
    CameraFault.FROZEN: "pictures come, but not one pixel changes: restart the camera or its encoder",
    CameraFault.COVERED: "something hides most of the view: look at what is in front of the camera",
    CameraFault.DEFOCUSED: "the picture lost its detail: clean the camera's window and focus it",
}


class Facing(NamedTuple):
    """Which rules may watch: those of the presets that are shown; None stands for rules that name no preset."""

    presets: frozenset[str | None]
    is_sure: bool = True
    """False: nobody knows yet; rules that may not watch wait, and forget nothing."""


HOME: Final = Facing(frozenset({None}))
NOWHERE: Final = Facing(frozenset())
_UNSURE: Final = Facing(frozenset(), is_sure=False)


class Change(NamedTuple):
    """A fault that began, or with no cause one that is over."""

    fault: CameraFault
    cause: str | None


class SceneWatch:
    """Looks at two pictures a second, in capture time; pure but for ``keep``.

    Args:
        views: what is known of where the camera should look; learned from its first pictures when empty.
        keep: called with a picture of the camera's own view once it is known, and every ten minutes of it; never with one
            that does not tell where the camera looks.
        advice: what a person may do where the view is not known; ends the cause of ``VIEW_CHANGED``.
        subject: what is watched, for those who ask whether it is still the same.
    """

    def __init__(
        self, views: Sequence[View], *, advice: str, subject: str = "", keep: Callable[[Pixels], None] | None = None
    ) -> None:
        self.subject = subject
        self._where = Whereabouts(views)
        self._advice = advice
        self._keep = keep
        self._kept_at: UtcSeconds | None = None
        self._holds = {fault: Hold(*held_s) for fault, held_s in _HOLDS_S.items()}
        if any(view.presets != {None} for view in views):
            self._holds[CameraFault.VIEW_CHANGED] = Hold(_ON_THE_WAY_S, 0.0)
        self._last: Glance | None = None
        self._sameness = Sameness()
        self._seen: frozenset[CameraFault] = frozenset()

    @property
    def facing(self) -> Facing:
        """Which rules may watch the last picture."""
        view = self._where.view
        if view is None or any(self._holds[fault].is_held for fault in (CameraFault.FROZEN, *_HIDING)):
            return NOWHERE
        if self._where.is_in_doubt or not self._seen.isdisjoint(_HIDING):
            return _UNSURE
        return Facing(view.presets)

    @property
    def faults(self) -> list[CameraFault]:
        """What is wrong now, and was said."""
        return [fault for fault, hold in self._holds.items() if hold.is_held]

    def look(self, pixels: Pixels, captured_at: UtcSeconds, keys: int = 0) -> list[Change]:
        """Takes the next picture; what changed. ``keys``: key frames that the stream has had so far, if they are counted."""
        last = self._last
        if last is not None:
            passed_s = captured_at - last.captured_at
            if 0.0 <= passed_s < _EVERY_S - _EARLY_S:
                return []
            if not 0.0 <= passed_s <= _GAP_S:
                self.interrupted()
        glance = Glance.of(pixels, captured_at)
        self._seen = self._judged(glance, keys)
        self._last = glance
        self._keep_still(pixels, glance)
        turned = [fault for fault, hold in self._holds.items() if hold.update(captured_at, fault in self._seen)]
        return [Change(fault, self._cause(fault, glance) if self._holds[fault].is_held else None) for fault in turned]

    def interrupted(self) -> None:
        """Pictures stopped coming for a while: what lasts is counted anew."""
        self._last = None
        self._sameness.interrupt()
        self._where.interrupt()
        for hold in self._holds.values():
            hold.interrupt()

    def _judged(self, glance: Glance, keys: int) -> frozenset[CameraFault]:
        """What is wrong with this one picture."""
        is_same = self._last is not None and glance.is_same_as(self._last)
        is_frozen = self._sameness.update(glance.captured_at, keys, is_same=is_same)
        seen = {CameraFault.FROZEN} if is_frozen else set()
        flaw = self._flaw(glance)
        if flaw is None:
            self._where.update(glance)
            self._learn(glance)
        else:
            seen.add(flaw)
        is_lost = self._where.is_known and self._where.view is None
        if is_lost and (flaw is None or self._holds[CameraFault.VIEW_CHANGED].is_held):
            seen.add(CameraFault.VIEW_CHANGED)
        return frozenset(seen)

    def _flaw(self, glance: Glance) -> CameraFault | None:
        """What keeps the picture from showing the view that is watched."""
        darkest, brightest = glance.tones
        if brightest - darkest <= _EVEN:
            return CameraFault.BLACK
        view = self._where.view
        if view is None or not view.is_usual_known:
            return None
        likeness = view.likeness(glance)
        if view.lost(glance) >= _COVERED and likeness < _UNLIKE:
            return CameraFault.COVERED
        if view.sharpness(glance) < _BLURRED:
            fit = view.fit(glance)
            if likeness >= _ALIKE or (fit is not None and fit.in_place >= 1.0):
                return CameraFault.DEFOCUSED
        return None

    def _learn(self, glance: Glance) -> None:
        where = self._where
        if where.is_known and where.view is not None and not where.is_in_doubt:
            where.view.learn(glance)

    def _keep_still(self, pixels: Pixels, glance: Glance) -> None:
        where, now = self._where, glance.captured_at
        if self._keep is None or not where.is_known or self._seen or where.is_in_doubt or where.view is None:
            return
        if not says_where(glance):
            return  # a still of fog would be taken for another view after a restart
        if self._kept_at is None or not 0.0 <= now - self._kept_at < _KEEP_EVERY_S:
            self._kept_at = now
            self._keep(pixels)

    def _cause(self, fault: CameraFault, glance: Glance) -> str:
        if fault is CameraFault.BLACK:
            what = "black" if glance.tones[1] < _DARK else "one even colour"
            return f"the picture is {what}: look at the camera, its lens, its lighting and its exposure"
        if fault is CameraFault.VIEW_CHANGED:
            return f"{_moved(self._where.shift)}; {self._advice}"
        return _CAUSES[fault]


def tell(changes: Iterable[Change], sink: AnalysisSink) -> None:
    """Hands on what changed."""
    for fault, cause in changes:
        if cause is None:
            sink.fault_over(fault)
        else:
            sink.fault(fault, cause)


def _moved(shift: tuple[float, float] | None) -> str:
    if shift is None:
        return "the camera shows another view than its rules were drawn for"
    right, down = shift
    ways = [
        f"{abs(share):.0%} {after if share > 0 else before}"
        for share, before, after in ((right, "to the left", "to the right"), (down, "up", "down"))
        if round(abs(share), 2)
    ]
    return f"what the camera shows has moved in the picture by {' and '.join(ways)}"
