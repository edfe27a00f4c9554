"""What the compositions share: several occurrences of other rules become one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from core.types import Json, Occurrence, Track


class Part(NamedTuple):
    """What a member of a composition saw."""

    rule: str
    occurrence: Occurrence


def composed(parts: Sequence[Part]) -> Occurrence:
    """One occurrence: decided by the last of them, begun with the first, with the objects of all.

    The objects of the one that decided come first; an object that took part in several is told once.
    """
    in_order = sorted(parts, key=lambda part: (part.occurrence.captured_at, part.occurrence.started_at))
    return Occurrence(
        captured_at=in_order[-1].occurrence.captured_at,
        started_at=min(part.occurrence.started_at for part in parts),
        tracks=_objects(part.occurrence for part in reversed(in_order)),
        details={"members": [_told(part) for part in in_order]},
    )


def _objects(newest_first: Iterable[Occurrence]) -> tuple[Track, ...]:
    objects: dict[int, Track] = {}
    for occurrence in newest_first:
        for track in occurrence.tracks:
            objects.setdefault(track.track_id, track)
    return tuple(objects.values())


def _told(part: Part) -> Json:
    happened = part.occurrence
    return {"rule": part.rule, "captured_at": happened.captured_at, "started_at": happened.started_at}
