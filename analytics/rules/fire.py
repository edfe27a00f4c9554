"""``fire``: flames or smoke are seen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from analytics.rules.fires.flames import Flames
from analytics.rules.fires.places import Confirmed, Places
from analytics.rules.fires.smoke import Smoke
from analytics.rules.geometry import contains, share_covered
from config.geometry import Zone
from config.model import RuleSettings
from core.contracts import Rule
from core.types import Box, Json, Occurrence, Pixels, Polygon, Tick, Track, UtcSeconds

_LONGER_SIDE = 320
"""Pixels of the longer side of the pictures that are looked at. Flames and smoke are judged by how they behave, for
which this suffices; a flame must be some 3 by 3 pixels large in it, a hundredth of the picture's width."""
_HOLD_S, _SHARE = 3.5, 0.75
"""What looks like fire must do so for as long again as it is judged by, in so many of the pictures: two judgements that
do not share a picture."""
_NAMED_HOLD_S, _NAMED_SHARE = 2.0, 0.6
"""A model's boxes come and go, but it does not judge by time: so long, in so many of the pictures."""
_OUT_S = 60.0
"""A fire of which nothing was seen for so long is over; another one is reported again. Smoke, firemen and water hide
fires for tens of seconds."""
_WORN = 0.8
"""What looks like a flame and is covered to this share by one person is their clothing."""

_Kind: TypeAlias = Literal["flame", "smoke"]
_KINDS: Final[tuple[_Kind, ...]] = ("flame", "smoke")
_NAMES: dict[_Kind, frozenset[str]] = {"flame": frozenset({"fire", "flame"}), "smoke": frozenset({"smoke"})}
"""What models call them."""


class FireSettings(RuleSettings):
    """Settings of ``fire``."""

    type: Literal["fire"]
    zone: Zone
    """Where fire is watched for."""
    kinds: Annotated[tuple[_Kind, ...], Field(min_length=1)] = _KINDS
    """What counts as fire."""


class Fire(Rule):
    """Fires once per fire: when flames or smoke are confirmed, and again only when nothing was seen for a minute.

    It looks at the pictures themselves; where the detector names ``fire``, ``flame`` or ``smoke``, at its tracks too.
    """

    settings_model: ClassVar[type[RuleSettings]] = FireSettings

    def __init__(self, settings: RuleSettings) -> None:
        if not isinstance(settings, FireSettings):
            raise TypeError(f"Fire takes FireSettings, not {type(settings).__name__}")
        self._zone = settings.zone
        self._kinds = tuple(kind for kind in _KINDS if kind in settings.kinds)
        self._seen = {kind: Places(hold_s=_HOLD_S, share=_SHARE) for kind in self._kinds}
        self._named = {kind: Places(hold_s=_NAMED_HOLD_S, share=_NAMED_SHARE) for kind in self._kinds}
        self._size: tuple[int, int] | None = None
        self._burnt_at: UtcSeconds | None = None
        self._numbers = count(1)

    def update(self, tick: Tick) -> list[Occurrence]:
        now = tick.captured_at
        looks = self._looks(tick.pixels, tick.tracks, now) if tick.pixels is not None else {}
        found: list[Occurrence] = []
        for kind in self._kinds:
            tracks = self._tracks_of(kind, tick.tracks)
            named = self._named[kind].see([track.box for track in tracks], now)
            seen = self._seen[kind].see(looks.get(kind, ()), now)
            if named or seen:
                confirmed = (named or seen)[0]
                burning = tracks if named else (self._seen_burning(kind, confirmed),)
                found.append(_occurrence(kind, confirmed, burning, now, is_named=bool(named)))
        is_new = self._burnt_at is None or now - self._burnt_at > _OUT_S
        if found:
            self._burnt_at = now
        return found[:1] if is_new else []

    def _seen_burning(self, kind: _Kind, confirmed: Confirmed) -> Track:
        """What no detector named, so that operators see where it burns; numbers below zero are nobody else's."""
        return Track(
            track_id=-next(self._numbers), label=kind, score=1.0, box=confirmed.box, first_seen=confirmed.since
        )

    def _tracks_of(self, kind: _Kind, tracks: Sequence[Track]) -> tuple[Track, ...]:
        """What the detector itself names so. Flames stand on nothing: the middle of their boxes decides."""
        return tuple(
            track
            for track in tracks
            if track.is_measured and track.label in _NAMES[kind] and contains(self._zone, track.box.centre)
        )

    def _looks(self, pixels: Pixels, tracks: Sequence[Track], now: UtcSeconds) -> dict[_Kind, list[Box]]:
        """Where the picture looks like fire."""
        size = _working_size(pixels)
        if size != self._size:
            self._size = size
            mask = _mask(self._zone, size)
            self._flames, self._smoke = Flames(mask), Smoke(mask)
        picture = pixels.rgb(*size)
        looks: dict[_Kind, list[Box]] = {}
        if "flame" in self._kinds:
            people = [track.box for track in tracks if track.is_measured and track.label == "person"]
            bodies = self._flames.update(picture, now)
            looks["flame"] = [body.box for body in bodies if body.is_flame and not _is_worn(body.box, people)]
        if "smoke" in self._kinds:
            others = [track.box for track in tracks if track.label not in _NAMES["smoke"] | _NAMES["flame"]]
            looks["smoke"] = self._smoke.update(picture, now, others)
        return looks


def _occurrence(
    kind: _Kind, confirmed: Confirmed, tracks: tuple[Track, ...], now: UtcSeconds, *, is_named: bool
) -> Occurrence:
    details: dict[str, Json] = {"kind": kind, "named_by_model": is_named}
    return Occurrence(captured_at=now, started_at=confirmed.since, tracks=tracks, details=details)


def _working_size(pixels: Pixels) -> tuple[int, int]:
    """Width and height at which pictures are looked at."""
    scale = min(1.0, _LONGER_SIDE / max(pixels.width, pixels.height))
    return max(1, round(pixels.width * scale)), max(1, round(pixels.height * scale))


def _mask(zone: Polygon, size: tuple[int, int]) -> NDArray[np.uint8]:
    """1 inside the zone."""
    width, height = size
    corners = np.array([(round(x * width), round(y * height)) for x, y in zone], np.int32)
    return np.asarray(cv2.fillPoly(np.zeros((height, width), np.uint8), [corners], 1), np.uint8)


def _is_worn(box: Box, people: Sequence[Box]) -> bool:
    """Whether one person covers it."""
    return any(share_covered(box, person) >= _WORN for person in people)
