"""``abandoned_object``: a thing was put down, and its owner has been away from it for some time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count
from typing import Annotated, ClassVar, Final, Literal, NamedTuple

import numpy as np
from pydantic import Field

from analytics.detect.labels import OBJECT
from analytics.rules.abandoned.appearance import appearance_of
from analytics.rules.abandoned.attendance import Attendance, Presence, boxes_of
from analytics.rules.abandoned.leftovers import SURE_S, Leftover, Leftovers, is_a_thing, is_covered
from analytics.rules.abandoned.patches import Patch, patches_in
from analytics.rules.abandoned.standing_changes import Changes, Mask, StandingChanges
from analytics.rules.geometry import contains, ground_point, overlap
from config.geometry import Zone
from config.model import RuleSettings
from core.contracts import Rule
from core.types import Box, Occurrence, Pixels, Tick, Track, UtcSeconds

_PIXELS: Final = 64_800
"""340 x 190: a rucksack in a view of 20 m has some 10 pixels a side. The reference events are found, and nothing else, with a
fifth less and a fifth more; half as many again cost time and raised a false alarm in a hall."""
_VEHICLES: Final = frozenset({"bicycle", "car", "motorcycle", "bus", "truck"})
_IS_VEHICLE: Final = 0.5
_SCENERY_S: Final = 20.0
"""What changed without anybody near is taken into the scene after this."""
_ROUNDING_S: Final = 1e-6
_KEPT_S: Final = 1800.0
"""A thing that stays, attended or reported, after this."""


class AbandonedObjectSettings(RuleSettings):
    """Settings of ``abandoned_object``."""

    type: Literal["abandoned_object"]
    zone: Zone
    """Where things must not be left. Its border belongs to it."""
    unattended_s: Annotated[float, Field(ge=1.0, le=3600.0)] = 60.0
    """How long the owner must be away."""


class AbandonedObject(Rule):
    """Fires once for a thing that somebody put down in the zone, when all who were there have been away long enough.

    Only measured positions of people count. Without pictures nothing is seen.
    """

    settings_model: ClassVar[type[RuleSettings]] = AbandonedObjectSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, AbandonedObjectSettings):
            raise TypeError(f"AbandonedObject takes AbandonedObjectSettings, not {type(settings).__name__}")
        self._zone = settings.zone
        self._unattended_s = settings.unattended_s
        self._scene = StandingChanges()
        self._attendance = Attendance()
        self._leftovers = Leftovers(self._attendance)
        self._began_at: UtcSeconds | None = None
        self._restarts = 0
        self._numbers = count(1)

    def update(self, tick: Tick) -> list[Occurrence]:
        if tick.pixels is None:
            return []
        self._began_at = tick.captured_at if self._began_at is None else self._began_at
        view = self._look(tick, tick.pixels, tick.captured_at - self._began_at)
        if self._scene.restarts != self._restarts:
            self._restarts = self._scene.restarts
            self._leftovers.restart()
        patches = patches_in(view.changes)
        things = self._leftovers.update(patches, view.present, view.now)
        self._absorb(patches, things, view)
        due = [
            thing
            for patch, thing in zip(patches, things, strict=True)
            if thing is not None and self._is_due(patch, thing, view)
        ]
        return self._report(due, tick.captured_at) if due else []

    def _look(self, tick: Tick, pixels: Pixels, now: UtcSeconds) -> _View:
        aspect = pixels.width / pixels.height
        present = self._attendance.update(tick.tracks, now, aspect)
        picture = pixels.rgb(*_reduced(pixels))
        changes = self._scene.update(picture, now, _covered(picture.shape, [one.box for one in present]))
        return _View(changes, present, boxes_of(tick.tracks, _VEHICLES), now, aspect)

    def _is_due(self, patch: Patch, thing: Leftover, view: _View) -> bool:
        alone_s = thing.alone_s(view.now)
        if thing.is_reported or alone_s < self._unattended_s - SURE_S or is_covered(thing, view.present):
            return False
        is_vehicle = any(_share_covered(patch.box, box) >= _IS_VEHICLE for box in view.vehicles)
        look = appearance_of(view.changes, patch.mask, patch.rest_at)
        fits = not is_vehicle and is_a_thing(patch, thing.owner_height, view.aspect, look)
        return (
            thing.looks_like_a_thing(fits, view.now)
            and alone_s >= self._unattended_s - _ROUNDING_S
            and contains(self._zone, ground_point(patch.box))
            and not self._leftovers.is_part_of_reported(thing, view.aspect)
        )

    def _absorb(self, patches: Sequence[Patch], things: Sequence[Leftover | None], view: _View) -> None:
        """What nobody put there becomes scenery soon, the rest late: the model must not fill with old changes."""
        for patch, thing in zip(patches, things, strict=True):
            if view.now - patch.since >= (_SCENERY_S if thing is None else _KEPT_S):
                self._scene.absorb(patch.mask)

    def _report(self, due: Sequence[Leftover], captured_at: UtcSeconds) -> list[Occurrence]:
        """One occurrence for all that is due now: what one person left, and its parts, is one matter."""
        assert self._began_at is not None
        for thing in due:
            thing.is_reported = True
        longest = min(thing.alone_since or 0.0 for thing in due) + self._began_at
        tracks = tuple(self._track(thing) for thing in due)
        details = {"unattended_s": round(captured_at - longest, 1)}
        return [Occurrence(captured_at=captured_at, started_at=longest, tracks=tracks, details=details)]

    def _track(self, thing: Leftover) -> Track:
        """No detector knows it, so it has no track of its own; numbers below zero are nobody else's."""
        assert self._began_at is not None
        return Track(
            track_id=-next(self._numbers),
            label=OBJECT,
            score=1.0,
            box=thing.box,
            first_seen=thing.put_at + self._began_at,
        )


class _View(NamedTuple):
    """One picture and who is in it."""

    changes: Changes
    present: tuple[Presence, ...]
    vehicles: list[Box]
    now: UtcSeconds
    aspect: float


def _reduced(pixels: Pixels) -> tuple[int, int]:
    scale = min(1.0, math.sqrt(_PIXELS / (pixels.width * pixels.height)))
    return max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale))


def _covered(shape: tuple[int, ...], boxes: Sequence[Box]) -> Mask:
    """Height x width: the pixels that these boxes touch."""
    height, width = shape[:2]
    found = np.zeros((height, width), np.bool_)
    for box in boxes:
        rows = slice(math.floor(box.top * height), math.ceil(box.bottom * height) + 1)
        columns = slice(math.floor(box.left * width), math.ceil(box.right * width) + 1)
        found[rows, columns] = True
    return found


def _share_covered(thing: Box, box: Box) -> float:
    """Share of a thing that a box covers, if the box is not much the smaller one."""
    return overlap(thing, box) if box.width * box.height >= _IS_VEHICLE * thing.width * thing.height else 0.0
